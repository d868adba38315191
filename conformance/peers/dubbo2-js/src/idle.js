'use strict';

const assert = require('assert');
const { Client } = require('./client');
const { Suite } = require('./suite');
const wire = require('./wire');

const HEARTBEAT_SECONDS = 180;

/** A connection without calls, kept by nothing but a heartbeat every 180 s, must stay usable. */
module.exports = ({ target, 'idle-seconds': idle = '300' }) => {
  const seconds = Number(idle);
  const suite = new Suite();
  suite.add([ 'dubbo-3.3', 'dubbo-2.7' ], 'idle', async () => {
    const c = new Client(target);
    assert.strictEqual(await c.call('echo', [ 'before' ]), 'before');
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      await new Promise(done => setTimeout(done, Math.min(1000, end - Date.now())));
      wire.expectOneConnection();
    }
    assert.strictEqual(await c.call('echo', [ 'after' ]), 'after');
    wire.expectOneConnection();
    assert.strictEqual(wire.heartbeatReplies.length, Math.floor(seconds / HEARTBEAT_SECONDS));
  });
  return { suite, seconds: seconds + 60 };
};
