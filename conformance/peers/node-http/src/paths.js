'use strict';

const { pattern, patternStream, digest, pairs, sleep } = require('./bytes');
const held = require('./held');

/** In this order, case and repetition; HTTP/2 has no upper case. */
const FIELDS = [
  [ 'X-Mixed-Case', 'Kept' ], [ 'x-lower-case', 'kept' ], [ 'X-UPPER-CASE', 'KEPT' ],
  [ 'Set-Cookie', 'a=1; Path=/' ], [ 'X-Many', 'one' ], [ 'Set-Cookie', 'b=2; HttpOnly' ], [ 'X-Many', 'two' ],
  [ 'X-Empty', '' ], [ 'x-last', 'tab\tand "quotes", comma' ],
];

const ABORTED_AFTER = 64 << 10;

const PATHS = [
  [ /^\/echo$/, echo ],
  [ /^\/headers$/, headers ],
  [ /^\/fields$/, fields ],
  [ /^\/status\/(\d{3})$/, status ],
  [ /^\/bytes\/(\d+)$/, bytes ],
  [ /^\/chunked\/(\d+)$/, (request, response, n) => void patternStream(Number(n)).pipe(response) ],
  [ /^\/hash$/, async (request, response) => json(response, await digest(request)) ],
  [ /^\/slow\/(\d+)$/, async (request, response, millis) => {
    await sleep(Number(millis));
    text(response, `slept ${millis}\n`);
  } ],
  [ /^\/drip\/(\d+)\/(\d+)$/, drip ],
  [ /^\/trailers$/, trailers ],
  [ /^\/early-hints$/, (request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload', 'x-hint': 'yes' });
    // A proxy that waits for the answer and drops what comes before it must not pass by luck.
    setTimeout(() => text(response, 'hinted\n'), 50);
  } ],
  [ /^\/refuse$/, (request, response) => refuse(response, 417) ],
  [ /^\/abort$/, (request, response) => abort(response, { 'content-length': 1 << 20 }) ],
  [ /^\/abort\/chunked$/, (request, response) => abort(response, {}) ],
  [ /^\/reset\/(\d+)$/, (request, response, code) => abort(response, {}, Number(code)) ],
  [ /^\/stream\/([\w-]+)$/, held.stream ],
  [ /^\/hold\/([\w-]+)$/, held.hold ],
  [ /^\/wait\/([\w-]+)$/, held.wait ],
  [ /^\/release\/([\w-]+)$/, held.release ],
  [ /^\/seen\/([\w-]+)$/, held.seen ],
];

/** Answers a request of either version. */
function handle(request, response) {
  request.on('error', () => {});
  response.on('error', () => {});
  const path = request.url.split('?')[0];
  for (const [ wanted, answer ] of PATHS) {
    const match = wanted.exec(path);
    if (match) {
      Promise.resolve(answer(request, response, ...match.slice(1))).catch(() => response.destroy?.());
      return;
    }
  }
  response.writeHead(404, { 'content-length': 0 }).end();
}

function text(response, body) {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(body) }).end(body);
}

function json(response, value) {
  const body = JSON.stringify(value);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
}

function refuse(response, code) {
  const head = { 'content-length': 0 };
  if (response.stream === undefined) {
    // What follows on the connection may or may not be the body.
    head.connection = 'close';
  }
  response.writeHead(code, head).end();
}

function echo(request, response) {
  const head = { 'x-method': request.method };
  for (const name of [ 'content-type', 'content-length' ]) {
    if (request.headers[name] !== undefined) {
      head[name] = request.headers[name];
    }
  }
  response.writeHead(200, head);
  request.pipe(response);
}

function headers(request, response) {
  const all = pairs(request.rawHeaders).filter(([ name ]) => !name.startsWith(':'));
  json(response, { method: request.method, target: request.url, version: request.httpVersion, headers: all });
}

function fields(request, response) {
  if (response.stream === undefined) {
    response.writeHead(200, [ ...FIELDS, [ 'Content-Length', '0' ] ].flat()).end();
    return;
  }
  const head = { ':status': 200 };
  for (const [ name, value ] of FIELDS) {
    const key = name.toLowerCase();
    head[key] = key in head ? [ head[key], value ].flat() : value;
  }
  response.stream.respond(head, { endStream: true });
}

async function status(request, response, code) {
  const number = Number(code);
  await digest(request);
  if (number === 204 || number === 304) {
    response.writeHead(number).end();
    return;
  }
  const body = `status ${code}\n`;
  response.writeHead(number, { 'content-type': 'text/plain', 'content-length': body.length }).end(body);
}

function bytes(request, response, n) {
  const length = Number(n);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const head = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' };
  if (range && Number(range[1]) < length) {
    const first = Number(range[1]);
    const last = range[2] === '' ? length - 1 : Math.min(Number(range[2]), length - 1);
    const body = pattern(last + 1, first);
    response.writeHead(206, { ...head, 'content-range': `bytes ${first}-${last}/${length}`, 'content-length': body.length });
    response.end(body);
    return;
  }
  response.writeHead(200, { ...head, 'content-length': length });
  if (request.method === 'HEAD') {
    response.end();
  } else {
    patternStream(length).pipe(response);
  }
}

async function drip(request, response, n, millis) {
  response.writeHead(200, { 'content-type': 'text/plain' });
  for (let i = 0; i < Number(n); i++) {
    response.write(`drip ${i}\n`);
    await sleep(Number(millis));
  }
  response.end();
}

async function trailers(request, response) {
  await digest(request);
  const came = JSON.stringify(pairs(request.rawTrailers));
  response.writeHead(200, { 'content-type': 'application/json', trailer: 'x-first, x-second' });
  response.write(came);
  if (response.stream === undefined) {
    response.addTrailers([ [ 'X-First', '1' ], [ 'x-second', 'two words' ] ]);
  } else {
    response.addTrailers({ 'x-first': '1', 'x-second': 'two words' });
  }
  response.end();
}

/** Breaks off in the body, once the first part of it is on its way. */
async function abort(response, head, code = 2) {
  response.writeHead(200, head);
  await new Promise(sent => response.write(pattern(ABORTED_AFTER), sent));
  await sleep(100);
  if (response.stream === undefined) {
    response.socket.destroy();
  } else {
    response.stream.close(code);
  }
}

module.exports = { handle, refuse, FIELDS };
