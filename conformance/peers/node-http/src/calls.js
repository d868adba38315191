'use strict';

const { Suite } = require('./suite');
const { Http1 } = require('./http1');
const { Http2 } = require('./http2');
const { can } = require('./partners');

const SCENARIOS = {
  http1: [ require('./messages'), require('./bodies'), require('./flow'), require('./only1') ],
  http2: [ require('./messages'), require('./bodies'), require('./flow'), require('./only2') ],
};

/** What an application may expect of a healthy server, whatever is in between. True if all of it held. */
function calls(options) {
  const suite = new Suite();
  const { protocol, upstream, target, mode } = options;
  const world = {
    target,
    protocol,
    upstream,
    partner: options.with,
    proxied: mode === 'proxied',
    translated: protocol !== upstream,
    can: need => can(options.with, upstream, [ need ]),
    /** A client of its own for a scenario. */
    client: limit => protocol === 'http2' ? new Http2(target) : new Http1(target, limit),
  };
  for (const module of SCENARIOS[protocol]) {
    for (const [ name, { needs = [], unless, run } ] of Object.entries(module)) {
      if (can(options.with, upstream, needs) && !unless?.(world)) {
        suite.add(name, () => withClient(world, run));
      }
    }
  }
  return suite.run(140);
}

async function withClient(world, run) {
  const client = world.client();
  try {
    return await run(client, world);
  } finally {
    client.close();
  }
}

module.exports = { calls };
