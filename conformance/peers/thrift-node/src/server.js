// The server: what it does is the same in all dialects.
"use strict";

const { setTimeout: sleep } = require("node:timers/promises");
const thrift = require("thrift");
const { SERVER, options } = require("./dialects");
const Echo = require("./gen/Echo");
const Second = require("./gen/Second");
const ThriftTest = require("./gen/ThriftTest");
const test = require("./gen/ThriftTest_types");
const types = require("./gen/wireloom_types");
const values = require("./values");

const notes = new Map();

function note(token, number) {
  notes.set(token, [...(notes.get(token) ?? []), number]);
}

function fail(how) {
  if (how === "refused") throw new types.Refused({ code: 7, reason: "not today", details: ["a", "b"] });
  if (how === "missing") throw new types.Missing({ key: "k" });
  if (how === "application") throw new Error("not in the contract");
  return "fine";
}

/** `headers` gives those of the request that is being handled: handlers are called while it is read. */
function echo(dialect, headers) {
  const handler = {
    whoami: () => `thrift-node ${dialect}`,
    nothing: () => {},
    join: (third, first, second) => `${first} ${second} ${third}`,
    bytes: (count) => values.pattern(count),
    count: (data) => [data.length, values.sum(data)],
    fail: (how) => fail(how),
    fail_void: (how) => void fail(how),
    note: (token, number) => note(token, number),
    notes: (token) => notes.get(token) ?? [],
    slow: async (millis) => {
      await sleep(millis);
      return millis;
    },
    headers: () => headers(),
  };
  const echoes = "bool byte i16 i32 i64 double string binary color leaf choice everything tree list set map";
  for (const kind of echoes.split(" ")) handler[`echo_${kind}`] = (value) => value;
  return handler;
}

const second = {
  whoami: () => "second",
  greet: (name) => {
    if (name === "") throw new types.Missing({ key: "nobody" });
    return `hello ${name}`;
  },
  note: (token, number) => note(token, number),
};

/** As Thrift's own test servers do it. */
function thriftTest() {
  const map = (from, to) => Object.fromEntries(values.range(from, to).map((i) => [i, i]));
  const handler = {
    testVoid: () => {},
    testMapMap: (_) => ({ "-4": map(-4, 0), 4: map(1, 5) }),
    testInsanity: (argument) => ({ 1: { 2: argument, 3: argument }, 2: { 6: new test.Insanity() } }),
    testMulti: (arg0, arg1, arg2, _3, _4, _5) =>
      new test.Xtruct({ string_thing: "Hello2", byte_thing: arg0, i32_thing: arg1, i64_thing: arg2 }),
    testException: (arg) => {
      if (arg === "Xception") throw new test.Xception({ errorCode: 1001, message: arg });
      if (arg === "TException") throw new thrift.Thrift.TException("This is a TException");
    },
    testMultiException: (arg0, arg1) => {
      if (arg0 === "Xception") throw new test.Xception({ errorCode: 1001, message: "This is an Xception" });
      const struct = (text) => new test.Xtruct({ string_thing: text });
      if (arg0 === "Xception2") throw new test.Xception2({ errorCode: 2002, struct_thing: struct("This is an Xception2") });
      return struct(arg1);
    },
    testOneway: async (seconds) => {
      await sleep(seconds * 1000);
    },
  };
  const echoes = "String Bool Byte I32 I64 Double Binary Struct Nest Map StringMap Set List Enum Typedef";
  for (const kind of echoes.split(" ")) handler[`test${kind}`] = (thing) => thing;
  return handler;
}

/** The library's multiplexed processor, with a service for calls that name none. */
class Services extends thrift.MultiplexedProcessor {
  constructor(unnamed) {
    super();
    this.unnamed = unnamed;
  }

  process(input, output) {
    const begin = input.readMessageBegin();
    // What the library does to let a processor begin anew.
    const again = Object.create(input, { readMessageBegin: { value: () => begin, writable: true, enumerable: true } });
    if (begin.fname.includes(":")) super.process(again, output);
    else this.unnamed.process(again, output);
  }
}

/**
 * Handlers that answer by a callback, so that the answer is written while the request is at hand: the library forgets by
 * the next turn that it came with a header.
 */
function atOnce(handler) {
  const answer = (method, args) => {
    const result = args.pop();
    let value;
    try {
      value = handler[method](...args);
    } catch (error) {
      return result(error);
    }
    return result(null, value);
  };
  // It is by the number of parameters that a handler is taken for one with a callback.
  const wrap = (method) =>
    handler[method].length === 0 ? (result) => answer(method, [result]) : (...args) => answer(method, args);
  const oneWay = ["note", "testOneway"];
  const wrapped = Object.keys(handler).map((method) => [method, oneWay.includes(method) ? handler[method] : wrap(method)]);
  return Object.fromEntries(wrapped);
}

/** A handler as the library's promises need it: a failure is rejected, for what is thrown is not caught. */
function later(handler) {
  const wrap = (of) => (of.length === 0 ? async () => of() : Object.defineProperty(async (...args) => of(...args), "length", { value: of.length }));
  return Object.fromEntries(Object.entries(handler).map(([method, of]) => [method, wrap(of)]));
}

/** Remembers a request's headers, which the library lets pile up, and puts one on the answer. */
class Seen {
  #input = null;

  constructor(dialect) {
    this.dialect = dialect;
  }

  around(inner) {
    if (!this.dialect.startsWith("header-")) return inner;
    const process = (input, output) => {
      input.trans.clearReadHeaders();
      output.trans.setWriteHeader("x-answer", this.dialect);
      this.#input = input;
      inner.process(input, output);
    };
    return { process };
  }

  headers() {
    return this.#input ? { ...this.#input.trans.getReadHeaders() } : {};
  }
}

function listen(label, processor, dialect) {
  const server = thrift.createMultiplexServer(processor, options(dialect));
  server.on("error", (error) => console.error(`${label}: ${error.stack}`));
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      console.log(`ready ${label}=127.0.0.1:${server.address().port}`);
      resolve();
    });
  });
}

async function run() {
  process.on("SIGTERM", () => process.exit(0));
  for (const dialect of SERVER) {
    const seen = new Seen(dialect);
    const styled = dialect.startsWith("header-") ? atOnce : later;
    const own = new Echo.Processor(styled(echo(dialect, () => seen.headers())));
    const services = new Services(own);
    services.registerProcessor("Echo", own);
    services.registerProcessor(dialect, own);
    services.registerProcessor("Second", new Second.Processor(styled(second)));
    await listen(dialect, seen.around(services), dialect);
    await listen(`thrifttest/${dialect}`, new ThriftTest.Processor(styled(thriftTest())), dialect);
  }
  console.log("READY");
}

module.exports = { run };
