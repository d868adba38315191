'use strict';

/** What servers cannot do; scenarios that need it are left out with them. */
const LACKS = {
  'node-http': [],
  hyper: [ 'early-hints', 'case', 'reset-code' ],
  nginx: [
    'early-hints', 'headers', 'fields', 'hash', 'drip', 'refuse', 'abort', 'tokens', 'upgrade', 'any-size', 'all-statuses',
    'received-trailers', 'echo-length', 'keeps-connections',
  ],
};

/** Whether `name` can do all of `needs`. */
function can(name, needs) {
  const lacks = LACKS[name];
  if (!lacks) {
    throw new Error(`unknown partner ${name}`);
  }
  return !needs.some(need => lacks.includes(need));
}

module.exports = { can };
