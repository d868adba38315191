'use strict';

// Statuses: every code, odd messages, details, and where on the wire they are.

const grpc = require('@grpc/grpc-js');
const { message } = require('./common');
const { DATA, HEADERS, Relay } = require('./relay');
const { check, equal, fails } = require('./suite');
const { open, stream, unary } = require('./world');

const ODD = '\t\ntest with whitespace\r\nand 100% Unicode BMP \u263a and non-BMP \u{1f608} %41\t\n';

async function everyCode(world) {
  for (let code = 1; code <= 16; code += 1) {
    await fails(world.ask('Fail', { code, message: `code ${code}` }), code, `code ${code}`);
  }
}

async function statusMessage(world) {
  await fails(world.ask('Fail', { code: 2, message: ODD }), grpc.status.UNKNOWN, ODD);
  const emit = stream(world.client, 'Emit', { count: 2, code: 15, message: ODD });
  equal([0, 1], [(await emit.read()).number, (await emit.read()).number]);
  await fails(emit.read(), grpc.status.DATA_LOSS, ODD);
  await fails(world.ask('Fail', { code: 5 }), grpc.status.NOT_FOUND, '');
  // Not with a space at the end, which HTTP/2 libraries refuse in a field.
  const long = `${'long '.repeat(600)}end`;
  await fails(world.ask('Fail', { code: 5, message: long }), grpc.status.NOT_FOUND, long);
}

async function statusDetails(world) {
  const failure = { code: 8, message: ODD, reason: 'QUOTA \u4e2d' };
  const error = await fails(world.ask('Fail', failure), grpc.status.RESOURCE_EXHAUSTED, ODD);
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const status = message('Status').deserialize(bytes);
  equal([8, ODD, 1], [status.code, status.message, status.details.length]);
  equal('type.googleapis.com/org.wireloom.peer.Detail', status.details[0].type_url);
  const detail = message('Detail').deserialize(status.details[0].value);
  equal('QUOTA \u4e2d', detail.reason);
  equal(Buffer.from(Array.from({ length: 256 }, (_, i) => i)), detail.blob);
}

async function unimplemented(world) {
  for (const path of ['/org.wireloom.peer.EchoService/NoSuchMethod', '/org.wireloom.peer.NoSuchService/Echo']) {
    const call = new Promise((resolve, reject) => {
      const done = (e, answer) => (e ? reject(e) : resolve(answer));
      world.client.makeUnaryRequest(path, (b) => b, (b) => b, Buffer.alloc(0), done);
    });
    await fails(call, grpc.status.UNIMPLEMENTED);
  }
}

/** An error without an answer is one HEADERS frame, and one behind initial metadata is two. */
async function trailersOnly(world) {
  const relay = await Relay.start(world.target);
  const client = open(relay.target);
  const ask = (method, request, more) => unary(client, method, request, more).answer;
  const entries = [['x-echo-trailing', 'there']];
  const error = await fails(ask('Fail', { code: 5, message: 'gone' }, { entries }), grpc.status.NOT_FOUND, 'gone');
  equal(['there'], error.metadata.get('x-echo-trailing'));
  equal([[[HEADERS, true]]], relay.answers(), 'the frames of an error alone');
  await fails(ask('Fail', { code: 5, message: 'gone', headers_first: true }), grpc.status.NOT_FOUND, 'gone');
  const [, behind] = relay.answers();
  // Node ends a stream without content with an empty DATA frame before the trailers.
  equal([[HEADERS, false], [HEADERS, true]], behind.filter(([type]) => type === HEADERS), 'the frames of an error behind metadata');
  await ask('Echo', { text: 'x' });
  const frames = relay.answers()[2];
  equal([[HEADERS, false], [HEADERS, true]], [frames[0], frames[frames.length - 1]], 'the first and last frame of an answer');
  check(frames.some(([type]) => type === DATA), 'an answer without DATA');
  client.close();
  relay.close();
}

async function errorAfterItems(world) {
  const emit = stream(world.client, 'Emit', { count: 5, size: 20000, code: 10, message: 'enough' });
  for (let number = 0; number < 5; number += 1) {
    equal(number, (await emit.read()).number);
  }
  await fails(emit.read(), grpc.status.ABORTED, 'enough');
}

exports.scenarios = [
  ['status-codes', everyCode],
  ['status-message', statusMessage],
  ['status-details', statusDetails],
  ['unimplemented', unimplemented],
  ['trailers-only', trailersOnly],
  ['error-after-items', errorAfterItems],
];
