'use strict';

// Steady calls over two addresses, one of which goes away and comes back meanwhile.

const { randomUUID } = require('crypto');
const { pattern, sleep } = require('./common');
const { check, describe, equal } = require('./suite');
const { open, stream, unary } = require('./world');

// Each makes calls one after the other, with a pause that keeps the rate moderate.
const WORKERS = 8;
const PAUSE = 30;
const ENOUGH_TO_RUN = 20;
// Of a call; a failure and not a hang.
const SECONDS = 20;

const OPTIONS = {
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  // An address that is back is to be noticed while the suite lasts.
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 1000,
};

async function echo(client, text) {
  equal(text, (await unary(client, 'Echo', { text }, { seconds: SECONDS }).answer).text);
}

async function slow(client, token) {
  equal(token, (await unary(client, 'Slow', { token, pause_millis: 150 }, { seconds: SECONDS }).answer).text);
}

async function emit(client, token) {
  const request = { token, count: 20, size: 100, pause_millis: 10 };
  const items = stream(client, 'Emit', request, { seconds: SECONDS });
  for (let number = 0; number < 20; number += 1) {
    const item = await items.read();
    equal({ text: '', payload: pattern(number, 100), number }, item);
  }
  equal(0, (await items.end()).code);
}

async function chat(client, text) {
  const call = stream(client, 'Chat', null, { seconds: SECONDS });
  for (let number = 0; number < 10; number += 1) {
    const item = { text, payload: Buffer.alloc(0), number };
    call.write(item);
    equal(item, await call.read());
    await sleep(20);
  }
  call.call.end();
  equal(0, (await call.end()).code);
}

// Most calls are short, some take a while: these are in flight when an address goes away.
const KINDS = [echo, echo, echo, slow, echo, emit, echo, chat];

exports.scenarios = (options) => [['restart', async () => {
  const client = open(`ipv4:${options.target}`, OPTIONS);
  const failures = [];
  let [good, slowest] = [0, 0];
  const end = Date.now() + Number(options.seconds) * 1000;
  const work = async (place) => {
    while (Date.now() < end) {
      const kind = KINDS[place % KINDS.length];
      const start = Date.now();
      try {
        await kind(client, randomUUID());
        good += 1;
        if (good === ENOUGH_TO_RUN) {
          process.stdout.write('RUNNING\n');
        }
      } catch (e) {
        failures.push(`${kind.name}: ${describe(e)}`);
      }
      slowest = Math.max(slowest, Date.now() - start);
      place += 1;
      await sleep(PAUSE);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
  client.close();
  const summary = `${good + failures.length} calls, ${failures.length} failed, the slowest took ${slowest} ms`;
  check(failures.length === 0, `${summary}; the first failure: ${failures[0]}`);
  check(good >= Number(options.seconds) * WORKERS, `too few calls for the time: ${summary}`);
  return summary;
}]];
