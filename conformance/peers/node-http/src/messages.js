'use strict';

const assert = require('assert');
const { FIELDS } = require('./paths');

/** What a proxy may add to a request or an answer. */
const ADDED = /^(x-forwarded-|x-request-id$|x-real-ip$|forwarded$|via$|traceparent$|tracestate$|b3$|x-b3-|date$|server$|content-length$|x-envoy-)/;
/** What belongs to one connection. */
const OF_THE_CONNECTION = /^(connection|keep-alive|te|upgrade|proxy-connection|transfer-encoding)$/i;

/** The pairs that went from end to end. */
function endToEnd(list, sent) {
  const names = new Set(sent.map(([ name ]) => name.toLowerCase()));
  return list.filter(([ name ]) => {
    const low = name.toLowerCase();
    return !OF_THE_CONNECTION.test(name) && (names.has(low) || !ADDED.test(low));
  });
}

/** As a version that has no upper case shows them; same names stay in order, others may move. */
function lowered(list) {
  return list.map(([ name, value ]) => [ name.toLowerCase(), value ]);
}

function grouped(list) {
  const groups = {};
  for (const [ name, value ] of lowered(list)) {
    (groups[name] ??= []).push(value);
  }
  return groups;
}

/** As strict as what both ends speak allows. */
function same(received, sent, world) {
  const one = world.protocol === 'http1' && world.upstream === 'http1';
  if (one && world.can('case')) {
    assert.deepStrictEqual(received, sent);
  } else {
    assert.deepStrictEqual(grouped(received), grouped(sent));
  }
}

module.exports = {
  methods: {
    async run(client, world) {
      for (const method of [ 'GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND' ]) {
        const body = method === 'GET' ? undefined : Buffer.from(`the body of ${method}`);
        const answer = await client.request({ method, path: '/echo', body, headers: [ [ 'Content-Type', 'text/x-peer' ] ] });
        assert.strictEqual(answer.status, 200, method);
        assert.strictEqual(answer.headers['x-method'], method);
        assert.strictEqual((await answer.body()).toString(), body?.toString() ?? '');
        if (world.can('echo-length')) {
          assert.strictEqual(answer.headers['content-type'], 'text/x-peer');
        }
      }
    },
  },

  head: {
    async run(client) {
      for (const path of [ '/bytes/65536', '/status/404' ]) {
        const got = await client.request({ path });
        const body = await got.body();
        const head = await client.request({ method: 'HEAD', path });
        assert.strictEqual(head.status, got.status);
        assert.strictEqual(head.headers['content-length'], String(body.length));
        assert.strictEqual((await head.body()).length, 0);
      }
    },
  },

  statuses: {
    async run(client, world) {
      let codes = [ 200, 201, 202, 204, 301, 302, 304, 400, 401, 403, 404, 410, 418, 429, 500, 501, 502, 503, 504 ];
      if (!world.can('all-statuses')) {
        codes = [ 200, 204, 304, 400, 403, 404, 500, 503 ];
      }
      for (const code of codes) {
        const answer = await client.request({ path: `/status/${code}` });
        assert.strictEqual(answer.status, code);
        const body = (await answer.body()).toString();
        assert.strictEqual(body, code === 204 || code === 304 ? '' : `status ${code}\n`);
      }
    },
  },

  target: {
    needs: [ 'headers' ],
    async run(client) {
      const long = 'q='.padEnd(6000, 'x');
      for (const query of [ '', '?', '?a=b+c&d=%2F%20&&e', '?x=/../..//y?z', "?~!$'()*,;:@", `?${long}` ]) {
        const answer = await client.request({ path: `/headers${query}` });
        assert.strictEqual(JSON.parse(await answer.body()).target, `/headers${query}`);
      }
    },
  },

  'request-headers': {
    needs: [ 'headers' ],
    async run(client, world) {
      const sent = [
        [ 'X-Mixed-Case', 'Kept' ], [ 'x-lower', 'kept' ], [ 'X-UPPER', 'KEPT' ], [ 'X-Many', 'one' ], [ 'Accept', '*/*' ],
        [ 'X-Many', 'two' ], [ 'x-many', 'three, four' ], [ 'X-Empty', '' ], [ 'X-Odd', 'tab\tand "quotes"; \u00e9' ],
        [ 'Authorization', 'Basic c2VjcmV0' ], [ 'X-Last', 'z' ],
      ];
      const answer = await client.request({ path: '/headers', headers: sent });
      const { headers, method } = JSON.parse(await answer.body());
      assert.strictEqual(method, 'GET');
      const received = endToEnd(headers, sent).filter(([ name ]) => name.toLowerCase() !== 'host');
      same(received, sent, world);
      const hosts = headers.filter(([ name ]) => name.toLowerCase() === 'host');
      assert.ok(hosts.length <= 1 && hosts.every(([ , value ]) => value === world.target), `hosts ${hosts}`);
    },
  },

  'reply-headers': {
    needs: [ 'fields' ],
    async run(client, world) {
      const answer = await client.request({ path: '/fields' });
      same(endToEnd(answer.list, FIELDS), FIELDS, world);
    },
  },

  'large-header': {
    needs: [ 'headers' ],
    async run(client) {
      const value = 'v'.repeat(12_000);
      const answer = await client.request({ path: '/headers', headers: [ [ 'X-Large', value ] ] });
      const { headers } = JSON.parse(await answer.body());
      const [ , came ] = headers.find(([ name ]) => name.toLowerCase() === 'x-large');
      assert.ok(came === value, 'another value came');
    },
  },

  cookies: {
    needs: [ 'headers' ],
    async run(client, world) {
      // HTTP/2 splits them for the sake of its compression, and HTTP/1.1 must not see that.
      const crumbs = [ 'a=1', 'long=with spaces', 'b=2' ];
      const headers = world.protocol === 'http2' ? crumbs.map(crumb => [ 'cookie', crumb ]) : [ [ 'Cookie', crumbs.join('; ') ] ];
      const answer = await client.request({ path: '/headers', headers });
      const received = JSON.parse(await answer.body()).headers.filter(([ name ]) => name.toLowerCase() === 'cookie');
      assert.strictEqual(received.map(([ , value ]) => value).join('; '), crumbs.join('; '));
      if (world.upstream === 'http1') {
        assert.strictEqual(received.length, 1, 'more than one Cookie field');
      }
    },
  },

  'early-hints': {
    needs: [ 'early-hints' ],
    async run(client) {
      const answer = await client.request({ path: '/early-hints' });
      assert.strictEqual((await answer.body()).toString(), 'hinted\n');
      assert.strictEqual(answer.status, 200);
      assert.deepStrictEqual(answer.infos.map(info => info.status), [ 103 ]);
      const hints = grouped(answer.infos[0].list);
      assert.deepStrictEqual(hints.link, [ '</style.css>; rel=preload' ]);
      assert.deepStrictEqual(hints['x-hint'], [ 'yes' ]);
    },
  },

  'expect-continue': {
    needs: [ 'hash', 'continue' ],
    async run(client) {
      const body = Buffer.alloc(200_000, 'e');
      const answer = await client.request({ method: 'POST', path: '/hash', body, expect: true });
      assert.strictEqual(answer.status, 200);
      assert.ok(answer.continued, 'the answer came without the 100');
      assert.strictEqual(JSON.parse(await answer.body()).bytes, body.length);
    },
  },

  'expect-refused': {
    needs: [ 'refuse' ],
    async run(client) {
      const answer = await client.request({ method: 'POST', path: '/refuse', body: Buffer.alloc(1000), expect: true });
      assert.strictEqual(answer.status, 417);
      assert.ok(!answer.continued, 'a 100 came, though the server did not send it');
      answer.cancel();
    },
  },
};
