'use strict';

// An @grpc/grpc-js server and client of the conformance suite.

const suites = { calls: './calls', errors: './errors', restart: './restart' };

async function main([role, ...rest]) {
  const options = { suite: 'calls', with: 'grpc-js', seconds: '10' };
  for (let i = 0; i + 1 < rest.length; i += 2) {
    options[rest[i].replace(/^--/, '')] = rest[i + 1];
  }
  if (role === 'server' && options.port) {
    return require('./server').serve(Number(options.port));
  }
  if (role !== 'client' || !options.target || !suites[options.suite]) {
    process.stderr.write('usage: server --port N | client --target HOST:PORT --suite SUITE [--with PEER]\n');
    process.exit(2);
  }
  const { scenarios } = require(suites[options.suite]);
  process.exit(await require('./suite').run(scenarios(options), 120));
}

main(process.argv.slice(2)).catch((e) => {
  process.stderr.write(`${e.stack}\n`);
  process.exit(1);
});
