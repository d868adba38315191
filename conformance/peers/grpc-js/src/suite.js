'use strict';

// Named scenarios, run one after another; each prints a line of JSON. A scenario fails by throwing.

const { isDeepStrictEqual, inspect } = require('util');

const EACH = 60_000;

/** Runs them all; what has not ended when `limit` seconds are over is reported as failed. The exit code. */
async function run(scenarios, limit) {
  let running = 'start';
  const watchdog = setTimeout(() => {
    report(running, false, `the suite did not end within ${limit} s`, limit * 1000);
    process.exit(3);
  }, limit * 1000);
  process.on('unhandledRejection', (e) => {
    // What is rejected while nobody waits yet is waited for later; the scenario judges it.
    process.stderr.write(`rejected, ${running}: ${describe(e)}\n`);
  });
  let good = true;
  for (const [name, body] of scenarios) {
    running = name;
    const start = Date.now();
    let [ok, detail] = [true, ''];
    try {
      detail = (await within(body(), EACH)) || '';
    } catch (e) {
      process.stderr.write(`${e && e.stack}\n`);
      [ok, detail] = [false, describe(e)];
    }
    good = good && ok;
    report(name, ok, detail, Date.now() - start);
  }
  clearTimeout(watchdog);
  return good ? 0 : 1;
}

function within(promise, millis) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${millis / 1000} s`)), millis);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function describe(e) {
  const text = e instanceof Error ? `${e.name}: ${e.message}` : inspect(e);
  return text.slice(0, 1000);
}

function report(scenario, ok, detail, millis) {
  process.stdout.write(`${JSON.stringify({ scenario, ok, detail, millis })}\n`);
}

function shorten(value) {
  const text = inspect(value, { breakLength: Infinity, depth: 5 });
  return text.length <= 300 ? text : `${text.slice(0, 300)}… (${text.length} characters)`;
}

function equal(expected, actual, what = '') {
  if (!isDeepStrictEqual(expected, actual)) {
    throw new Error(`${what}: expected ${shorten(expected)} but got ${shorten(actual)}`);
  }
}

function check(condition, what) {
  if (!condition) {
    throw new Error(what);
  }
}

/** Awaits the call, which must end with this status. The error. */
async function fails(call, code, details) {
  let answer;
  try {
    answer = await call;
  } catch (e) {
    equal(code, e.code, `the code, with ${inspect(e.details || e)}`);
    if (details !== undefined) {
      equal(details, e.details, 'the status message');
    }
    return e;
  }
  throw new Error(`expected code ${code} but got an answer: ${shorten(answer)}`);
}

/** Asks again and again until the answer is true. */
async function until(condition, what, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await condition();
    if (answer) {
      return answer;
    }
    check(Date.now() < end, `${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

module.exports = { run, equal, check, describe, fails, until };
