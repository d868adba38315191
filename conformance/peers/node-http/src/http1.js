'use strict';

const http = require('http');
const { collect, pairs } = require('./bytes');
const { send, once } = require('./sending');

/** A client of HTTP/1.1 with connections of its own. */
class Http1 {
  /** `limit` is how many connections it may have; they are kept for later requests. */
  constructor(target, limit = 200) {
    [ this.host, this.port ] = target.split(':');
    this.agent = new http.Agent({ keepAlive: true, maxSockets: limit });
    /** Local ports of the connections that requests went over. */
    this.ports = [];
  }

  /**
   * Sends a request: method, path, headers (a list of pairs), body (a buffer or stream), trailers (an object). With
   * `expect` the body waits for the 100. Comes back when the answer's head is there: status, headers (an object), list
   * (pairs as received), infos (what came before it), continued, stream, and functions for body, trailers and cancel.
   */
  async request({ method = 'GET', path, headers = [], body, trailers, expect }) {
    const list = [ [ 'Host', `${this.host}:${this.port}` ], ...headers ];
    if (expect) {
      list.push([ 'Expect', '100-continue' ]);
    }
    if (Buffer.isBuffer(body)) {
      list.push([ 'Content-Length', String(body.length) ]);
    } else if (body) {
      list.push([ 'Transfer-Encoding', 'chunked' ]);
    }
    if (trailers) {
      list.push([ 'Trailer', Object.keys(trailers).join(', ') ]);
    }
    const request = http.request({
      host: this.host, port: this.port, method, path, agent: this.agent, setHost: false, headers: list.flat(),
    });
    request.setNoDelay(true);
    // Whoever waits for something hears of it; what comes later is seen in the answer's body.
    request.on('error', () => {});
    request.on('socket', socket => {
      const note = () => this.ports.push(socket.localPort);
      socket.connecting ? socket.once('connect', note) : note();
    });
    const answer = { infos: [], continued: false, request };
    request.on('information', info => answer.infos.push({ status: info.statusCode, list: pairs(info.rawHeaders) }));
    const started = new Promise(go => request.on('continue', () => {
      answer.continued = true;
      go();
    }));
    const came = once(request, 'response');
    if (trailers) {
      request.addTrailers(trailers);
    }
    if (expect) {
      request.flushHeaders();
      await Promise.race([ started, came ]);
    }
    answer.sent = expect && !answer.continued ? Promise.resolve() : send(request, body);
    const [ response ] = await came;
    return Object.assign(answer, {
      status: response.statusCode,
      headers: response.headers,
      list: pairs(response.rawHeaders),
      stream: response,
      body: async () => {
        const bytes = await collect(response);
        if (!response.complete) {
          throw new Error('the body ended before its end');
        }
        return bytes;
      },
      trailers: () => pairs(response.rawTrailers),
      cancel: () => request.destroy(),
      code: () => null,
    });
  }

  /** A request that is given up before it is answered. */
  unanswered({ path }) {
    const request = http.request({ host: this.host, port: this.port, path, agent: this.agent });
    request.on('error', () => {});
    request.end();
    return { cancel: () => request.destroy() };
  }

  close() {
    this.agent.destroy();
  }
}

module.exports = { Http1 };
