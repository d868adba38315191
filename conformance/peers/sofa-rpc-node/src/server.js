'use strict';

const { RpcServer } = require('sofa-rpc-node').server;
const { SERVICE, PERSON, classMap, proto, java } = require('./types');
const logger = require('./logger');

/** Lets a service method see the request it answers. */
class Server extends RpcServer {
  createContext(req) {
    // The library leaves a request whose timeout is over unanswered. Others answer late, and that must find nobody.
    req.options.timeout = 0;
    return { req };
  }
}

function echoService(name) {
  const fired = new Map();
  return {
    async echo(s) { return s; },
    async bytes(b) { return b; },
    async add(a, b) { return a + b; },
    async nothing() { return null; },
    // What is returned reaches a Java consumer as a java.lang.Exception; what is thrown, it cannot read.
    async fail(message) { return new Error(message); },
    async blowUp(message) { throw new Error(message); },
    async slow(millis) {
      await new Promise(done => setTimeout(done, millis));
      return `slept ${millis}`;
    },
    async person(p) { return java(PERSON, Object.assign({}, p, { age: p.age + 1 })); },
    // The library gives a server no way to send properties back.
    async attachment(key) {
      const baggage = (this.req.data.requestProps || {}).rpc_req_baggage;
      return baggage && baggage[key] !== undefined ? baggage[key] : null;
    },
    async fire(token) { fired.set(token, (fired.get(token) || 0) + 1); },
    async fired(token) { return fired.get(token) || 0; },
    async whoami() { return name; },
  };
}

async function serve(port) {
  const server = new Server({ port, logger, classMap, proto, appName: 'echo-provider' });
  server.on('error', e => logger.error(e));
  const apiMeta = { classMaps: classMap, methods: [] };
  server.addService({ interfaceName: SERVICE, apiMeta }, echoService('default'));
  server.addService({ interfaceName: SERVICE, uniqueId: 'blue', apiMeta }, echoService('blue'));
  server.addService({ interfaceName: 'org.wireloom.peer.ProtoEchoService' }, { async echo(m) { return m.toObject(); } });
  await server.start();
}

exports.serve = serve;
