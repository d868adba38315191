'use strict';

const { inspect } = require('util');

/** Named scenarios, run one after another; each prints one JSON line. A scenario fails by throwing. */
class Suite {
  constructor() {
    this.scenarios = [];
    this.running = 'start';
  }

  /** Adds a scenario that makes sense with these partner servers only. */
  add(partners, name, body) {
    this.scenarios.push({ partners, name, body });
    return this;
  }

  /** Runs what `partner` can serve; whatever has not ended after `seconds` is reported as failed. */
  async run(partner, seconds) {
    const watchdog = setTimeout(() => {
      report(this.running, false, `the suite did not end within ${seconds} s`, seconds * 1000);
      process.exit(1);
    }, seconds * 1000);
    let ok = true;
    const chosen = this.scenarios.filter(s => s.partners.includes(partner));
    for (const { name, body } of chosen) {
      this.running = name;
      const start = Date.now();
      let failure = null;
      try {
        await body();
      } catch (e) {
        failure = e;
      }
      ok = ok && failure === null;
      report(name, failure === null, failure === null ? '' : describe(failure), Date.now() - start);
    }
    if (chosen.length === 0) {
      report('suite', false, `no scenario is known for the partner ${partner}`, 0);
    }
    clearTimeout(watchdog);
    return ok && chosen.length > 0;
  }
}

function describe(e) {
  const text = e instanceof Error ? `${e.name}: ${e.message}` : inspect(e);
  return text.length <= 1000 ? text : text.slice(0, 1000) + '...';
}

function report(scenario, ok, detail, millis) {
  process.stdout.write(JSON.stringify({ scenario, ok, detail, millis }) + '\n');
}

exports.Suite = Suite;
