// All dialects on one port of the proxy, which tells them apart and routes by service.
"use strict";

const { Thrift } = require("thrift");
const calls = require("./calls");
const { Connection, connected } = require("./connection");
const partners = require("./partners");

function* scenarios(partner, targets) {
  for (const target of targets) {
    const { dialect } = target;
    yield [`${dialect}/routed`, (checks) => connected(target, (on) => routed(checks, on.client("Echo", dialect), partner, dialect))];
  }
  yield ["all/interleaved", (checks) => interleaved(checks, partner, targets)];
}

async function routed(checks, client, partner, dialect) {
  for (let i = 0; i < 10; i++) checks.equal(await client.whoami(), `${partner} ${dialect}`, "who answered");
  await calls.containers(checks, client, dialect.endsWith("compact"));
  await calls.declared(checks, client);
  const error = await checks.raises(Thrift.TApplicationException, () => client.fail("application"));
  checks.equal(error.type, partners.applicationType(partner), "the exception's type");
  await calls.oneWay(checks, client);
}

async function interleaved(checks, partner, targets) {
  const connections = targets.map((target) => [target.dialect, new Connection(target)]);
  try {
    for (let turn = 0; turn < 30; turn++) {
      await Promise.all(
        connections.map(async ([dialect, connection]) => {
          const client = connection.client("Echo", dialect);
          checks.equal(await client.whoami(), `${partner} ${dialect}`, "who answered");
          checks.equal(await client.echo_i32(turn), turn);
        }),
      );
    }
  } finally {
    for (const [, connection] of connections) connection.close();
  }
}

module.exports = { scenarios };
