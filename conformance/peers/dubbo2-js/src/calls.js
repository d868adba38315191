'use strict';

const assert = require('assert');
const crypto = require('crypto');
const { Client, java } = require('./client');
const { Suite } = require('./suite');
const wire = require('./wire');

const ALL = [ 'dubbo-3.3', 'dubbo-2.7' ];
const OK = 20;
/** When a call that is not waited for is answered, in milliseconds: late enough for a client that was stalled. */
const LATE = 4000;
const sleep = millis => new Promise(done => setTimeout(done, millis));

/** What an application may expect of a healthy service, whatever is in between. */
module.exports = ({ target }) => {
  const c = new Client(target);
  const suite = new Suite();
  const add = (name, body) => suite.add(ALL, name, () => body(c));
  add('sync', sync);
  add('null', nothing);
  add('void', voidCall);
  add('unicode', unicode);
  add('person', person);
  add('bytes-1MiB', bytes);
  add('string-1MiB', bigString);
  add('group-version', groupAndVersion);
  add('attachments', attachments);
  add('runtime-exception', runtimeException);
  add('declared-exception', declaredException);
  add('no-such-version', noSuchVersion);
  add('timeout-attachment', timeoutAttachment);
  add('concurrent', concurrent);
  add('timeout', timeout);
  add('heartbeat', heartbeat);
  add('one-connection', () => wire.expectOneConnection());
  return { suite, seconds: 110 };
};

async function sync(c) {
  assert.strictEqual(await c.call('echo', [ 'hello' ]), 'hello');
  assert.strictEqual(await c.call('echo', [ '' ]), '');
  assert.strictEqual(await c.call('add', [ 4, -7 ]), -3);
}

async function nothing(c) {
  assert.strictEqual(await c.call('nothing', []), null);
  assert.strictEqual(await c.call('echo', [ null ]), null);
}

async function voidCall(c) {
  const token = crypto.randomUUID();
  assert.strictEqual(await c.call('fire', [ token ]), null);
  assert.strictEqual(await c.call('fired', [ token ]), 1);
}

async function unicode(c) {
  for (const s of [ 'Grüße, 世界', 'emoji 🦀👩‍👩‍👧 end', '\u0000\u0001\uFFFD\u2028', 'é世'.repeat(40000) ]) {
    assert.ok(await c.call('echo', [ s ]) === s, `another text than ${s.slice(0, 20)} came back`);
  }
}

function address(street, number) {
  return java('org.wireloom.peer.Address', { street: java.String(street), number: java.int(number) });
}

async function person(c) {
  const born = new Date(-4891363199000);
  const sent = java('org.wireloom.peer.Person', {
    name: java.String('Ada 🧮'),
    age: java.int(36),
    mood: java('org.wireloom.peer.Mood', { name: 'CURIOUS' }),
    born,
    tags: java.List([ 'maths', 'engine', '' ]),
    addresses: java.List([ address("St James's Square", 12), address('Ockham Park', -1) ]),
    scores: java.Map({ notes: java.int(7), large: java.int(2147483647) }),
  });
  const answer = await c.call('person', [ sent ]);
  assert.deepStrictEqual(JSON.parse(JSON.stringify(answer)), {
    name: 'Ada 🧮',
    age: 37,
    mood: { name: 'CURIOUS' },
    born: born.toJSON(),
    tags: [ 'maths', 'engine', '' ],
    addresses: [ { street: "St James's Square", number: 12 }, { street: 'Ockham Park', number: -1 } ],
    scores: { notes: 7, large: 2147483647 },
  });
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

async function groupAndVersion(c) {
  assert.strictEqual(await c.call('whoami', [], { group: 'blue', version: '2.0.0' }), 'blue/2.0.0');
  assert.strictEqual(await c.call('whoami', []), 'default/1.0.0');
}

async function attachments(c) {
  const call = { attachments: { trip: '🎒 42' } };
  assert.strictEqual(await c.call('attachment', [ 'trip' ], call), '🎒 42');
  assert.strictEqual(call.replyAttachments['reply-key'], 'reply-value');
  assert.strictEqual(await c.call('attachment', [ 'trip' ]), null);
}

async function runtimeException(c) {
  const { error } = await c.failure('blowUp', [ 'boom ✗' ]);
  assert.strictEqual(error.name, 'java.lang.IllegalStateException');
  assert.match(error.message, /boom ✗/);
}

/** The library knows only exceptions whose class name ends in "Exception" and shows nothing of others. */
async function declaredException(c) {
  const { error } = await c.failure('fail', [ 'declared ✗' ]);
  assert.strictEqual(error.constructor.name, 'DubboDecodeError');
  assert.strictEqual(wire.lastReply.status, OK);
  for (const part of [ 'org.wireloom.peer.EchoFailure', 'declared ✗' ]) {
    assert.ok(wire.lastReply.body.includes(part), `the reply lacks ${part}`);
  }
}

/** The server's own failure, which each Dubbo words differently. */
async function noSuchVersion(c) {
  const { error } = await c.failure('whoami', [], { version: '9.9.9' });
  assert.strictEqual(error.constructor.name, 'DubboDecodeError');
  assert.notStrictEqual(wire.lastReply.status, OK);
  assert.ok(wire.lastReply.body.length > 3, 'the failure has no text');
}

/** The library sends its timeout as an attachment in seconds; 10 is not to be taken for 10 ms. */
async function timeoutAttachment(c) {
  assert.strictEqual(await c.call('slow', [ 700 ], { service: 'timed' }), 'slept 700');
}

/** Each of 200 calls in flight at once, ending in an order of their own, gets its own answer. */
async function concurrent(c) {
  const delays = Array.from({ length: 200 }, (_, i) => 100 + ((i * 73) % 200) * 4);
  const answers = await Promise.all(delays.map(delay => c.call('slow', [ delay ])));
  assert.deepStrictEqual(answers, delays.map(delay => `slept ${delay}`));
}

/** A late answer is dropped, and is never taken for the answer of a later call. */
async function timeout(c) {
  const start = Date.now();
  const { error, millis } = await c.failure('slow', [ LATE ], { service: 'impatient' });
  assert.match(error.message, /remote invoke timeout/);
  assert.ok(millis >= 250 && millis < LATE, `timed out after ${millis} ms instead of 300`);
  while (Date.now() - start < LATE + 500) {
    const own = crypto.randomUUID();
    assert.strictEqual(await c.call('echo', [ own ]), own);
    await sleep(20);
  }
}

async function heartbeat(c) {
  wire.heartbeatReplies.length = 0;
  for (let i = 0; i < 3; i++) {
    wire.sendHeartbeat();
    await sleep(300);
  }
  const deadline = Date.now() + 5000;
  while (wire.heartbeatReplies.length < 3 && Date.now() < deadline) {
    await sleep(20);
  }
  // The library leaves the id of its heartbeats 0.
  const expected = { status: OK, id: '0000000000000000' };
  assert.deepStrictEqual(wire.heartbeatReplies, [ expected, expected, expected ]);
  assert.strictEqual(await c.call('echo', [ 'awake' ]), 'awake');
  wire.expectOneConnection();
}
