'use strict';

const assert = require('assert');
const net = require('net');
const { Http1 } = require('./http1');
const { collect, pattern } = require('./bytes');

/** A connection whose bytes are written here. */
function raw(target) {
  const [ host, port ] = target.split(':');
  const socket = net.connect({ host, port, allowHalfOpen: true, noDelay: true });
  socket.on('error', () => {});
  return socket;
}

function request(world, path, more = '', method = 'GET') {
  return `${method} ${path} HTTP/1.1\r\nHost: ${world.target}\r\n${more}\r\n`;
}

/** Reads answers from a socket until there are `count`, each with a length or in chunks. */
async function answers(socket, count) {
  let text = '';
  const found = [];
  for await (const piece of socket) {
    text += piece.toString('latin1');
    for (let answer; (answer = parse(text)) !== null; text = text.slice(answer.end)) {
      found.push({ ...answer, body: Buffer.from(answer.body, 'latin1') });
    }
    if (found.length >= count) {
      break;
    }
  }
  assert.strictEqual(text.length, 0, 'more came than was asked for');
  return found;
}

/** The answer that a text begins with, and where it ends; null if that has not come. */
function parse(text) {
  const start = text.indexOf('\r\n\r\n') + 4;
  if (start < 4) {
    return null;
  }
  const head = text.slice(0, start - 4);
  const answer = { status: Number(head.split(' ')[1]), head };
  if (/^transfer-encoding: chunked\r?$/im.test(head)) {
    const chunks = unchunked(text, start);
    return chunks && { ...answer, ...chunks };
  }
  const end = start + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return text.length < end ? null : { ...answer, body: text.slice(start, end), end };
}

/** The body in chunks at `at`, and where it ends. */
function unchunked(text, at) {
  let body = '';
  for (;;) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) {
      return null;
    }
    const size = parseInt(text.slice(at, line), 16);
    assert.ok(size >= 0, `no chunk size at ${at} of ${JSON.stringify(text)}`);
    at = line + 2 + size + 2;
    if (text.length < at) {
      return null;
    }
    if (size === 0) {
      return { body, end: at };
    }
    body += text.slice(line + 2, at - 2);
  }
}

module.exports = {
  'keep-alive': {
    async run(_client, world) {
      const client = new Http1(world.target, 1);
      for (let i = 0; i < 25; i++) {
        const answer = await client.request({ path: i % 5 ? '/bytes/128' : '/status/404' });
        await answer.body();
      }
      for (let i = 0; i < 5; i++) {
        const answer = await client.request({ method: 'POST', path: '/echo', body: Buffer.from('x') });
        await answer.body();
      }
      const connections = new Set(client.ports).size;
      client.close();
      // Connections to a proxy do not end because those to the server do.
      const expected = world.proxied || world.can('keeps-connections') ? 1 : 3;
      assert.strictEqual(connections, expected, `${connections} connections for 30 requests`);
    },
  },

  pipelining: {
    async run(_client, world) {
      const socket = raw(world.target);
      // The first is the slowest: answered out of order they would come the other way round.
      const paths = [ '/slow/300', '/bytes/128', '/slow/100', '/bytes/1', '/status/404', '/bytes/65536' ];
      socket.write(paths.map(path => request(world, path)).join(''));
      const came = await answers(socket, paths.length);
      assert.deepStrictEqual(came.map(({ status }) => status), [ 200, 200, 200, 200, 404, 200 ]);
      assert.strictEqual(came[0].body.toString(), 'slept 300\n');
      assert.strictEqual(came[2].body.toString(), 'slept 100\n');
      assert.ok(came[1].body.equals(pattern(128)) && came[3].body.equals(pattern(1)) && came[5].body.equals(pattern(65536)));
      socket.destroy();
    },
  },

  'pipelined-posts': {
    needs: [ 'echo-length' ],
    async run(_client, world) {
      const socket = raw(world.target);
      const bodies = Array.from({ length: 50 }, (_, i) => `body ${i} `.repeat(i + 1));
      socket.write(bodies.map(body => request(world, '/echo', `Content-Length: ${body.length}\r\n`, 'POST') + body).join(''));
      const came = await answers(socket, bodies.length);
      assert.deepStrictEqual(came.map(({ body }) => body.toString()), bodies);
      socket.destroy();
    },
  },

  'byte-by-byte': {
    async run(_client, world) {
      const socket = raw(world.target);
      const answered = answers(socket, 2);
      const text = request(world, '/echo', 'Transfer-Encoding: chunked\r\n', 'PUT') + '5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n';
      const both = request(world, '/bytes/128') + request(world, '/bytes/1');
      for (const byte of both) {
        socket.write(byte);
        await new Promise(go => setImmediate(go));
      }
      assert.strictEqual((await answered).length, 2);
      socket.destroy();
      const second = raw(world.target);
      const echoed = answers(second, 1);
      for (const byte of text.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')) {
        second.write(byte);
        await new Promise(go => setImmediate(go));
      }
      const [ answer ] = await echoed;
      assert.strictEqual(answer?.status, 200);
      assert.strictEqual(answer.body.toString(), 'hello world');
      second.destroy();
    },
  },

  'connection-close': {
    async run(_client, world) {
      const socket = raw(world.target);
      socket.write(request(world, '/bytes/128', 'Connection: close\r\n'));
      // Ends only if the other side closes.
      const text = (await collect(socket)).toString('latin1');
      assert.match(text, /^HTTP\/1\.1 200 /);
      assert.match(text, /^connection: close\r$/im);
      assert.ok(text.endsWith('\r\n\r\n' + pattern(128).toString('latin1')));
    },
  },

  'http-1.0': {
    async run(_client, world) {
      const socket = raw(world.target);
      // No length is known of what is sent, and no chunks are known to the client.
      socket.write(`GET /chunked/65536 HTTP/1.0\r\nHost: ${world.target}\r\n\r\n`);
      const bytes = await collect(socket);
      const end = bytes.indexOf('\r\n\r\n');
      assert.match(bytes.subarray(0, end).toString(), /^HTTP\/1\.[01] 200 /);
      assert.doesNotMatch(bytes.subarray(0, end).toString(), /transfer-encoding/i);
      assert.ok(bytes.subarray(end + 4).equals(pattern(65536)), 'the body came changed');
    },
  },

  'connect-refused': {
    async run(_client, world) {
      const socket = raw(world.target);
      socket.write('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n');
      const [ answer ] = await answers(socket, 1);
      assert.ok(answer?.status >= 400, `answered with ${answer?.head}`);
      socket.destroy();
    },
  },

  upgrade: {
    needs: [ 'upgrade' ],
    unless: world => world.translated,
    async run(_client, world) {
      const socket = raw(world.target);
      // The first bytes of the new protocol come with the request's.
      socket.write(request(world, '/upgrade', 'Connection: Upgrade\r\nUpgrade: echo\r\n') + 'early ');
      const sent = pattern(3 << 20);
      const all = collect(socket);
      setTimeout(() => {
        socket.write(sent);
        socket.end('the end');
      }, 100);
      const bytes = await all;
      const end = bytes.indexOf('\r\n\r\n');
      const head = bytes.subarray(0, end).toString();
      assert.match(head, /^HTTP\/1\.1 101 /);
      assert.match(head, /^upgrade: echo\r?$/im);
      const expected = Buffer.concat([ Buffer.from('early '), sent, Buffer.from('the endbye\n') ]);
      assert.ok(bytes.subarray(end + 4).equals(expected), 'the tunnel changed or lost bytes');
    },
  },

  'upgrade-refused': {
    needs: [ 'upgrade' ],
    // HTTP/2 has no way to ask for it, so that nobody refuses.
    unless: world => world.translated,
    async run(_client, world) {
      const socket = raw(world.target);
      socket.write(request(world, '/upgrade', 'Connection: Upgrade\r\nUpgrade: unknown\r\n'));
      const [ answer ] = await answers(socket, 1);
      assert.strictEqual(answer?.status, 400);
      socket.destroy();
    },
  },
};
