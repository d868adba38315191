'use strict';

// Streams of every kind: their order, their ends, and what happens when one side is slower or done first.

const { createHash, randomBytes, randomInt, randomUUID } = require('crypto');
const grpc = require('@grpc/grpc-js');
const { pattern, sleep } = require('./common');
const { check, equal, fails } = require('./suite');
const { stream, unary } = require('./world');

const KIB = 1024;

async function clientStreaming(world) {
  const collect = unary(world.client, 'Collect', null);
  const digest = createHash('sha256');
  let bytes = 0;
  for (let i = 0; i < 200; i += 1) {
    const payload = randomBytes(randomInt(5000));
    bytes += payload.length;
    digest.update(payload);
    collect.call.write({ payload });
  }
  collect.call.end();
  equal({ count: 200, bytes, sha256: digest.digest() }, await collect.answer);
}

async function serverStreaming(world) {
  const emit = stream(world.client, 'Emit', { token: randomUUID(), count: 500, size: 3000 });
  for (let number = 0; number < 500; number += 1) {
    const item = await emit.read();
    equal(number, item && item.number, 'the order');
    check(item.payload.equals(pattern(number, 3000)), `item ${number} was changed`);
  }
  equal(0, (await emit.end()).code);
}

async function pingPong(world) {
  const chat = stream(world.client, 'Chat', null);
  for (let number = 0; number < 50; number += 1) {
    const item = { text: '', payload: randomBytes(number * 100), number };
    chat.write(item);
    equal(item, await chat.read());
  }
  chat.call.end();
  equal(0, (await chat.end()).code);
}

async function emptyStreams(world) {
  const chat = stream(world.client, 'Chat', null);
  chat.call.end();
  equal(0, (await chat.end()).code);
  const collect = unary(world.client, 'Collect', null);
  collect.call.end();
  equal(0, (await collect.answer).count);
  const emit = stream(world.client, 'Emit', { token: randomUUID() });
  equal(0, (await emit.end()).code);
}

async function halfClose(world) {
  const reverse = stream(world.client, 'Reverse', null);
  for (let number = 0; number < 5; number += 1) {
    reverse.write({ number });
  }
  let early = null;
  const first = reverse.read().then((item) => {
    early = item;
    return item;
  });
  await sleep(300);
  check(early === null, 'an answer before the half-close');
  reverse.call.end();
  equal(4, (await first).number);
  for (let number = 3; number >= 0; number -= 1) {
    equal(number, (await reverse.read()).number);
  }
  equal(0, (await reverse.end()).code);
}

/** Sends items until the call is over; how many. */
async function sendOn(early, first) {
  let over = false;
  early.ended.then(() => {
    over = true;
  });
  early.call.write(first);
  let sent = 1;
  for (; !over; sent += 1) {
    const room = early.call.write({ payload: Buffer.alloc(16 * KIB) });
    await (room ? new Promise(setImmediate) : Promise.race([sleep(5), early.ended]));
  }
  return sent;
}

async function serverEndsFirst(world) {
  const early = unary(world.client, 'Early', null);
  const sent = await sendOn(early, { number: 20 });
  equal(20, (await early.answer).count);
  const bad = unary(world.client, 'Early', null);
  await sendOn(bad, { number: 20, text: 'enough of it' });
  await fails(bad.answer, grpc.status.FAILED_PRECONDITION, 'enough of it');
  // The connection is as good as before.
  equal('after', (await world.ask('Echo', { text: 'after' })).text);
  return `${sent} items were sent`;
}

/** A hundred streams on one connection, all open at the same time, each with content of its own. */
async function concurrentStreams(world) {
  const [streams, rounds] = [100, 20];
  let missing = streams;
  let all;
  const everyone = new Promise((resolve) => {
    all = resolve;
  });
  await Promise.all(Array.from({ length: streams }, async (_, index) => {
    const chat = stream(world.client, 'Chat', null);
    for (let number = 0; number < rounds; number += 1) {
      const item = { text: `stream ${index}`, payload: pattern(index, (index * 37 + number) % 2000), number };
      chat.write(item);
      equal(item, await chat.read(), `stream ${index}`);
      if (number === 0) {
        missing -= 1;
        if (missing === 0) {
          all();
        }
        await everyone;
      }
    }
    chat.call.end();
    equal(0, (await chat.end()).code);
  }));
}

/** A client that stops reading stops the server, and other calls on the connection go on. */
async function slowReader(world) {
  const [token, count, size] = [randomUUID(), 1024, 64 * KIB];
  const emit = stream(world.client, 'Emit', { token, count, size });
  try {
    equal(0, (await emit.read()).number);
    const stopped = await stopOf(world, token);
    check(stopped < count, `all ${count} items were sent to a client that reads none`);
    for (let number = 1; number < count; number += 1) {
      const item = await emit.read();
      equal(number, item && item.number);
      check(item.payload.equals(pattern(number, size)), `item ${number} was changed`);
    }
    equal(0, (await emit.end()).code);
    return `the server stopped at ${stopped} of ${count} items`;
  } finally {
    emit.call.cancel();
  }
}

/** How many items the server had sent when it sent no more. */
async function stopOf(world, token) {
  let [before, same] = [-1, 0];
  for (let i = 0; i < 80; i += 1) {
    await sleep(250);
    const { sent } = await world.ask('Observe', { token }, { seconds: 20 }).catch((e) => {
      throw new Error(`another call failed while one is not read: ${e.code}: ${e.details}`);
    });
    same = sent === before ? same + 1 : 0;
    before = sent;
    if (same === 6) {
      return sent;
    }
  }
  throw new Error(`the server goes on sending to a client that reads nothing; ${before} items by now`);
}

exports.scenarios = [
  ['client-streaming', clientStreaming],
  ['server-streaming', serverStreaming],
  ['ping-pong', pingPong],
  ['empty-streams', emptyStreams],
  ['half-close', halfClose],
  ['server-ends-first', serverEndsFirst],
  ['concurrent-streams', concurrentStreams],
  ['slow-reader', slowReader],
];
