'use strict';

// Single messages of every size, plain and compressed.

const { createHash, randomBytes, randomUUID } = require('crypto');
const grpc = require('@grpc/grpc-js');
const { MIB, pattern } = require('./common');
const { Relay } = require('./relay');
const { check, equal } = require('./suite');
const { open, stream, unary } = require('./world');

// Servers whose library cannot compress what it sends.
const PLAIN_SERVERS = ['grpc-js'];

function item(text, payload = Buffer.alloc(0), number = 0) {
  return { text, payload, number };
}

function same(sent, got) {
  return sent.text === got.text && sent.number === got.number && sent.payload.equals(got.payload);
}

async function unaryCalls(world) {
  for (let number = 0; number < 20; number += 1) {
    const sent = item('wireloom \u00e9 \u4e2d \u{1f600}', randomBytes(100), number);
    equal(sent, await world.ask('Echo', sent));
  }
}

async function emptyMessages(world) {
  equal(item(''), await world.ask('Echo', {}), 'a unary call');
  const chat = stream(world.client, 'Chat', null);
  for (let i = 0; i < 3; i += 1) {
    chat.write({});
    equal(item(''), await chat.read(), 'a stream');
  }
  chat.call.end();
  equal(0, (await chat.end()).code);
  const collect = unary(world.client, 'Collect', null);
  for (let i = 0; i < 3; i += 1) {
    collect.call.write({});
  }
  collect.call.end();
  equal(3, (await collect.answer).count);
}

async function messages4mib(world) {
  const sent = item('', randomBytes(4 * MIB));
  for (let i = 0; i < 3; i += 1) {
    check(same(sent, await world.ask('Echo', sent)), '4 MiB came back changed');
  }
  const chat = stream(world.client, 'Chat', null);
  for (sent.number = 0; sent.number < 3; sent.number += 1) {
    chat.write(sent);
    check(same(sent, await chat.read()), '4 MiB in a stream came back changed');
  }
  chat.call.end();
  equal(0, (await chat.end()).code);
}

async function sizesAroundFrames(world) {
  // Frames of HTTP/2 hold 16 KiB by default, and the first windows 64 KiB.
  for (const around of [16384, 65535, 131072]) {
    for (const more of [-30, -10, -5, -1, 0, 1, 10]) {
      const sent = item('', randomBytes(around + more));
      check(same(sent, await world.ask('Echo', sent)), `${around + more} bytes came back changed`);
    }
  }
}

async function concurrentUnary(world) {
  const items = Array.from({ length: 300 }, (_, number) => item(`call ${number}`, randomBytes(number * 7), number));
  const answers = await Promise.all(items.map((sent) => world.ask('Echo', sent)));
  items.forEach((sent, number) => equal(sent, answers[number], sent.text));
}

async function gzip(world) {
  const text = 'all the same '.repeat(Math.floor(MIB / 13));
  const relay = await Relay.start(world.target);
  const entries = [['x-compress', 'gzip']];
  // A client for each call: once it has an answer, the library compresses no more for servers whose
  // grpc-accept-encoding has spaces behind its commas.
  const once = async (call) => {
    const client = open(relay.target, { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip });
    await call(client);
    client.close();
  };
  for (let i = 0; i < 3; i += 1) {
    await once(async (client) => {
      const answer = await unary(client, 'Echo', { text }, { entries }).answer;
      check(answer.text === text, 'compressed text came back changed');
    });
  }
  await once(async (client) => {
    const collect = unary(client, 'Collect', null);
    for (let i = 0; i < 3; i += 1) {
      collect.call.write({ payload: Buffer.from(text) });
    }
    collect.call.end();
    const digest = createHash('sha256').update(text.repeat(3)).digest();
    equal({ count: 3, bytes: 3 * text.length, sha256: digest }, await collect.answer);
  });
  await once(async (client) => {
    const emit = stream(client, 'Emit', { token: randomUUID(), count: 3, size: MIB }, { entries });
    for (let number = 0; number < 3; number += 1) {
      const answer = await emit.read();
      check(answer.payload.equals(pattern(number, MIB)), "a stream's item came back changed");
    }
    equal(0, (await emit.end()).code);
  });
  relay.close();
  const [up, down] = [relay.up, relay.down].map((directions) => directions.reduce((sum, { size }) => sum + size, 0));
  check(up < MIB / 2, `6 MiB of text took ${up} bytes to send: they were not compressed`);
  if (!PLAIN_SERVERS.includes(world.partner)) {
    check(down < MIB / 2, `6 MiB of text took ${down} bytes to get: they were not compressed`);
  }
  return `${up} bytes up, ${down} down`;
}

exports.scenarios = [
  ['unary', unaryCalls],
  ['empty-messages', emptyMessages],
  ['messages-4mib', messages4mib],
  ['sizes-around-frames', sizesAroundFrames],
  ['concurrent-unary', concurrentUnary],
  ['gzip', gzip],
];
