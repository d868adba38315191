// How the servers of others, and this library itself, do what is not the same everywhere.
"use strict";

/** The type of the TApplicationException that comes of what a handler raises. This library writes none, which is 0. */
function applicationType(partner) {
  return partner === "thrift-node" ? 0 : 6;
}

/** That for a method which the server does not have. */
function unknownMethodType(partner) {
  return partner === "thrift-node" ? 0 : 1;
}

module.exports = { applicationType, unknownMethodType };
