// Each of our dialects into each of the server's. A target's dialect is the one that the server hears.
"use strict";

const { randomUUID } = require("node:crypto");
const calls = require("./calls");
const { connected } = require("./connection");
const { CLIENT } = require("./dialects");
const values = require("./values");

function* scenarios(partner, targets) {
  for (const dialect of CLIENT) {
    for (const target of targets) {
      const heard = target.dialect;
      const use = (checks) => (on) => translated(checks, on, partner, dialect, heard);
      yield [`${dialect}>${heard}`, (checks) => connected({ ...target, dialect }, use(checks))];
    }
  }
}

async function translated(checks, on, partner, dialect, heard) {
  const client = on.client("EchoLater");
  checks.equal(await client.whoami(), `${partner} ${heard}`, "who answered");
  await calls.plainTypes(checks, client);
  await calls.containers(checks, client, dialect.endsWith("compact") || heard.endsWith("compact"));
  await calls.declared(checks, client);
  await calls.application(checks, client, partner);
  await calls.oneWay(checks, client);
  await calls.multiplexed(checks, on);
  checks.equal(await on.client("Echo", heard).whoami(), `${partner} ${heard}`, "who answered");
  const token = randomUUID();
  for (let number = 0; number < 10; number++) {
    await client.note(token, number);
    checks.equal(await client.echo_i32(number), number);
  }
  await calls.noted(checks, client, token, values.range(0, 10));
}

module.exports = { scenarios };
