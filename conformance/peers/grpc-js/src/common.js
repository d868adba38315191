'use strict';

// What server and client share.

const path = require('path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const definition = loader.loadSync(path.join(__dirname, 'echo.proto'), {
  keepCase: true,
  longs: Number,
  defaults: true,
});
const { EchoService } = grpc.loadPackageDefinition(definition).org.wireloom.peer;

const MIB = 1 << 20;

// Messages up to 32 MiB: the default for receiving is 4 MiB, which a message of 4 MiB and its fields exceeds.
const LIMITS = {
  'grpc.max_receive_message_length': 32 * MIB,
  'grpc.max_send_message_length': 32 * MIB,
};

/** A message's serialize and deserialize. */
function message(name) {
  return definition[`org.wireloom.peer.${name}`];
}

/** `size` bytes that tell items apart: the number in eight hexadecimal digits and a dot, again and again. */
function pattern(number, size) {
  return Buffer.alloc(size, `${number.toString(16).padStart(8, '0')}.`);
}

function sleep(millis) {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

module.exports = { EchoService, LIMITS, MIB, message, pattern, sleep };
