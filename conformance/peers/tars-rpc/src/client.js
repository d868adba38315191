'use strict';

const { Communicator } = require('@tars/rpc');
const { AdapterProxy } = require('@tars/rpc/core/client/AdapterProxy.js');
const { TCPTransceiver } = require('@tars/rpc/core/client/Transceiver.js');
const { TarsInputStream, TarsOutputStream, UniAttribute } = require('@tars/stream');
const { SERVANT } = require('./servant');

/** What a proxy of the library is made of. */
class Echo {}

/** Calls of one servant over one connection, and what was seen of it. */
class Client {
  constructor(target, servant = SERVANT) {
    const [ host, port ] = target.split(':');
    const communicator = Communicator.New();
    this.worker = communicator.stringToProxy(Echo, `${servant}@tcp -h ${host} -p ${port}`)._worker;
    this.worker.timeout = 10000;
    // Failures are asked for here; they must not make the client give up on the endpoint.
    this.worker.setCheckTimeoutInfo({ minTimeoutInvoke: 1e6, frequenceFailInvoke: 1e6 });
    this.connections = connections(this.worker);
    this.answers = answers(this.worker);
  }

  /** Calls, and resolves to the text, the response's context and the request's id. */
  async call(name, argument = '', property = {}) {
    const out = new TarsOutputStream();
    out.writeString(1, String(argument));
    const { request, response } = await this.worker.tars_invoke(name, out.getBinBuffer(), property);
    const text = new TarsInputStream(response.sBuffer).readString(0, true, '');
    return { text, context: response.context, id: request.request.iRequestId };
  }

  /** The same in TUP, whose answers have the form of requests. */
  async tup(version, name, argument) {
    this.worker.version = version;
    const tup = new UniAttribute();
    tup.tupVersion = version;
    tup.writeString('argument', String(argument));
    const { response } = await this.worker.tup_invoke(name, tup);
    return response.tup.readString('');
  }

  /** The code that a call in TUP fails with; of its text the library tells nothing. */
  async tupFailure(version, name, argument) {
    try {
      await this.tup(version, name, argument);
    } catch (failed) {
      if (!failed.error) {
        throw failed;
      }
      return failed.error.code;
    }
    throw new Error(`${name} was expected to fail`);
  }

  /** What the call failed with: the framework's code and text, how long it took, and the request's id. */
  async failure(name, argument, property) {
    const start = Date.now();
    try {
      await this.call(name, argument, property);
    } catch (failed) {
      const { error, request } = failed;
      if (!error) {
        throw failed;
      }
      return { ...error, millis: Date.now() - start, id: request.request.iRequestId };
    }
    throw new Error(`${name} was expected to fail`);
  }
}

const seen = new WeakMap();

/** How often the library has connected. */
function connections(worker) {
  const before = seen.get(worker) || { opened: 0, answers: [] };
  seen.set(worker, before);
  return before;
}

/** The ids of all answers that came, whether anybody waited for them or not. */
function answers(worker) {
  return connections(worker).answers;
}

const { reconnect } = TCPTransceiver.prototype;
TCPTransceiver.prototype.reconnect = function () {
  connections(this._adapter._worker).opened++;
  return reconnect.call(this);
};
const { doResponse } = AdapterProxy.prototype;
AdapterProxy.prototype.doResponse = function (message) {
  answers(this._worker).push(message.iRequestId);
  return doResponse.call(this, message);
};

exports.Client = Client;
