'use strict';

// Metadata in both directions, at the beginning and at the end.

const grpc = require('@grpc/grpc-js');
const { equal, fails } = require('./suite');
const { stream, unary } = require('./world');

const TEXTS = ['plain', 'with spaces, commas; and = signs', '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~', 'x'.repeat(2000)];
const BLOBS = [
  Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  Buffer.from([0]),
  Buffer.from([0, 1]),
  Buffer.from([255, 254, 253]),
  Buffer.from('a,b'),
  Buffer.from('\r\n'),
];

async function bothWays(world, suffix, values) {
  const [initial, trailing] = [`x-echo-initial${suffix}`, `x-echo-trailing${suffix}`];
  for (const value of values) {
    const echo = unary(world.client, 'Echo', {}, { entries: [[initial, value], [trailing, value]] });
    await echo.answer;
    const { metadata } = await echo.ended;
    equal([value], echo.initial.get(initial), 'initial, unary');
    equal([value], metadata.get(trailing), 'trailing, unary');
  }
  // In streams too, and with an error at the end.
  const entries = [[initial, values[0]], [trailing, values[1]]];
  const emit = stream(world.client, 'Emit', { count: 1, code: 9, message: 'at the end' }, { entries });
  await emit.read();
  const error = await fails(emit.read(), grpc.status.FAILED_PRECONDITION, 'at the end');
  equal([values[0]], emit.initial.get(initial), 'initial, stream');
  equal([values[1]], error.metadata.get(trailing), 'trailing, stream with an error');
}

/** Values of one key keep their order. */
async function repeated(world) {
  const keys = ['x-echo-initial', 'x-echo-trailing', 'x-echo-initial-bin', 'x-echo-trailing-bin'];
  const value = (key, number) => (key.endsWith('-bin') ? Buffer.from(`${number}`) : `${number}`);
  const entries = [0, 1, 2].flatMap((number) => keys.map((key) => [key, value(key, number)]));
  const echo = unary(world.client, 'Echo', {}, { entries });
  await echo.answer;
  const { metadata } = await echo.ended;
  for (const key of keys) {
    const values = (key.includes('initial') ? echo.initial : metadata).get(key);
    // HTTP may join the values of a field with commas; then the application sees them so.
    equal('0,1,2', values.map(String).join(',').replaceAll(', ', ','), key);
  }
}

async function many(world) {
  const numbers = Array.from({ length: 30 }, (_, i) => String(i).padStart(2, '0'));
  const entries = ['initial', 'trailing'].flatMap((kind) => numbers.map((n) => [`x-echo-${kind}-${n}`, `value ${n}`]));
  const echo = unary(world.client, 'Echo', {}, { entries });
  await echo.answer;
  const { metadata } = await echo.ended;
  for (const [key, value] of entries) {
    equal([value], (key.includes('initial') ? echo.initial : metadata).get(key), key);
  }
}

exports.scenarios = [
  ['metadata-ascii', (world) => bothWays(world, '', TEXTS)],
  ['metadata-binary', (world) => bothWays(world, '-bin', BLOBS)],
  ['metadata-repeated', repeated],
  ['metadata-many', many],
];
