'use strict';

const crypto = require('crypto');
const { Readable } = require('stream');

/** Bytes `from` to `to` of the suite's pattern: byte i is i modulo 251. */
function pattern(to, from = 0) {
  const bytes = Buffer.alloc(to - from);
  const period = Buffer.from(Array.from({ length: 251 }, (_, i) => (from + i) % 251));
  for (let at = 0; at < bytes.length; at += 251) {
    period.copy(bytes, at);
  }
  return bytes;
}

/** The same as a stream that never holds more than a piece. */
function patternStream(length, piece = 16384) {
  function *pieces() {
    for (let at = 0; at < length; at += piece) {
      yield pattern(Math.min(length, at + piece), at);
    }
  }
  return Readable.from(pieces(), { objectMode: false });
}

/** Length and hash of what a stream holds. Fails if it does. */
async function digest(stream) {
  const hash = crypto.createHash('sha256');
  let bytes = 0;
  for await (const piece of stream) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** All that a stream holds. */
async function collect(stream) {
  const pieces = [];
  for await (const piece of stream) {
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** `[ 'a', '1', 'b', '2' ]` as pairs. */
function pairs(flat) {
  const list = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    list.push([ flat[i], flat[i + 1] ]);
  }
  return list;
}

const sleep = millis => new Promise(done => setTimeout(done, millis));

module.exports = { pattern, patternStream, digest, collect, pairs, sleep };
