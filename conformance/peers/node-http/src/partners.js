'use strict';

/** What servers cannot do; scenarios that need it are left out with them. */
const LACKS = {
  'node-http': [],
  hyper: [ 'early-hints', 'case', 'reset-code' ],
  'hyper/http2': [ 'continue' ],
  nginx: [
    'early-hints', 'headers', 'fields', 'hash', 'drip', 'refuse', 'abort', 'tokens', 'upgrade', 'any-size', 'all-statuses',
    'received-trailers', 'echo-length', 'keeps-connections',
  ],
};

/** Whether `name`, spoken to in the version `upstream`, can do all of `needs`. */
function can(name, upstream, needs) {
  if (!LACKS[name]) {
    throw new Error(`unknown partner ${name}`);
  }
  const lacks = [ ...LACKS[name], ...LACKS[`${name}/${upstream}`] ?? [] ];
  return !needs.some(need => lacks.includes(need));
}

module.exports = { can };
