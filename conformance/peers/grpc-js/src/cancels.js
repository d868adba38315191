'use strict';

// Deadlines and cancellations, as client and server see them.

const { randomUUID } = require('crypto');
const grpc = require('@grpc/grpc-js');
const { check, equal, fails, until } = require('./suite');
const { stream, unary } = require('./world');

// Seconds; long enough that the call begins on a machine that stands still for a while.
const DEADLINE = 3;

// Servers whose library resets a call with CANCEL at its deadline. That may arrive a moment before the client's own clock
// says so, and is CANCELLED then.
const RESETTING_SERVERS = ['grpc-go-echo'];

/** Awaits the call that was made at `start`; it must end at its deadline. */
async function exceeds(world, start, call) {
  try {
    await call;
  } catch (e) {
    const took = (Date.now() - start) / 1000;
    if (e.code === grpc.status.CANCELLED && RESETTING_SERVERS.includes(world.partner)) {
      check(took > DEADLINE - 0.5, `cancelled after ${took} s`);
    } else {
      equal(grpc.status.DEADLINE_EXCEEDED, e.code, `the code, with ${e.details || e}`);
    }
    return;
  }
  throw new Error('an answer behind the deadline');
}

/** Waits until the server knows of the end of the call. What it saw. */
function cancelled(world, token) {
  return until(async () => {
    const seen = await world.ask('Observe', { token });
    check(seen.started, 'the server never saw the call');
    check(!seen.finished, 'the call went on to its end');
    return seen.cancelled && seen;
  }, 'the server did not see that the call was over');
}

function started(world, token) {
  return until(async () => (await world.ask('Observe', { token })).started, 'the server did not see the call');
}

async function deadline(world) {
  const [token, start] = [randomUUID(), Date.now()];
  const slow = world.ask('Slow', { token, pause_millis: 40000 }, { seconds: DEADLINE });
  await exceeds(world, start, slow);
  const seen = await cancelled(world, token);
  const left = seen.millis_left;
  check(left > 0 && left <= DEADLINE * 1000 + 100, `the server was told ${left} ms`);
  return `the server was told ${left} ms`;
}

async function deadlineOfAStream(world) {
  const [token, start] = [randomUUID(), Date.now()];
  const request = { token, count: 1_000_000, size: 10, pause_millis: 20 };
  const emit = stream(world.client, 'Emit', request, { seconds: DEADLINE });
  equal(0, (await emit.read()).number);
  const rest = async () => {
    while ((await emit.read()) !== null);
  };
  await exceeds(world, start, rest());
  await cancelled(world, token);
}

async function deadlineMet(world) {
  equal('in time', (await world.ask('Slow', { token: 'in time', pause_millis: 100 }, { seconds: 30 })).text);
}

async function cancelUnary(world) {
  const token = randomUUID();
  const slow = unary(world.client, 'Slow', { token, pause_millis: 40000 });
  await started(world, token);
  slow.call.cancel();
  await fails(slow.answer, grpc.status.CANCELLED);
  await cancelled(world, token);
}

async function cancelServerStream(world) {
  const token = randomUUID();
  const emit = stream(world.client, 'Emit', { token, count: 1_000_000, size: 1000, pause_millis: 5 });
  for (let number = 0; number < 3; number += 1) {
    equal(number, (await emit.read()).number);
  }
  emit.call.cancel();
  equal(grpc.status.CANCELLED, (await emit.ended).code);
  await cancelled(world, token);
}

async function cancelBothWays(world) {
  const token = randomUUID();
  const chat = stream(world.client, 'Chat', null);
  chat.write({ text: `token ${token}` });
  equal(`token ${token}`, (await chat.read()).text);
  chat.call.cancel();
  equal(grpc.status.CANCELLED, (await chat.ended).code);
  await cancelled(world, token);
}

/** Two hundred calls that are cancelled are no reason to end the connection: others on it go on. */
async function manyCancels(world) {
  const steady = stream(world.client, 'Chat', null);
  const calls = Array.from({ length: 200 }, () =>
    unary(world.client, 'Slow', { token: randomUUID(), pause_millis: 40000 }));
  steady.write({ number: 1 });
  equal(1, (await steady.read()).number);
  calls.forEach(({ call }) => call.cancel());
  for (const { answer } of calls) {
    await fails(answer, grpc.status.CANCELLED);
  }
  steady.write({ number: 2 });
  equal(2, (await steady.read()).number);
  steady.call.end();
  equal(0, (await steady.end()).code);
}

exports.scenarios = [
  ['deadline', deadline],
  ['deadline-of-a-stream', deadlineOfAStream],
  ['deadline-met', deadlineMet],
  ['cancel-unary', cancelUnary],
  ['cancel-server-stream', cancelServerStream],
  ['cancel-both-ways', cancelBothWays],
  ['many-cancels', manyCancels],
];
