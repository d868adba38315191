'use strict';

/** The arguments of an event; an error or an end without it is a failure. */
function once(emitter, event) {
  return new Promise((resolve, reject) => {
    emitter.once(event, (...args) => resolve(args));
    emitter.once('error', reject);
    emitter.once('close', () => reject(new Error(`closed without ${event}${emitter.rstCode ? `, code ${emitter.rstCode}` : ''}`)));
  });
}

/** Writes a body, no faster than it is taken; ends when all was taken. An end of the connection ends it too. */
async function send(output, body) {
  const gone = new Promise(go => output.once('close', go));
  if (body && !Buffer.isBuffer(body)) {
    for await (const piece of body) {
      if (output.destroyed) {
        return;
      }
      if (!output.write(piece)) {
        await Promise.race([ gone, new Promise(go => output.once('drain', go)) ]);
      }
    }
    body = undefined;
  }
  await Promise.race([ gone, new Promise(done => output.end(body, done)) ]);
}

module.exports = { once, send };
