'use strict';

const assert = require('assert');
const { Client } = require('./client');
const { Suite } = require('./suite');
const wire = require('./wire');
const DubboEncoder = require('dubbo2.js/es7/encode').default;

const PARTNERS = [ 'dubbo-3.3', 'dubbo-2.7' ];

/** The library refuses bodies over 8 MiB; lifted, so that one over the proxy's limit does leave. */
function liftLimit() {
  const encodeHead = DubboEncoder.prototype.encodeHead;
  DubboEncoder.prototype.encodeHead = function(length) {
    const head = encodeHead.call(this, 0);
    head.writeUInt32BE(length, 12);
    return head;
  };
}

/** Failures that a proxy answers itself; the group selects the failure. The status is read from the frame. */
module.exports = ({ target }) => {
  liftLimit();
  const c = new Client(target);
  const suite = new Suite();
  const add = (group, status, text, method, args) => suite.add(PARTNERS, group, async () => {
    wire.lastReply = null;
    const { error, millis } = await c.failure(method, args(), { group });
    assert.ok(wire.lastReply, `no reply came: ${error.message}`);
    assert.strictEqual(wire.lastReply.status, status, `status ${wire.lastReply.status}: ${error.message}`);
    assert.strictEqual(error.constructor.name, 'DubboDecodeError');
    assert.ok(error.message.includes(text), `"${text}" is not in "${error.message}"`);
    assert.ok(millis < 5000, `the failure came after ${millis} ms only`);
  });
  add('no-route', 60, 'no route', 'echo', () => [ 'x' ]);
  add('no-endpoint', 80, 'no endpoint', 'echo', () => [ 'x' ]);
  add('refused', 80, 'connect', 'echo', () => [ 'x' ]);
  add('timeout', 31, 'timed out', 'slow', () => [ 3000 ]);
  add('overloaded', 100, 'overloaded', 'echo', () => [ 'x' ]);
  add('reset', 80, 'reset', 'echo', () => [ 'x' ]);
  add('too-large', 40, 'exceeds', 'bytes', () => [ Buffer.alloc(9 << 20) ]);
  suite.add(PARTNERS, 'after-errors', async () => {
    assert.strictEqual(await c.call('echo', [ 'still here' ]), 'still here');
    wire.expectOneConnection();
  });
  return { suite, seconds: 110 };
};
