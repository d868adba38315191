'use strict';

// The server of echo.proto. The library cannot compress answers.

const { createHash } = require('crypto');
const { once } = require('events');
const grpc = require('@grpc/grpc-js');
const { EchoService, LIMITS, message, pattern, sleep } = require('./common');

/** Sends back the initial metadata that is to be sent back; answers the trailing metadata. */
function begin(call) {
  const initial = new grpc.Metadata();
  const trailing = new grpc.Metadata();
  for (const key of Object.keys(call.metadata.getMap())) {
    for (const [prefix, target] of [['x-echo-initial', initial], ['x-echo-trailing', trailing]]) {
      if (key.startsWith(prefix)) {
        call.metadata.get(key).forEach((value) => target.add(key, value));
      }
    }
  }
  if (Object.keys(initial.getMap()).length > 0) {
    call.sendMetadata(initial);
  }
  return trailing;
}

const observed = new Map();

/** Notes how a call goes: it is cancelled unless it was finished before. */
function watch(token, call) {
  const deadline = call.getDeadline();
  const seen = {
    started: true,
    cancelled: false,
    finished: false,
    sent: 0,
    millis_left: deadline === Infinity ? -1 : Math.round(Number(deadline) - Date.now()),
  };
  observed.set(token, seen);
  seen.over = new Promise((resolve) => {
    // The library tells of the end of every call in this way.
    call.on('cancelled', () => {
      seen.cancelled = !seen.finished;
      resolve();
    });
  });
  return seen;
}

function fail(call, code, details, metadata) {
  call.emit('error', { code, details, metadata });
}

const methods = {
  Echo(call, answer) {
    const trailing = begin(call);
    answer(null, call.request, trailing);
  },

  async Slow(call, answer) {
    const trailing = begin(call);
    const seen = watch(call.request.token, call);
    await Promise.race([sleep(call.request.pause_millis), seen.over]);
    if (!seen.cancelled) {
      seen.finished = true;
      answer(null, { text: call.request.token }, trailing);
    }
  },

  Fail(call, answer) {
    const trailing = begin(call);
    const { code, message: details, reason, headers_first: headersFirst } = call.request;
    if (headersFirst) {
      call.sendMetadata(new grpc.Metadata());
    }
    if (reason) {
      const blob = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const detail = message('Detail').serialize({ reason, blob });
      const any = { type_url: 'type.googleapis.com/org.wireloom.peer.Detail', value: detail };
      trailing.set('grpc-status-details-bin', message('Status').serialize({ code, message: details, details: [any] }));
    }
    answer({ code, details, metadata: trailing });
  },

  Collect(call, answer) {
    const trailing = begin(call);
    const digest = createHash('sha256');
    let [count, bytes] = [0, 0];
    call.on('data', ({ payload }) => {
      count += 1;
      bytes += payload.length;
      digest.update(payload);
    });
    call.on('end', () => answer(null, { count, bytes, sha256: digest.digest() }, trailing));
  },

  Early(call, answer) {
    const trailing = begin(call);
    let first = null;
    let count = 0;
    call.on('data', (item) => {
      first = first || item;
      count += 1;
      if (count === first.number) {
        call.pause();
        if (first.text) {
          answer({ code: grpc.status.FAILED_PRECONDITION, details: first.text, metadata: trailing });
        } else {
          answer(null, { count }, trailing);
        }
      }
    });
  },

  async Emit(call) {
    const trailing = begin(call);
    const { token, count, size, pause_millis: pause, code, message: details } = call.request;
    const seen = watch(token, call);
    for (let number = 0; number < count && !seen.cancelled; number += 1) {
      if (pause) {
        await sleep(pause);
      }
      if (seen.cancelled) {
        return;
      }
      const room = call.write({ number, payload: pattern(number, size) });
      seen.sent += 1;
      if (!room) {
        await Promise.race([once(call, 'drain'), seen.over]);
      }
    }
    if (seen.cancelled) {
      return;
    }
    seen.finished = true;
    if (code) {
      fail(call, code, details, trailing);
    } else {
      call.end(trailing);
    }
  },

  Chat(call) {
    const trailing = begin(call);
    let seen = null;
    call.on('data', (item) => {
      if (seen === null && item.text.startsWith('token ')) {
        seen = watch(item.text.slice('token '.length), call);
      }
      if (!call.write(item)) {
        call.pause();
        call.once('drain', () => call.resume());
      }
    });
    call.on('end', async () => {
      if (seen) {
        // Some clients half-close a call that they cancel, and reset it a little later. If no reset comes, it did end.
        await Promise.race([sleep(5000), seen.over]);
        seen.finished = !seen.cancelled;
      }
      call.end(trailing);
    });
  },

  Reverse(call) {
    const trailing = begin(call);
    const items = [];
    call.on('data', (item) => items.push(item));
    call.on('end', () => {
      items.reverse().forEach((item) => call.write(item));
      call.end(trailing);
    });
  },

  Observe(call, answer) {
    answer(null, observed.get(call.request.token) || {});
  },
};

async function serve(port) {
  const server = new grpc.Server(LIMITS);
  server.addService(EchoService.service, methods);
  const credentials = grpc.ServerCredentials.createInsecure();
  await new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (e) => (e ? reject(e) : resolve()));
  });
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => {
      server.tryShutdown(() => process.exit(0));
      setTimeout(() => process.exit(0), 1000).unref();
    });
  }
  process.stdout.write('READY\n');
}

module.exports = { serve };
