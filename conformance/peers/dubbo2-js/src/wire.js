'use strict';

const SocketWorker = require('dubbo2.js/es7/socket-worker').default;
const HeartBeat = require('dubbo2.js/es7/heartbeat').default;
const decoding = require('dubbo2.js/es7/decode');

/** What is seen beneath the library: connections, heartbeats and the status and bytes of each reply. */
const wire = {
  opened: 0,
  closed: 0,
  heartbeatReplies: [],
  lastReply: null,
  sockets: new Set(),

  /** Fails unless exactly one connection was ever opened, and is open. */
  expectOneConnection() {
    if (wire.opened !== 1 || wire.closed !== 0) {
      throw new Error(`expected one connection that stays, saw ${wire.opened} opened and ${wire.closed} closed`);
    }
  },

  /** The library's own heartbeat, sent now: it does so every 180 s only. */
  sendHeartbeat() {
    wire.sockets.forEach(socket => socket.write(HeartBeat.encode()));
  },
};

const connect = SocketWorker.prototype._initSocket;
SocketWorker.prototype._initSocket = function() {
  connect.call(this);
  const socket = this._socket;
  socket.once('connect', () => {
    wire.opened++;
    wire.sockets.add(socket);
    socket.once('close', () => {
      wire.closed++;
      wire.sockets.delete(socket);
    });
  });
};

const isHeartBeat = HeartBeat.isHeartBeat;
HeartBeat.isHeartBeat = header => {
  const event = isHeartBeat(header);
  // Bit 7 of the flags is set in requests: this is an answer to one of ours.
  if (event && (header[2] & 0x80) === 0) {
    wire.heartbeatReplies.push({ status: header[3], id: header.subarray(4, 12).toString('hex') });
  }
  return event;
};

const decode = decoding.decode;
decoding.decode = bytes => {
  wire.lastReply = { status: bytes[3], body: bytes.subarray(16) };
  return decode(bytes);
};

module.exports = wire;
