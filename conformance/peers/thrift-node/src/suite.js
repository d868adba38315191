// Runs scenarios and tells what came of them.
"use strict";

const { inspect } = require("node:util");
const values = require("./values");

// For all of them, below the limit of whoever runs this.
const LIMIT = 130_000;
const SUITES = {
  calls: require("./calls").scenarios,
  thrifttest: require("./thrifttest").scenarios,
  sniff: require("./routed").scenarios,
  errors: require("./errors").scenarios,
  translate: require("./translated").scenarios,
};

/** Counts what was compared. */
class Checks {
  count = 0;

  equal(actual, expected, what = "it") {
    this.count += 1;
    if (!values.equal(actual, expected)) throw new Error(`${what} is ${short(actual)} and not ${short(expected)}`);
  }

  true(is, what) {
    this.count += 1;
    if (is !== true) throw new Error(`not so: ${what}`);
  }

  async raises(kind, call) {
    this.count += 1;
    let value;
    try {
      value = await call();
    } catch (error) {
      if (error instanceof kind) return error;
      throw error;
    }
    throw new Error(`${short(value)} came and no ${kind.name}`);
  }
}

function short(value) {
  return inspect(values.plain(value), { depth: 3, maxStringLength: 100, maxArrayLength: 10 }).slice(0, 400);
}

async function run(suite, partner, targets) {
  const end = Date.now() + LIMIT;
  let everything = true;
  for (const [scenario, body] of SUITES[suite](partner, targets)) {
    const start = Date.now();
    const checks = new Checks();
    let [ok, detail] = [false, `not run: the others took ${LIMIT} ms`];
    if (start < end) {
      try {
        await body(checks);
        [ok, detail] = [checks.count > 0, `${checks.count} checks`];
      } catch (error) {
        [ok, detail] = [false, `${error.name}: ${error.message}`.slice(0, 1000)];
      }
    }
    everything &&= ok;
    console.log(JSON.stringify({ scenario, ok, detail, millis: Date.now() - start }));
  }
  return everything;
}

module.exports = { run };
