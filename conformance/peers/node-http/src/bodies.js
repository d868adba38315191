'use strict';

const assert = require('assert');
const crypto = require('crypto');
const { Readable } = require('stream');
const { pattern, patternStream, digest } = require('./bytes');

const LARGE = 32 << 20;

/** Pieces of sizes that no buffer is made for. */
function ragged(bytes) {
  function *pieces() {
    for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 20_011 + 1) {
      yield bytes.subarray(at, at + size);
    }
  }
  return Readable.from(pieces(), { objectMode: false });
}

function sha256(bytes) {
  return crypto.createHash('sha256').update(bytes).digest('hex');
}

module.exports = {
  sizes: {
    async run(client, world) {
      const sizes = world.can('any-size') ? [ 0, 1, 2, 16383, 16384, 16385, 65535, 65536, 1 << 20 ] : [ 0, 1, 128, 65536, 1 << 20 ];
      for (const size of sizes) {
        const answer = await client.request({ path: `/bytes/${size}` });
        assert.strictEqual(answer.headers['content-length'], String(size));
        assert.ok((await answer.body()).equals(pattern(size)), `${size} bytes came changed`);
      }
    },
  },

  range: {
    async run(client) {
      const answer = await client.request({ path: '/bytes/65536', headers: [ [ 'Range', 'bytes=1000-1999' ] ] });
      assert.strictEqual(answer.status, 206);
      assert.strictEqual(answer.headers['content-range'], 'bytes 1000-1999/65536');
      assert.ok((await answer.body()).equals(pattern(2000, 1000)), 'the part came changed');
    },
  },

  'reply-without-length': {
    async run(client, world) {
      for (const size of world.can('any-size') ? [ 0, 1, 100_000, 1 << 20 ] : [ 128, 65536, 1 << 20 ]) {
        const answer = await client.request({ path: `/chunked/${size}` });
        const body = await answer.body();
        // What is known to be whole may be given a length on its way; nothing else may.
        assert.ok([ undefined, String(size) ].includes(answer.headers['content-length']));
        assert.ok(body.equals(pattern(size)), `${size} bytes came changed`);
      }
    },
  },

  'request-without-length': {
    async run(client, world) {
      const sizes = [ 1, 100_000, 1 << 20 ];
      for (const size of sizes) {
        const bytes = pattern(size);
        const answer = await client.request({ method: 'POST', path: '/echo', body: ragged(bytes) });
        assert.strictEqual(answer.status, 200);
        assert.ok((await answer.body()).equals(bytes), `${size} bytes came changed`);
      }
    },
  },

  'echo-with-length': {
    async run(client, world) {
      for (const size of [ 0, 1, 65536, 1 << 20 ]) {
        const bytes = pattern(size);
        const answer = await client.request({ method: 'PUT', path: '/echo', body: bytes });
        assert.strictEqual(answer.status, 200);
        if (world.can('echo-length')) {
          assert.strictEqual(answer.headers['content-length'], String(size));
        }
        assert.ok((await answer.body()).equals(bytes), `${size} bytes came changed`);
      }
    },
  },

  trailers: {
    async run(client, world) {
      const headers = world.protocol === 'http1' ? [ [ 'TE', 'trailers' ], [ 'Connection', 'TE' ] ] : [ [ 'te', 'trailers' ] ];
      const answer = await client.request({ path: '/trailers', headers });
      await answer.body();
      const received = answer.trailers().map(([ name, value ]) => [ name.toLowerCase(), value ]);
      assert.deepStrictEqual(received, [ [ 'x-first', '1' ], [ 'x-second', 'two words' ] ]);
    },
  },

  'request-trailers': {
    needs: [ 'received-trailers' ],
    async run(client) {
      const trailers = { 'x-sum': sha256('body'), 'x-end': 'a b' };
      const answer = await client.request({ method: 'POST', path: '/trailers', body: ragged(pattern(50_000)), trailers });
      const received = JSON.parse(await answer.body()).map(([ name, value ]) => [ name.toLowerCase(), value ]);
      assert.deepStrictEqual(received, Object.entries(trailers));
    },
  },

  'upload-32mib': {
    needs: [ 'hash' ],
    async run(client) {
      const body = pattern(LARGE);
      const answer = await client.request({ method: 'POST', path: '/hash', body });
      assert.deepStrictEqual(JSON.parse(await answer.body()), { bytes: LARGE, sha256: sha256(body) });
    },
  },

  'upload-32mib-without-length': {
    needs: [ 'hash' ],
    async run(client) {
      const answer = await client.request({ method: 'POST', path: '/hash', body: patternStream(LARGE) });
      assert.deepStrictEqual(JSON.parse(await answer.body()), { bytes: LARGE, sha256: sha256(pattern(LARGE)) });
    },
  },

  'download-32mib': {
    needs: [ 'any-size' ],
    async run(client) {
      for (const path of [ `/bytes/${LARGE}`, `/chunked/${LARGE}` ]) {
        const answer = await client.request({ path });
        assert.deepStrictEqual(await digest(answer.stream), { bytes: LARGE, sha256: sha256(pattern(LARGE)) });
      }
    },
  },

  'echo-32mib': {
    needs: [ 'hash' ],
    async run(client) {
      const answer = await client.request({ method: 'POST', path: '/echo', body: patternStream(LARGE) });
      assert.deepStrictEqual(await digest(answer.stream), { bytes: LARGE, sha256: sha256(pattern(LARGE)) });
    },
  },
};
