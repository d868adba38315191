'use strict';

const assert = require('assert');
const { Client } = require('./client');
const { Suite } = require('./suite');

/** Failures that a proxy answers itself, picked by the servant: the code and the text that the application sees. */
module.exports = ({ target }) => {
  const suite = new Suite();
  const add = (servant, code, text, argument = 'x') => suite.add([ 'tars-rpc' ], servant, async () => {
    const c = new Client(target, servant);
    // A second one shows that the connection goes on.
    for (let i = 0; i < 2; i++) {
      const failure = await c.failure('echo', argument);
      assert.strictEqual(failure.code, code, `${failure.code}: ${failure.message}`);
      assert.match(failure.message, text);
      assert.ok(failure.millis < 5000, `the failure came after ${failure.millis} ms only`);
    }
    assert.strictEqual(c.connections.opened, 1);
  });
  for (const [ name, version ] of [ [ 'tup-complex', 2 ], [ 'tup-simple', 3 ] ]) {
    suite.add([ 'tars-rpc' ], `${name}-no-route`, async () => {
      const c = new Client(target, 'no-route');
      assert.strictEqual(await c.tupFailure(version, 'echo', 'x'), -4);
      assert.strictEqual(await c.tupFailure(version, 'echo', 'x'), -4);
    });
  }
  add('no-route', -4, /no route/);
  add('no-endpoint', -8, /no endpoint/);
  add('refused', -8, /connect failure/);
  add('timeout', -7, /timed out/);
  add('overloaded', -9, /overloaded/);
  add('reset', -8, /reset/);
  add('too-large', -1, /limit/, 'x'.repeat(9 << 20));
  suite.add([ 'tars-rpc' ], 'healthy-servant', async () => {
    assert.strictEqual((await new Client(target).call('echo', 'still here')).text, 'still here');
  });
  return { suite, seconds: 100 };
};
