// A connection of the library's, on which a call that gets no answer fails.
"use strict";

const thrift = require("thrift");
const { options } = require("./dialects");

const SERVICES = {
  Echo: require("./gen/Echo"),
  EchoLater: require("./gen/EchoLater"),
  Second: require("./gen/Second"),
  ThriftTest: require("./gen/ThriftTest"),
};
// No call of the suite is that slow.
const PATIENCE = 25_000;

class Connection {
  constructor({ dialect, host, port }) {
    this.inner = thrift.createConnection(host, port, { ...options(dialect), timeout: 0 });
    this.multiplexer = new thrift.Multiplexer();
    this.clients = new Map();
    this.closing = false;
    this.broken = new Promise((_, reject) => {
      this.inner.on("error", (error) => reject(new Error(`the connection failed: ${error.message}`)));
      this.inner.on("close", () => reject(new Error("the connection was closed")));
    });
    this.broken.catch(() => {});
  }

  /** Calls of a service, under a name if it is multiplexed. */
  client(service, name) {
    const key = `${service} ${name ?? ""}`;
    if (!this.clients.has(key)) {
      const made = name ? this.multiplexer.createClient(name, SERVICES[service], this.inner) : this.#plain(service);
      this.clients.set(key, this.#guarded(made));
    }
    // The library has one client for what comes without a service, and drops those of services when that is made.
    return this.clients.get(key);
  }

  #plain(service) {
    if (typeof this.inner.client === "object") {
      throw new Error("the client without a service is to be made first");
    }
    const client = thrift.createClient(SERVICES[service], this.inner);
    // One sequence for all, or answers would be taken for those of a service.
    client.new_seqid = () => (this.multiplexer.seqid += 1);
    return client;
  }

  #guarded(client) {
    return new Proxy(client, {
      get: (of, method) => {
        return (...args) => {
          let timer;
          const late = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error(`no answer to ${String(method)}`)), PATIENCE);
          });
          return Promise.race([of[method](...args), this.broken, late]).finally(() => clearTimeout(timer));
        };
      },
    });
  }

  close() {
    this.inner.destroy();
  }
}

async function connected(target, use) {
  const connection = new Connection(target);
  try {
    return await use(connection);
  } finally {
    connection.close();
  }
}

module.exports = { Connection, connected };
