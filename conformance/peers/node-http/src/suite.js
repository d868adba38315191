'use strict';

const { inspect } = require('util');

/** Named scenarios, run one after another; each prints one JSON line. A scenario fails by throwing. */
class Suite {
  constructor() {
    this.scenarios = [];
    this.running = 'start';
  }

  add(name, body) {
    this.scenarios.push({ name, body });
  }

  /** Whatever has not ended after `seconds` is reported as failed. */
  async run(seconds) {
    const watchdog = setTimeout(() => {
      report(this.running, false, `the suite did not end within ${seconds} s`, seconds * 1000);
      process.exit(1);
    }, seconds * 1000);
    let ok = this.scenarios.length > 0;
    for (const { name, body } of this.scenarios) {
      this.running = name;
      const start = Date.now();
      try {
        report(name, true, await within(body(), 25) ?? '', Date.now() - start);
      } catch (e) {
        ok = false;
        report(name, false, describe(e), Date.now() - start);
      }
    }
    clearTimeout(watchdog);
    return ok;
  }
}

function within(promise, seconds) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([ promise, late ]).finally(() => clearTimeout(timer));
}

function describe(e) {
  const text = e instanceof Error ? `${e.name}: ${e.message}` : inspect(e);
  return text.length <= 1000 ? text : text.slice(0, 1000) + '...';
}

function report(scenario, ok, detail, millis) {
  process.stdout.write(JSON.stringify({ scenario, ok, detail, millis }) + '\n');
}

exports.Suite = Suite;
