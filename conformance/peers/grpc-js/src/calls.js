'use strict';

// What must be the same with and without the proxy.

const { World } = require('./world');

const parts = ['./messages', './streams', './metadata', './endings', './cancels'];

exports.scenarios = (options) => {
  const world = new World(options.target, options.with);
  return parts.flatMap((part) => require(part).scenarios).map(([name, body]) => [name, () => body(world)]);
};
