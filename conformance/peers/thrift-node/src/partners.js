// What the servers of others cannot do; scenarios about it are left out. And what their exceptions are.
"use strict";

const CANNOT = {};

function can(partner, kind) {
  return !CANNOT[partner]?.has(kind);
}

/** The type of the TApplicationException that comes of what a handler raises. */
function applicationType(partner) {
  return partner === "thrift-node" ? 0 : 6;
}

module.exports = { can, applicationType };
