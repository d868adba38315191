// The library's transports and protocols by the names of dialects.
"use strict";

const thrift = require("thrift");

const CLIENT = ["framed-binary", "framed-compact", "buffered-binary", "buffered-compact"];
const SERVER = [...CLIENT, "header-binary", "header-compact"];

function options(dialect) {
  const [transport, protocol] = dialect.split("-");
  if (transport === "header") {
    // This protocol reads the length itself, and takes from the request what is in it.
    return { transport: thrift.TBufferedTransport, protocol: thrift.THeaderProtocol };
  }
  return {
    transport: transport === "framed" ? thrift.TFramedTransport : thrift.TBufferedTransport,
    protocol: protocol === "binary" ? thrift.TBinaryProtocol : thrift.TCompactProtocol,
  };
}

module.exports = { CLIENT, SERVER, options };
