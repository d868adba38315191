'use strict';

const http2 = require('http2');
const { collect, pairs } = require('./bytes');
const { send, once } = require('./sending');

/** A client of HTTP/2 with one connection; used as `Http1` is. */
class Http2 {
  constructor(target) {
    this.target = target;
    this.session = http2.connect(`http://${target}`, { settings: { initialWindowSize: 1 << 18, enablePush: false } });
    this.session.setMaxListeners(0);
    /** Whatever ended the connection. */
    this.broken = null;
    this.session.on('error', error => { this.broken = error; });
    this.session.on('goaway', code => { this.broken ??= new Error(`GOAWAY ${code}`); });
  }

  async request({ method = 'GET', path, headers = [], body, trailers, expect }) {
    const head = { ':method': method, ':path': path, ':scheme': 'http', ':authority': this.target };
    for (const [ name, value ] of headers) {
      const key = name.toLowerCase();
      head[key] = key in head ? [ head[key], value ].flat() : value;
    }
    if (expect) {
      head.expect = '100-continue';
    }
    if (Buffer.isBuffer(body)) {
      head['content-length'] = body.length;
    }
    if (trailers) {
      head.trailer = Object.keys(trailers).join(', ');
    }
    const stream = this.session.request(head, { endStream: body === undefined, waitForTrailers: trailers !== undefined });
    stream.on('error', () => {});
    const answer = { infos: [], continued: false, request: stream };
    stream.on('headers', (head, _flags, raw) => {
      answer.infos.push({ status: head[':status'], list: plain(raw) });
    });
    const started = new Promise(go => stream.on('continue', () => {
      answer.continued = true;
      go();
    }));
    if (trailers) {
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    }
    let received = [];
    stream.on('trailers', (_head, _flags, raw) => { received = plain(raw); });
    const came = once(stream, 'response');
    if (expect) {
      await Promise.race([ started, came ]);
    }
    answer.sent = body === undefined || (expect && !answer.continued) ? Promise.resolve() : send(stream, body);
    const [ response, , raw ] = await came;
    return Object.assign(answer, {
      status: response[':status'],
      headers: response,
      list: plain(raw),
      stream,
      body: async () => {
        const bytes = await collect(stream);
        if (stream.rstCode) {
          throw new Error(`the stream was reset with ${stream.rstCode}`);
        }
        return bytes;
      },
      trailers: () => received,
      cancel: () => stream.close(http2.constants.NGHTTP2_CANCEL),
      code: () => stream.rstCode,
    });
  }

  unanswered({ path }) {
    const stream = this.session.request({ ':path': path });
    stream.on('error', () => {});
    return { cancel: () => stream.close(http2.constants.NGHTTP2_CANCEL) };
  }

  close() {
    this.session.destroy();
  }
}

/** A flat list as pairs, without what only HTTP/2 has. */
function plain(raw) {
  return pairs(raw).filter(([ name ]) => !name.startsWith(':'));
}

module.exports = { Http2 };
