'use strict';

const assert = require('assert');
const crypto = require('crypto');
const { Client, VARIANTS } = require('./client');
const { Suite } = require('./suite');
const { PERSON, java, samplePerson } = require('./types');

const NODE = [ 'sofa-rpc-node' ];
const JAVA = [ 'sofarpc' ];
const ALL = [ ...NODE, ...JAVA ];
/** When a call that is not waited for is answered, in milliseconds: late enough for a client that was stalled. */
const LATE = 4000;
const STATUS_SUCCESS = 0;
const STATUS_TIMEOUT = 7;
const sleep = millis => new Promise(done => setTimeout(done, millis));

/** What an application may expect of a healthy service, whatever is in between. */
module.exports = options => {
  const suite = new Suite();
  const clients = Object.keys(VARIANTS).map(variant => new Client(options.target, variant, 1000));
  // This library's server answers one-way requests too; whoever is in between must not pass that on.
  const unanswered = options.mode === 'proxied' || options.with === 'sofarpc';
  for (const c of clients) {
    const variant = c.variant;
    const add = (partners, name, body) => suite.add(partners, `${variant}-${name}`, () => body(c));
    add(ALL, 'sync', sync);
    add(ALL, 'null', nothing);
    add(ALL, 'one-way', () => oneWay(c, unanswered));
    add(ALL, 'unicode', unicode);
    add(ALL, 'person', person);
    add(ALL, 'bytes-1MiB', bytes);
    add(ALL, 'string-1MiB', bigString);
    add(ALL, 'uniqueId', uniqueId);
    add(ALL, 'baggage', baggage);
    add(JAVA, 'reply-baggage', replyBaggage);
    add(ALL, 'exception', exception);
    add(NODE, 'protobuf', protobuf);
    add(NODE, 'no-such-service', noSuchService);
    add(ALL, 'concurrent', concurrent);
  }
  suite.add(ALL, 'timeout', () => all(clients, c => timeout(c, options.mode === 'proxied')));
  suite.add(ALL, 'heartbeat', () => all(clients, heartbeat));
  for (const c of clients) {
    suite.add(ALL, `${c.variant}-one-connection`, () => c.expectOneConnection());
  }
  return { suite, seconds: 110 };
};

/** Runs `body` for all clients at once. Waits for each: what still runs would disturb the next scenario. */
async function all(clients, body) {
  const ended = await Promise.allSettled(clients.map(c => body(c)));
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed) {
    throw failed.reason;
  }
}

async function sync(c) {
  assert.strictEqual(await c.call('echo', [ 'hello' ]), 'hello');
  assert.strictEqual(await c.call('echo', [ '' ]), '');
  assert.strictEqual(await c.call('add', [ 4, -7 ]), -3);
}

async function nothing(c) {
  assert.strictEqual(await c.call('nothing', []), null);
  assert.strictEqual(await c.call('echo', [ java('java.lang.String', null) ]), null);
}

async function oneWay(c, unanswered) {
  const token = crypto.randomUUID();
  const ids = [];
  for (let i = 0; i < 5; i++) {
    ids.push(await c.oneWay('fire', [ token ]));
  }
  const deadline = Date.now() + 5000;
  while (await c.call('fired', [ token ]) < 5 && Date.now() < deadline) {
    await sleep(20);
  }
  // A one-way call that somebody repeated would be seen now.
  await sleep(200);
  assert.strictEqual(await c.call('fired', [ token ]), 5);
  if (unanswered) {
    assert.deepStrictEqual(ids.filter(id => c.statuses.has(id)), [], 'one-way requests were answered');
  }
}

async function unicode(c) {
  for (const s of [ 'Grüße, 世界', 'emoji 🦀👩‍👩‍👧 end', '\u0000\u0001\uFFFD\u2028', 'é世'.repeat(40000) ]) {
    assert.ok(await c.call('echo', [ s ]) === s, `another text than ${s.slice(0, 20)} came back`);
  }
}

async function person(c) {
  const answer = await c.call('person', [ java(PERSON, samplePerson()) ]);
  assert.deepStrictEqual(plain(answer), plain(Object.assign(samplePerson(), { age: 37 })));
}

/** Without what the decoder adds to an object. */
function plain(value) {
  return JSON.parse(JSON.stringify(value));
}

async function bytes(c) {
  const sent = crypto.randomBytes(1 << 20);
  const answer = await c.call('bytes', [ sent ]);
  assert.ok(Buffer.isBuffer(answer) && sent.equals(answer), 'the answer differs');
}

async function bigString(c) {
  const sent = '0123456789abcdef'.repeat(1 << 16);
  assert.ok(await c.call('echo', [ sent ]) === sent, 'the answer differs');
}

async function uniqueId(c) {
  assert.strictEqual(await c.call('whoami', [], { uniqueId: 'blue' }), 'blue');
  assert.strictEqual(await c.call('whoami', []), 'default');
}

function withBaggage(key, value) {
  return { requestProps: { service: 'org.wireloom.peer.EchoService:1.0', rpc_req_baggage: { [key]: value } } };
}

async function baggage(c) {
  assert.strictEqual(await c.call('attachment', [ 'trip' ], withBaggage('trip', '🎒 42')), '🎒 42');
  assert.strictEqual(await c.call('attachment', [ 'trip' ]), null);
}

async function replyBaggage(c) {
  let props = null;
  c.consumer().once('response', ctx => { props = ctx.res.responseProps; });
  await c.call('attachment', [ 'trip' ], withBaggage('trip', 'x'));
  assert.strictEqual(props && props['rpc_resp_baggage.reply-key'], 'reply-value');
}

async function exception(c) {
  for (const method of [ 'fail', 'blowUp' ]) {
    const { error } = await c.failure(method, [ 'boom ✗' ]);
    assert.match(error.message, /boom ✗/);
  }
}

async function protobuf(c) {
  const consumer = c.consumer('', 'org.wireloom.peer.ProtoEchoService');
  const sent = { text: 'héllo', numbers: [ 1, -2 ], data: Buffer.from([ 0, 1, 255 ]) };
  const answer = await consumer.invoke('echo', [ sent ], { codecType: 'protobuf' });
  assert.strictEqual(answer.text, sent.text);
  assert.deepStrictEqual(answer.numbers.map(Number), sent.numbers);
  assert.ok(sent.data.equals(answer.data), 'the bytes differ');
}

async function noSuchService(c) {
  const { error } = await c.failure('echo', [ 'x' ], { uniqueId: 'absent' });
  assert.match(error.message, /not found service/);
}

/** Each of 200 calls in flight at once, ending in an order of their own, gets its own answer. */
async function concurrent(c) {
  const delays = Array.from({ length: 200 }, (_, i) => 100 + ((i * 73) % 200) * 4);
  const answers = await Promise.all(delays.map(delay => c.call('slow', [ delay ])));
  assert.deepStrictEqual(answers, delays.map(delay => `slept ${delay}`));
}

/** A late answer is dropped, and is never taken for the answer of a later call. */
async function timeout(c, proxied) {
  const start = Date.now();
  const { error, millis, status, id } = await c.failure('slow', [ LATE ], { responseTimeout: 300 });
  // The proxy has the request's timeout too. A client that was stalled may read its answer before its own timer.
  if (!proxied || status === undefined) {
    assert.strictEqual(error.name, 'RpcResponseTimeoutError', error.message);
  }
  assert.ok(millis >= 250 && millis < LATE, `timed out after ${millis} ms instead of 300`);
  // Directly the late answer comes, and it is waited for.
  while (Date.now() - start < LATE + 500 || (!c.statuses.has(id) && Date.now() - start < LATE + 10000)) {
    const own = crypto.randomUUID();
    assert.strictEqual(await c.call('echo', [ own ]), own);
    await sleep(20);
  }
  // What came last for this request: from the proxy its own answer, and not the late one after it.
  assert.strictEqual(c.statuses.get(id), proxied ? STATUS_TIMEOUT : STATUS_SUCCESS);
}

/** Nothing but heartbeats: the library sends one after each second or two, later if the machine is busy. */
async function heartbeat(c) {
  const before = c.heartbeatAcks;
  const start = Date.now();
  while (c.heartbeatAcks - before < 2 && Date.now() - start < 20000) {
    await sleep(100);
  }
  const acks = c.heartbeatAcks - before;
  assert.ok(acks >= 2, `only ${acks} heartbeats of ${c.variant} were answered in 20 s of an idle time of 1 s`);
  assert.strictEqual(await c.call('echo', [ 'awake' ]), 'awake');
  c.expectOneConnection();
}
