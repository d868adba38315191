'use strict';

const assert = require('assert');
const http2 = require('http2');
const { pattern, sleep } = require('./bytes');

const { NGHTTP2_NO_ERROR } = http2.constants;

/** Reads a reset answer and tells the code, which must not read as a good end. */
async function resetCode(client, path) {
  const answer = await client.request({ path });
  assert.strictEqual(answer.status, 200);
  const closed = new Promise(go => answer.stream.once('close', go));
  answer.stream.resume();
  await closed;
  assert.notStrictEqual(answer.code(), NGHTTP2_NO_ERROR, 'the stream ended well');
  return answer.code();
}

module.exports = {
  'one-connection': {
    async run(client, world) {
      const ports = new Set();
      for (let i = 0; i < 30; i++) {
        await (await client.request({ path: '/bytes/128' })).body();
        ports.add(client.session.socket.localPort);
      }
      assert.strictEqual(client.broken, null);
      assert.strictEqual(ports.size, 1);
    },
  },

  'reset-codes': {
    needs: [ 'abort' ],
    async run(client, world) {
      const seen = [];
      for (const code of [ 1, 2, 8, 11 ]) {
        const came = await resetCode(client, `/reset/${code}`);
        if (!world.proxied) {
          assert.strictEqual(came, code);
        }
        seen.push(`${code} as ${came}`);
      }
      // One stream's end is not the connection's.
      assert.strictEqual(client.broken, null);
      assert.strictEqual((await client.request({ path: '/status/200' })).status, 200);
      return seen.join(', ');
    },
  },

  'cancel-often': {
    needs: [ 'tokens' ],
    async run(client) {
      // As applications with deadlines do; what guards against rapid resets must let it pass.
      for (let i = 0; i < 60; i++) {
        const request = client.unanswered({ path: `/wait/${process.pid}-${i}` });
        await sleep(10);
        request.cancel();
      }
      assert.strictEqual((await client.request({ path: '/status/200' })).status, 200);
      assert.strictEqual(client.broken, null);
    },
  },

  'many-large-streams': {
    needs: [ 'any-size' ],
    async run(client) {
      const size = 1 << 20;
      const expected = pattern(size);
      const one = async () => {
        const answer = await client.request({ path: `/bytes/${size}` });
        assert.ok((await answer.body()).equals(expected), 'a body came changed');
      };
      await Promise.all(Array.from({ length: 32 }, one));
    },
  },

  'a-stalled-stream-stalls-no-other': {
    needs: [ 'tokens' ],
    async run(client) {
      // Nothing of it is read: its window fills, the connection's must not.
      const stalled = await client.request({ path: `/stream/stalled-${process.pid}-${Date.now()}` });
      await sleep(300);
      for (let i = 0; i < 4; i++) {
        const answer = await client.request({ path: `/bytes/${1 << 20}` });
        assert.ok((await answer.body()).equals(pattern(1 << 20)), 'a body came changed');
      }
      stalled.cancel();
    },
  },

  ping: {
    async run(client) {
      const sent = Buffer.from('wireloom');
      const came = await new Promise((resolve, reject) => {
        client.session.once('connect', () => client.session.ping(sent, (e, _millis, payload) => e ? reject(e) : resolve(payload)));
      });
      assert.ok(came.equals(sent));
    },
  },

  'connect-refused': {
    async run(client, world) {
      const stream = client.session.request({ ':method': 'CONNECT', ':authority': 'example.com:443' });
      const outcome = await new Promise(done => {
        stream.on('response', head => done(head[':status']));
        stream.on('error', () => {});
        stream.on('close', () => done(`reset ${stream.rstCode}`));
      });
      stream.close();
      assert.ok(outcome >= 400 || /^reset [^0]/.test(outcome), `the answer was ${outcome}`);
      assert.strictEqual((await client.request({ path: '/status/200' })).status, 200);
    },
  },
};
