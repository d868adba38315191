'use strict';

const assert = require('assert');
const crypto = require('crypto');
const { Readable } = require('stream');
const { pattern, digest, sleep } = require('./bytes');

/** More than all buffers between two ends may hold: of both kernels twice, and of a proxy. */
const TOO_MUCH = 48 << 20;

/** What a second client is told of a token. */
async function seen(other, token) {
  return JSON.parse(await (await other.request({ path: `/seen/${token}` })).body());
}

async function until(other, token, wanted) {
  const end = Date.now() + 15_000;
  for (;;) {
    const now = await seen(other, token);
    if (now.state === wanted) {
      return now;
    }
    assert.ok(Date.now() < end, `the server still sees ${JSON.stringify(now)} and not ${wanted}`);
    await sleep(20);
  }
}

/** Waits until a number stops growing, which it must below `limit`. */
async function settled(number, limit) {
  let last = -1;
  for (let quiet = 0; quiet < 10;) {
    const now = await number();
    assert.ok(now < limit, `${now} bytes were taken, and nobody reads them`);
    quiet = now === last ? quiet + 1 : 0;
    last = now;
    await sleep(100);
  }
  return last;
}

async function withOther(world, run) {
  const other = world.client();
  try {
    return await run(other, crypto.randomUUID());
  } finally {
    other.close();
  }
}

/** That a body breaks off, and is not taken for a whole one. */
async function breaksOff(answer) {
  let bytes = 0;
  try {
    for await (const piece of answer.stream) {
      bytes += piece.length;
    }
  } catch (e) {
    assert.ok(bytes < 1 << 20);
    return bytes;
  }
  // HTTP/2 streams of this library end without an error on some codes.
  assert.ok(answer.code(), `the body ended well after ${bytes} bytes, though the server broke off`);
  return bytes;
}

module.exports = {
  'streams-as-it-comes': {
    needs: [ 'drip' ],
    async run(client) {
      const answer = await client.request({ path: '/drip/6/200' });
      const times = [];
      let text = '';
      for await (const piece of answer.stream) {
        times.push(Date.now());
        text += piece;
      }
      assert.strictEqual(text, Array.from({ length: 6 }, (_, i) => `drip ${i}\n`).join(''));
      // Over a second passes between the first and the last; held back, they would come together.
      assert.ok(times.at(-1) - times[0] >= 500, `first to last ${times.at(-1) - times[0]} ms`);
    },
  },

  'both-ways-at-once': {
    needs: [ 'hash' ],
    async run(client) {
      const body = new Readable({ read() {} });
      body.push('ping 0\n');
      const answer = await client.request({ method: 'POST', path: '/echo', body });
      let text = '';
      let round = 0;
      for await (const piece of answer.stream) {
        text += piece;
        // The next is sent only when the one before has come back.
        if (text.endsWith(`ping ${round}\n`)) {
          round++;
          body.push(round < 20 ? `ping ${round}\n` : null);
        }
      }
      assert.strictEqual(text, Array.from({ length: 20 }, (_, i) => `ping ${i}\n`).join(''));
    },
  },

  'slow-reader': {
    needs: [ 'tokens' ],
    run: (client, world) => withOther(world, async (other, token) => {
      const answer = await client.request({ path: `/stream/${token}` });
      answer.stream.once('readable', () => {});
      const held = await settled(async () => (await seen(other, token)).sent, TOO_MUCH);
      let bytes = 0;
      for await (const piece of answer.stream) {
        bytes += piece.length;
        if (bytes > held + TOO_MUCH) {
          break;
        }
      }
      assert.ok(bytes > held + TOO_MUCH, `the stream ended after ${bytes} bytes`);
      answer.cancel();
      await until(other, token, 'closed');
      return `the server was stopped after ${held} bytes`;
    }),
  },

  'slow-server': {
    needs: [ 'tokens' ],
    run: (client, world) => withOther(world, async (other, token) => {
      let taken = 0;
      const piece = Buffer.alloc(16384);
      const all = 64 << 20;
      function *pieces() {
        for (; taken < all; taken += piece.length) {
          yield piece;
        }
      }
      const body = Readable.from(pieces(), { objectMode: false });
      const answering = client.request({ method: 'POST', path: `/hold/${token}`, body });
      await until(other, token, 'open');
      const held = await settled(async () => taken, TOO_MUCH);
      await other.request({ method: 'POST', path: `/release/${token}` });
      const answer = await answering;
      assert.strictEqual(JSON.parse(await answer.body()).bytes, all);
      return `the client was stopped after ${held} bytes`;
    }),
  },

  'cancel-before-the-answer': {
    needs: [ 'tokens' ],
    run: (client, world) => withOther(world, async (other, token) => {
      const request = client.unanswered({ path: `/wait/${token}` });
      await until(other, token, 'open');
      request.cancel();
      const { code } = await until(other, token, 'closed');
      if (world.protocol === 'http2' && world.upstream === 'http2' && world.can('reset-code')) {
        assert.strictEqual(code, 8, 'not CANCEL');
      }
    }),
  },

  'cancel-in-the-body': {
    needs: [ 'tokens' ],
    run: (client, world) => withOther(world, async (other, token) => {
      const answer = await client.request({ path: `/stream/${token}` });
      await new Promise(go => answer.stream.once('readable', go));
      answer.cancel();
      await until(other, token, 'closed');
    }),
  },

  'cancel-in-the-request': {
    needs: [ 'tokens' ],
    run: (client, world) => withOther(world, async (other, token) => {
      const body = new Readable({ read() {} });
      body.push(pattern(100_000));
      const request = client.request({ method: 'POST', path: `/echo?${token}`, body });
      const answer = await request;
      await new Promise(go => answer.stream.once('readable', go));
      const aborted = digest(answer.stream).then(() => answer.code(), () => true);
      answer.cancel();
      assert.ok(await aborted, 'what was cancelled ended well');
      // The connection, or the next one, serves on.
      assert.strictEqual((await other.request({ path: '/status/200' })).status, 200);
    }),
  },

  'server-aborts': {
    needs: [ 'abort' ],
    async run(client) {
      const answer = await client.request({ path: '/abort' });
      assert.strictEqual(answer.status, 200);
      assert.strictEqual(answer.headers['content-length'], String(1 << 20));
      await breaksOff(answer);
    },
  },

  'server-aborts-without-length': {
    needs: [ 'abort' ],
    async run(client) {
      const answer = await client.request({ path: '/abort/chunked' });
      assert.strictEqual(answer.status, 200);
      await breaksOff(answer);
    },
  },

  'concurrent-100': {
    async run(client, world) {
      const one = async i => {
        const body = crypto.randomBytes(1000 + i * 100);
        const slow = world.can('any-size') ? 100 + (i * 37) % 100 * 3 : 300;
        const [ echoed, slept ] = await Promise.all([
          client.request({ method: 'POST', path: '/echo', body }).then(answer => answer.body()),
          i % 2 ? client.request({ path: `/slow/${slow}` }).then(answer => answer.body()) : undefined,
        ]);
        assert.ok(echoed.equals(body), 'another body came back');
        assert.strictEqual(slept?.toString(), i % 2 ? `slept ${slow}\n` : undefined);
      };
      await Promise.all(Array.from({ length: 100 }, (_, i) => one(i)));
      if (client.session && (world.proxied || world.can('keeps-connections'))) {
        assert.strictEqual(client.broken, null);
      }
    },
  },
};
