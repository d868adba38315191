'use strict';

// Relays one port to another and notes what passes: bytes, connections and HTTP/2 frames.

const net = require('net');

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.length;
const DATA = 0;
const HEADERS = 1;
const END_STREAM = 1;

/** The bytes in one direction of one connection. */
class Direction {
  constructor(skip) {
    this.size = 0;
    this.frames = []; // [type, flags, stream]
    this.buffer = Buffer.alloc(0);
    this.skip = skip;
  }

  take(data) {
    this.size += data.length;
    this.buffer = Buffer.concat([this.buffer, data]);
    for (;;) {
      const gone = Math.min(this.skip, this.buffer.length);
      this.buffer = this.buffer.subarray(gone);
      this.skip -= gone;
      if (this.skip > 0 || this.buffer.length < 9) {
        return;
      }
      const length = this.buffer.readUIntBE(0, 3);
      this.frames.push([this.buffer[3], this.buffer[4], this.buffer.readUInt32BE(5) & 0x7fffffff]);
      this.skip = 9 + length;
    }
  }
}

class Relay {
  /** Starts one; `target` is what to call instead. */
  static async start(target) {
    const relay = new Relay();
    const [host, port] = target.split(':');
    relay.up = [];
    relay.down = [];
    relay.sockets = new Set();
    relay.server = net.createServer((near) => {
      const far = net.connect(Number(port), host);
      for (const [from, to, direction, list] of [
        [near, far, new Direction(PREFACE), relay.up],
        [far, near, new Direction(0), relay.down],
      ]) {
        list.push(direction);
        relay.sockets.add(from);
        from.on('data', (data) => direction.take(data));
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    await new Promise((resolve) => relay.server.listen(0, '127.0.0.1', resolve));
    relay.target = `127.0.0.1:${relay.server.address().port}`;
    return relay;
  }

  close() {
    this.server.close();
    this.sockets.forEach((socket) => socket.destroy());
  }

  /** For each stream with an answer: its DATA and HEADERS frames, as [type, whether it ends the stream]. */
  answers() {
    const streams = new Map();
    this.down.forEach((direction, connection) => {
      for (const [type, flags, stream] of direction.frames) {
        if (type === DATA || type === HEADERS) {
          const key = `${connection}/${stream}`;
          streams.set(key, [...(streams.get(key) || []), [type, (flags & END_STREAM) !== 0]]);
        }
      }
    });
    return [...streams.values()];
  }
}

module.exports = { Relay, DATA, HEADERS };
