'use strict';

const assert = require('assert');
const { Client } = require('./client');
const { Suite } = require('./suite');

const PARTNERS = [ 'sofa-rpc-node', 'sofarpc' ];

/**
 * Failures that a proxy answers itself; the uniqueId selects the failure. The library raises the same error for
 * every status without a body, so the status is read from the frame.
 */
module.exports = ({ target }) => {
  const suite = new Suite();
  for (const variant of [ 'v1', 'v2-crc' ]) {
    const c = new Client(target, variant, 30000);
    const add = (uniqueId, status, method, args) => suite.add(PARTNERS, `${variant}-${uniqueId}`, async () => {
      const failure = await c.failure(method, args(), { uniqueId });
      assert.strictEqual(failure.status, status, `status ${failure.status}: ${failure.error.message}`);
      assert.ok(failure.error instanceof Error);
      assert.match(failure.error.message, /^Server exception when invoke with callback/);
      assert.ok(failure.millis < 5000, `the failure came after ${failure.millis} ms only`);
    });
    add('no-route', 6, 'echo', () => [ 'x' ]);
    add('no-endpoint', 6, 'echo', () => [ 'x' ]);
    add('refused', 0x10, 'echo', () => [ 'x' ]);
    add('timeout', 7, 'slow', () => [ 3000 ]);
    add('overloaded', 4, 'echo', () => [ 'x' ]);
    add('reset', 0x10, 'echo', () => [ 'x' ]);
    add('too-large', 9, 'bytes', () => [ Buffer.alloc(9 << 20) ]);
    suite.add(PARTNERS, `${variant}-after-errors`, async () => {
      assert.strictEqual(await c.call('echo', [ 'still here' ]), 'still here');
      c.expectOneConnection();
    });
  }
  return { suite, seconds: 110 };
};
