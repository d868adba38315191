'use strict';

// What scenarios need: clients, and calls as promises.

const grpc = require('@grpc/grpc-js');
const { EchoService, LIMITS } = require('./common');

/** A client with connections of its own; the library shares them otherwise. */
function open(target, more = {}) {
  return new EchoService(target, grpc.credentials.createInsecure(), {
    ...LIMITS,
    'grpc.use_local_subchannel_pool': 1,
    ...more,
  });
}

function metadata(entries) {
  const made = new grpc.Metadata();
  entries.forEach(([key, value]) => made.add(key, value));
  return made;
}

function callOptions(seconds) {
  return seconds === undefined ? {} : { deadline: Date.now() + seconds * 1000 };
}

/** A unary call or one whose requests are a stream: `answer` settles at its end. */
function unary(client, method, request, { entries = [], seconds } = {}) {
  const made = { initial: null, status: null };
  made.answer = new Promise((resolve, reject) => {
    const done = (e, value) => (e ? reject(e) : resolve(value));
    const args = [metadata(entries), callOptions(seconds), done];
    made.call = request === null ? client[method](...args) : client[method](request, ...args);
  });
  follow(made);
  return made;
}

/** A call whose answers are a stream; `request` is null if its requests are one too. */
function stream(client, method, request, { entries = [], seconds } = {}) {
  const args = [metadata(entries), callOptions(seconds)];
  const made = new Answers(request === null ? client[method](...args) : client[method](request, ...args));
  follow(made);
  return made;
}

function follow(made) {
  made.call.on('metadata', (value) => {
    made.initial = value;
  });
  made.ended = new Promise((resolve) => {
    made.call.on('status', (value) => {
      made.status = value;
      resolve(value);
    });
  });
}

/** The answers of a call, one by one. */
class Answers {
  constructor(call) {
    this.call = call;
    this.error = null;
    call.on('error', (e) => {
      this.error = e;
    });
  }

  write(item) {
    this.call.write(item);
  }

  /** The next one; null at the end. Nothing is read before it is asked for, but for the library's own buffer. */
  async read() {
    for (;;) {
      const item = this.call.read();
      if (item !== null) {
        return item;
      }
      if (this.error) {
        throw this.error;
      }
      if (this.call.readableEnded || this.call.destroyed) {
        return null;
      }
      await new Promise((resolve) => {
        const wake = () => {
          ['readable', 'end', 'error', 'close'].forEach((event) => this.call.off(event, wake));
          resolve();
        };
        ['readable', 'end', 'error', 'close'].forEach((event) => this.call.on(event, wake));
      });
    }
  }

  /** Reads the end, which must be next, and its status. */
  async end() {
    const item = await this.read();
    if (item !== null) {
      throw new Error(`expected the end but got item ${item.number} ${item.text}`);
    }
    return this.ended;
  }
}

class World {
  constructor(target, partner) {
    this.target = target;
    this.partner = partner;
    this.client = open(target);
  }

  /** A unary call's answer. */
  ask(method, request, more) {
    return unary(this.client, method, request, more).answer;
  }
}

module.exports = { World, open, unary, stream };
