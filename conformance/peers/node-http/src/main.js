'use strict';

const { serve } = require('./server');
const { calls } = require('./calls');

async function main([ role, ...rest ]) {
  const options = { protocol: 'http1', with: 'node-http', mode: 'direct' };
  for (let i = 0; i + 1 < rest.length; i += 2) {
    options[rest[i].replace(/^--/, '')] = rest[i + 1];
  }
  options.upstream ??= options.protocol;
  if (role === 'server' && options.port) {
    serve(Number(options.port));
  } else if (role === 'client' && options.target && (options.suite ?? 'calls') === 'calls') {
    process.exit(await calls(options) ? 0 : 1);
  } else {
    process.stderr.write('usage: server --port N | client --target HOST:PORT --with PEER --mode MODE --protocol P --upstream P\n');
    process.exit(2);
  }
}

// Of a scenario that has failed already, by something else.
process.on('unhandledRejection', e => process.stderr.write(`${e?.stack ?? e}\n`));

main(process.argv.slice(2)).catch(e => {
  process.stderr.write(`${e.stack}\n`);
  process.exit(1);
});
