'use strict';

const { digest } = require('./bytes');

/** What became of the requests that clients named with a token. */
const records = new Map();
const LIMIT = 10_000;

function record(token) {
  let found = records.get(token);
  if (!found) {
    found = { state: 'none', sent: 0, code: null };
    found.released = new Promise(release => { found.release = release; });
    records.set(token, found);
    if (records.size > LIMIT) {
      records.delete(records.keys().next().value);
    }
  }
  return found;
}

/** The record of a request that begins now, kept up to date until it ends. */
function open(token, response) {
  const it = record(token);
  it.state = 'open';
  it.closed = new Promise(go => response.once('close', go));
  response.on('close', () => {
    const done = response.writableFinished && !response.stream?.rstCode;
    it.state = done ? 'done' : 'closed';
    it.code = response.stream?.rstCode ?? null;
    it.release();
  });
  return it;
}

/** Zeros without end, as fast as they are taken. */
async function stream(request, response, token) {
  const it = open(token, response);
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  const piece = Buffer.alloc(16384);
  while (it.state === 'open') {
    it.sent += piece.length;
    if (!response.write(piece)) {
      await Promise.race([ it.closed, new Promise(go => response.once('drain', go)) ]);
    }
  }
}

/** Reads nothing before the release. */
async function hold(request, response, token) {
  const it = open(token, response);
  await it.released;
  const body = JSON.stringify(await digest(request));
  response.writeHead(200, { 'content-type': 'application/json' }).end(body);
}

async function wait(request, response, token) {
  const it = open(token, response);
  await it.released;
  if (it.state === 'open') {
    response.writeHead(200, { 'content-type': 'text/plain' }).end('released\n');
  }
}

function release(request, response, token) {
  record(token).release();
  response.writeHead(204).end();
}

function seen(request, response, token) {
  const { state, sent, code } = record(token);
  const body = JSON.stringify({ state, sent, code });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}

module.exports = { stream, hold, wait, release, seen };
