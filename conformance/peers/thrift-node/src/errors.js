// Failures that the proxy makes, as the application sees them. The service picks one.
"use strict";

const { Thrift } = require("thrift");
const { connected } = require("./connection");

const CASES = {
  "no-route": ["nowhere", 1, "no route"],
  "no-endpoint": ["no-endpoint", 6, "no endpoint"],
  refused: ["refused", 6, "connect failure"],
  overloaded: ["overloaded", 6, "overloaded"],
  reset: ["reset", 6, "reset"],
  timeout: ["timeout", 6, "timed out"],
};

function* scenarios(_, targets) {
  for (const target of targets) {
    for (const [name, failure] of Object.entries(CASES)) {
      yield [`${target.dialect}/${name}`, (checks) => connected(target, (on) => fails(checks, on, target.dialect, failure))];
    }
    yield [
      `${target.dialect}/beside-each-other`,
      (checks) =>
        connected(target, async (on) => {
          // Pipelined: what is slow is first, and answers keep their order.
          const all = [CASES.timeout, ...Object.values(CASES)];
          await Promise.all(all.map((failure) => fails(checks, on, target.dialect, failure)));
        }),
    ];
    yield [`${target.dialect}/too-large`, (checks) => tooLarge(checks, target)];
  }
}

async function fails(checks, on, dialect, [service, type, text]) {
  const error = await checks.raises(Thrift.TApplicationException, () => on.client("Echo", service).echo_string("hello"));
  checks.equal(error.type, type, "the exception's type");
  checks.true(error.message.includes(text), `${error.message} says ${text}`);
  checks.equal(await on.client("Echo", dialect).echo_i32(5), 5, "the next answer");
}

async function tooLarge(checks, target) {
  await connected(target, async (on) => {
    const client = on.client("Echo", target.dialect);
    const error = await checks.raises(Thrift.TApplicationException, () => client.count(Buffer.alloc(9 << 20)));
    checks.equal(error.type, 7, "the exception's type");
    checks.true(error.message.includes("limit"), `${error.message} says that there is a limit`);
    if (!target.dialect.startsWith("buffered-")) checks.equal(await client.echo_i32(5), 5, "the next answer");
  });
  // And it is not the proxy's end.
  await connected(target, async (on) => checks.equal(await on.client("Echo", target.dialect).echo_i32(6), 6));
}

module.exports = { scenarios };
