'use strict';

const http = require('http');
const http2 = require('http2');
const net = require('net');
const { handle, refuse } = require('./paths');

/** Both versions on one port: a client of HTTP/2 says so with its first bytes. */
function serve(port) {
  const one = http.createServer({ keepAliveTimeout: 120_000, requestTimeout: 0 }, handle);
  // Unanswered here, it would be answered with 100 even where the handler refuses the body.
  one.on('checkContinue', (request, response) => {
    if (request.url !== '/refuse') {
      response.writeContinue();
    }
    handle(request, response);
  });
  one.on('connect', (request, socket) => {
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  one.on('upgrade', upgrade);

  const two = http2.createServer({ settings: { maxConcurrentStreams: 256, initialWindowSize: 1 << 18 } }, handle);
  two.on('checkContinue', (request, response) => {
    if (request.url !== '/refuse') {
      response.writeContinue();
    }
    handle(request, response);
  });
  two.on('connect', (request, response) => refuse(response, 405));
  two.on('session', session => session.setLocalWindowSize(1 << 20));
  // Clients that break the protocol on purpose are told so by the library.
  two.on('sessionError', () => {});

  const both = net.createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    socket.on('error', () => {});
    sniff(socket, one, two);
  });
  both.listen(port, '127.0.0.1', () => process.stdout.write('READY\n'));
  process.on('SIGTERM', () => process.exit(0));
}

function sniff(socket, one, two) {
  let seen = Buffer.alloc(0);
  const gone = () => socket.destroy();
  const look = piece => {
    seen = Buffer.concat([ seen, piece ]);
    // "PRI" begins no method of HTTP/1.1.
    if (seen.length < 3) {
      socket.once('data', look);
      return;
    }
    socket.removeListener('end', gone);
    socket.pause();
    socket.unshift(seen);
    if (seen.subarray(0, 3).toString() === 'PRI') {
      two.emit('connection', socket);
    } else {
      one.emit('connection', socket);
      // Not before the server has set itself up: a socket that flows by then cannot be stopped by an unread request.
      process.nextTick(() => socket.resume());
    }
  };
  socket.once('data', look);
  socket.on('end', gone);
}

/** Every byte back, and a last word once the client has sent its end. */
function upgrade(request, socket, head) {
  if (request.headers.upgrade !== 'echo') {
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return;
  }
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.write(head);
  socket.on('data', piece => {
    if (!socket.write(piece)) {
      socket.pause();
      socket.once('drain', () => socket.resume());
    }
  });
  socket.on('end', () => socket.end('bye\n'));
}

module.exports = { serve };
