'use strict';

const { AsyncLocalStorage } = require('async_hooks');
const { Dubbo, java } = require('dubbo2.js');
const { provideAt } = require('./registry');

const SERVICE = 'org.wireloom.peer.EchoService';
const TIMEOUT_SECONDS = 10;

/** Argument types: this library has no other knowledge of the Java interface. */
const methods = {
  echo: s => [ java.String(s) ],
  // A buffer is written as bytes only when it is not wrapped; its own properties still give it a type.
  bytes: b => [ Object.assign(b, { $class: '[byte', $: null }) ],
  add: (a, b) => [ java.int(a), java.int(b) ],
  nothing: () => [],
  fail: message => [ java.String(message) ],
  blowUp: message => [ java.String(message) ],
  slow: millis => [ java.int(millis) ],
  person: p => [ p ],
  attachment: key => [ java.String(key) ],
  fire: token => [ java.String(token) ],
  fired: token => [ java.String(token) ],
  whoami: () => [],
};

/** The service at one address; all calls share one connection. */
class Client {
  constructor(target) {
    provideAt(target);
    this.current = new AsyncLocalStorage();
    const settings = { version: '1.0.0', group: '' };
    this.dubbo = Dubbo.from({
      application: { name: 'wireloom-peer-client' },
      register: 'none',
      dubboInvokeTimeout: TIMEOUT_SECONDS,
      dubboSetting: { getDubboSetting: () => settings },
      service: {
        plain: dubbo => dubbo.proxyService({ dubboInterface: SERVICE, methods }),
        // What is set as a service's timeout is sent as the attachment `timeout`.
        timed: dubbo => dubbo.proxyService({ dubboInterface: SERVICE, timeout: TIMEOUT_SECONDS, methods }),
        impatient: dubbo => dubbo.proxyService({ dubboInterface: SERVICE, timeout: 0.3, methods }),
      },
    });
    this.dubbo.use(async (ctx, next) => {
      const call = this.current.getStore();
      for (const key of [ 'group', 'version', 'attachments' ]) {
        if (call[key] !== undefined) {
          ctx[key] = call[key];
        }
      }
      await next();
      call.replyAttachments = ctx.providerAttachments;
    });
  }

  /**
   * Calls a method. `call` may hold a service (plain, timed, impatient), group, version and attachments, and gets the
   * attachments of the reply.
   */
  async call(method, args, call = {}) {
    const { res, err } = await this.current.run(call, () => {
      return this.dubbo.service[call.service || 'plain'][method](...args);
    });
    if (err) {
      throw err;
    }
    return res;
  }

  /** What the call failed with, and how long that took. */
  async failure(method, args, call = {}) {
    const start = Date.now();
    let answer;
    try {
      answer = await this.call(method, args, call);
    } catch (error) {
      return { error, millis: Date.now() - start };
    }
    throw new Error(`expected a failure, got the answer ${JSON.stringify(answer)}`);
  }
}

module.exports = { Client, java };
