'use strict';

const assert = require('assert');
const crypto = require('crypto');
const { Tup } = require('@tars/stream');
const { Client } = require('./client');
const { Suite } = require('./suite');

const PARTNERS = [ 'tars-rpc' ];
/** The client's own code for a call that it waited for too long. */
const REQUEST_TIMEOUT = -13001;
const INVOKE_TIMEOUT = -7;
const FUNC_NOT_FOUND = -3;
/** When a call that is not waited for is answered, in milliseconds: late enough for a client that was stalled. */
const LATE = 4000;
const sleep = millis => new Promise(done => setTimeout(done, millis));

/** What an application may expect of a healthy servant, whatever is in between. */
module.exports = ({ target, mode }) => {
  const suite = new Suite();
  const c = new Client(target);
  const add = (name, body) => suite.add(PARTNERS, name, () => body(c, mode === 'proxied'));
  add('echo', echo);
  add('large', large);
  add('concurrent', concurrent);
  add('many', many);
  add('context', context);
  add('service-error', serviceError);
  add('no-function', noFunction);
  add('one-way', oneWay);
  add('heartbeat', heartbeat);
  add('timeout', timeout);
  add('one-connection', client => assert.strictEqual(client.connections.opened, 1));
  for (const [ name, version ] of [ [ 'tup-complex', Tup.TUP_COMPLEX ], [ 'tup-simple', Tup.TUP_SIMPLE ] ]) {
    suite.add(PARTNERS, name, () => tup(new Client(target), version));
  }
  return { suite, seconds: 100 };
};

async function echo(c) {
  for (const text of [ 'hello', '', 'Grüße, 世界 🦀', 'x'.repeat(255), 'y'.repeat(256) ]) {
    assert.strictEqual((await c.call('echo', text)).text, text);
  }
}

async function large(c) {
  const text = '0123456789abcdef'.repeat(1 << 16);
  assert.ok((await c.call('echo', text)).text === text, 'the answer differs');
}

/** Calls in flight at once on one connection, which end in an order of their own, get their own answers. */
async function concurrent(c) {
  const delays = Array.from({ length: 100 }, (_, i) => 100 + ((i * 37) % 100) * 5);
  const ended = [];
  const answers = await Promise.all(delays.map(async (delay, i) => {
    const { text } = await c.call('slow', delay);
    ended.push(i);
    return text;
  }));
  assert.deepStrictEqual(answers, delays.map(delay => `slept ${delay}`));
  assert.notDeepStrictEqual(ended, delays.map((_, i) => i), 'they were answered in their order');
}

/** The client's ids take one byte, then two, then three with their head. */
async function many(c) {
  let last = 0;
  for (let i = 0; i < 300; i++) {
    const { text, id } = await c.call('echo', i);
    assert.strictEqual(text, String(i));
    last = id;
  }
  assert.ok(last > 256, `the last id was ${last} only`);
  c.worker._requestId = 40000;
  assert.strictEqual((await c.call('echo', 'far')).text, 'far');
}

async function context(c) {
  const answer = await c.call('context', 'trip', { context: { trip: '🎒 42', other: 'x' } });
  assert.strictEqual(answer.text, '🎒 42');
  assert.strictEqual(answer.context.get('x-answer'), 'a context of the answer');
}

async function serviceError(c) {
  for (const code of [ 77, 1, -99 ]) {
    const failure = await c.failure('fail', code);
    assert.deepStrictEqual([ failure.code, failure.message ], [ code, `failed with ${code}` ]);
  }
  assert.strictEqual((await c.call('echo', 'after')).text, 'after');
}

async function noFunction(c) {
  assert.strictEqual((await c.failure('nonsense', 'x')).code, FUNC_NOT_FOUND);
}

async function oneWay(c) {
  const token = crypto.randomUUID();
  const ids = [];
  for (let i = 0; i < 5; i++) {
    // The library ends a one-way call with an error, and with success as its code.
    ids.push((await c.failure('note', token, { packetType: 1 })).id);
  }
  const deadline = Date.now() + 5000;
  while ((await c.call('noted', token)).text !== '5' && Date.now() < deadline) {
    await sleep(20);
  }
  // A call that somebody repeated would be seen now.
  await sleep(200);
  assert.strictEqual((await c.call('noted', token)).text, '5');
  assert.deepStrictEqual(ids.filter(id => c.answers.includes(id)), [], 'one-way calls were answered');
}

/** Who is asked answers: the proxy for itself, with nothing in the answer that a ping asks for. */
async function heartbeat(c, proxied) {
  for (let i = 0; i < 3; i++) {
    const { response } = await c.worker.tars_invoke('tars_ping', emptyContent(), {});
    assert.strictEqual(response.iRet, 0);
    const isServers = response.sBuffer.length > 0;
    assert.strictEqual(isServers, !proxied, 'another one answered');
  }
  assert.strictEqual((await c.call('echo', 'awake')).text, 'awake');
}

function emptyContent() {
  const { TarsOutputStream } = require('@tars/stream');
  return new TarsOutputStream().getBinBuffer();
}

/** A late answer is dropped, and is never taken for the answer of a later call. */
async function timeout(c, proxied) {
  c.worker.timeout = 300;
  const start = Date.now();
  const failure = await c.failure('slow', LATE);
  c.worker.timeout = 10000;
  // The request tells its timeout; whoever is in between has it too.
  const codes = proxied ? [ REQUEST_TIMEOUT, INVOKE_TIMEOUT ] : [ REQUEST_TIMEOUT ];
  assert.ok(codes.includes(failure.code), `${failure.code}: ${failure.message}`);
  assert.ok(failure.millis >= 250 && failure.millis < LATE, `it took ${failure.millis} ms instead of 300`);
  while (Date.now() - start < LATE + 500) {
    const own = crypto.randomUUID();
    assert.strictEqual((await c.call('echo', own)).text, own);
    await sleep(20);
  }
  const came = c.answers.filter(id => id === failure.id).length;
  assert.strictEqual(came, 1, `${came} answers came to the call that timed out`);
}

async function tup(c, version) {
  for (const text of [ 'hello', 'Grüße 🦀', 'z'.repeat(70000) ]) {
    assert.strictEqual(await c.tup(version, 'echo', text), text);
  }
  assert.strictEqual(await c.tupFailure(version, 'fail', 77), 77);
  assert.strictEqual(await c.tupFailure(version, 'nonsense', ''), FUNC_NOT_FOUND);
  const delays = [ 400, 50, 200 ];
  const answers = await Promise.all(delays.map(delay => c.tup(version, 'slow', delay)));
  assert.deepStrictEqual(answers, delays.map(delay => `slept ${delay}`));
}
