'use strict';

const bolt = require('sofa-bolt-node');
const { RpcClient } = require('sofa-rpc-node').client;
const dynamicConfig = require('sofa-rpc-node/lib/client/dynamic_config');
const { nextId } = require('sofa-rpc-node/lib/client/utils');
const { SERVICE, classMap, proto } = require('./types');
const logger = require('./logger');

const TIMEOUT = 10000;

/** The wire forms of Bolt. The library speaks the first unless it is told otherwise. */
const VARIANTS = {
  v1: { protocolType: 'bolt', boltVersion: 1, crcEnable: false },
  'v2-nocrc': { protocolType: 'bolt2', boltVersion: 2, crcEnable: false },
  'v2-crc': { protocolType: 'bolt2', boltVersion: 2, crcEnable: true },
};

/** One connection to the server in one wire form, and what was seen of it. */
class Client {
  /** @param {number} heartbeatMillis - idle time after which the library sends a heartbeat */
  constructor(target, variant, heartbeatMillis) {
    this.target = target;
    this.variant = variant;
    this.opened = 0;
    this.closed = 0;
    this.heartbeatAcks = 0;
    /** Bolt status of each reply, by request id: the library shows the application none of it. */
    this.statuses = new Map();
    // Idle connections are looked after once in such a period.
    dynamicConfig.instance.metric.bucketSizeInMs = Math.min(10000, heartbeatMillis);
    // Failures are asked for here; they must not make the client refuse the calls after them.
    dynamicConfig.instance.circuitBreaker.forceClosed = true;
    dynamicConfig.instance.faultTolerance.regulationEffective = true;
    dynamicConfig.instance.faultTolerance.degradeEffective = false;
    this.client = new RpcClient({
      logger,
      connectionOpts: {
        protocol: this.protocol(VARIANTS[variant]),
        noDelay: true,
        connectTimeout: 3000,
        maxIdleTime: heartbeatMillis,
        classMap,
        proto,
      },
    });
    this.consumers = new Map();
  }

  protocol(form) {
    return Object.assign({}, bolt, {
      encoder: options => Object.assign(bolt.encoder(options), form),
      decoder: options => {
        const decoder = bolt.decoder(options);
        decoder.on('heartbeat_ack', () => { this.heartbeatAcks++; });
        const decode = decoder._decode;
        decoder._decode = () => {
          this.noteStatus(decoder._buf);
          return decode.call(decoder);
        };
        this.opened++;
        decoder.once('close', () => { this.closed++; });
        return decoder;
      },
    });
  }

  noteStatus(buf) {
    const shift = buf[0] === 2 ? 1 : 0;
    // Type 0 is a reply; its status follows the codec byte, and in version 2 the switch too.
    if (buf.length >= 20 + 2 * shift && buf[1 + shift] === 0) {
      this.statuses.set(buf.readInt32BE(5 + shift), buf.readUInt16BE(10 + 2 * shift));
    }
  }

  consumer(uniqueId = '', interfaceName = SERVICE) {
    const key = `${interfaceName}:${uniqueId}`;
    if (!this.consumers.has(key)) {
      this.consumers.set(key, this.client.createConsumer({
        interfaceName,
        // The library has no uniqueId; in the service's unique name it follows the version.
        version: uniqueId ? `1.0:${uniqueId}` : '1.0',
        // Never on the wire. Of the consumers of one service and group, the library keeps only the first one's
        // connection alive.
        group: this.variant,
        targetAppName: 'echo-provider',
        serverHost: `bolt://${this.target}`,
        responseTimeout: TIMEOUT,
        classMap,
        proto,
      }));
    }
    return this.consumers.get(key);
  }

  async call(method, args, options = {}) {
    return await this.consumer(options.uniqueId).invoke(method, args, options);
  }

  /** What the call failed with, how long that took, its request's id and the status that had come for it, if any. */
  async failure(method, args, options = {}) {
    const start = Date.now();
    const consumer = this.consumer(options.uniqueId);
    let id = null;
    const note = ctx => { id = ctx.req.meta.id; };
    consumer.once('response', note);
    let answer;
    try {
      answer = await consumer.invoke(method, args, options);
    } catch (error) {
      return { error, millis: Date.now() - start, status: this.statuses.get(id), id };
    }
    throw new Error(`expected a failure, got the answer ${JSON.stringify(answer)}`);
  }

  /** The library's own client has no one-way calls; its Bolt encoder does. Resolves to the request's id. */
  async oneWay(method, args) {
    const consumer = this.consumer();
    await consumer.ready();
    const request = consumer.createRequest(method, args, {});
    request.oneway = true;
    const connection = await consumer.getConnection(request);
    const id = nextId();
    await new Promise((resolve, reject) => {
      connection._encoder.writeRequest(id, request, e => (e ? reject(e) : resolve()));
    });
    return id;
  }

  /** Fails unless exactly one connection was ever opened, and is open. */
  expectOneConnection() {
    if (this.opened !== 1 || this.closed !== 0) {
      throw new Error(`expected one connection that stays, saw ${this.opened} opened and ${this.closed} closed`);
    }
  }
}

module.exports = { Client, VARIANTS };
