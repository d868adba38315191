'use strict';

const assert = require('assert');
const { Client, VARIANTS } = require('./client');
const { Suite } = require('./suite');

const HEARTBEAT_SECONDS = 30;

/** Connections without calls, kept by the library's own heartbeats, must stay usable. */
module.exports = ({ target, 'idle-seconds': idle = '300' }) => {
  const seconds = Number(idle);
  const suite = new Suite();
  suite.add([ 'sofa-rpc-node', 'sofarpc' ], 'idle', async () => {
    const clients = Object.keys(VARIANTS).map(v => new Client(target, v, HEARTBEAT_SECONDS * 1000));
    for (const c of clients) {
      assert.strictEqual(await c.call('echo', [ 'before' ]), 'before');
    }
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      await new Promise(done => setTimeout(done, Math.min(1000, end - Date.now())));
      clients.forEach(c => c.expectOneConnection());
    }
    for (const c of clients) {
      assert.strictEqual(await c.call('echo', [ 'after' ]), 'after');
      c.expectOneConnection();
      // The idle time is looked at every 10 s only.
      const least = Math.floor(seconds / (HEARTBEAT_SECONDS + 10)) - 1;
      assert.ok(c.heartbeatAcks >= least, `only ${c.heartbeatAcks} heartbeats were answered, expected ${least} or more`);
    }
  });
  return { suite, seconds: seconds + 60 };
};
