'use strict';

// The library reports to the console, and standard output is the harness's.
console.log = console.info = console.error;
const { serve } = require('./servant');
const suites = { calls: require('./calls'), errors: require('./errors') };

async function main([ role, ...rest ]) {
  const options = {};
  for (let i = 0; i + 1 < rest.length; i += 2) {
    options[rest[i].replace(/^--/, '')] = rest[i + 1];
  }
  if (role === 'server') {
    await serve(Number(options.port));
    process.stdout.write('READY\n');
    return;
  }
  const make = suites[options.suite || 'calls'];
  if (role !== 'client' || !options.target || !make) {
    process.stderr.write('usage: server --port N | client --target HOST:PORT --suite SUITE [--with PEER]\n');
    process.exit(2);
  }
  const { suite, seconds } = make(options);
  process.exit(await suite.run(options.with || 'tars-rpc', seconds) ? 0 : 1);
}

main(process.argv.slice(2)).catch(e => {
  process.stderr.write(`${e.stack}\n`);
  process.exit(1);
});
