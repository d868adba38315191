// What an application may expect of a call, whatever is in between.
"use strict";

const { randomUUID } = require("node:crypto");
const { setTimeout: sleep } = require("node:timers/promises");
const { Thrift } = require("thrift");
const { connected } = require("./connection");
const types = require("./gen/wireloom_types");
const partners = require("./partners");
const values = require("./values");

const { TApplicationException } = Thrift;

/** The scenarios, which are given the checks, the target and the partner. */
const CASES = {
  types: (checks, target) => connected(target, (on) => plainTypes(checks, on.client("Echo"))),
  containers: (checks, target) =>
    connected(target, (on) => containers(checks, on.client("Echo"), target.dialect.endsWith("compact"))),
  "declared-exceptions": (checks, target) => connected(target, (on) => declared(checks, on.client("Echo"))),
  "application-exceptions": (checks, target, partner) =>
    connected(target, (on) => application(checks, on.client("EchoLater"), partner)),
  "one-way": (checks, target) => connected(target, (on) => oneWay(checks, on.client("Echo"))),
  multiplexed: (checks, target) =>
    connected(target, async (on) => {
      const unnamed = on.client("Echo");
      for (let i = 0; i < 20; i++) {
        await multiplexed(checks, on);
        checks.equal(await unnamed.echo_i32(i), i);
      }
    }),
  large: (checks, target) =>
    connected(target, async (on) => {
      const client = on.client("Echo");
      for (const size of [1 << 20, 16_000_000]) {
        const data = values.pattern(size);
        checks.true(data.equals(await client.bytes(size)), `${size} bytes came as they are`);
        checks.equal(await client.count(data), [size, values.sum(data)], "what the server counted");
      }
      checks.equal(await client.echo_string("small again"), "small again");
    }),
  deep: (checks, target) =>
    connected(target, async (on) => {
      checks.equal(await on.client("Echo").echo_tree(values.tree(50)), values.tree(50));
    }),
  sequence: (checks, target) =>
    connected(target, async (on) => {
      const client = on.client("Echo");
      const token = randomUUID();
      for (let i = 0; i < 500; i++) {
        const text = `call ${i} ${"y".repeat(i)}`;
        if (i % 50 === 49) await client.note(token, i);
        else if (i % 7 === 3) await checks.raises(types.Missing, () => client.fail("missing"));
        else checks.equal(await client.echo_string(text), text);
      }
      await noted(checks, client, token, values.range(0, 10).map((i) => 50 * i + 49));
    }),
  concurrent: (checks, target) =>
    Promise.all(
      values.range(0, 8).map((number) =>
        connected(target, async (on) => {
          const client = on.client("Echo");
          for (let i = 0; i < 50; i++) checks.equal(await client.echo_i32(number * 1000 + i), number * 1000 + i);
        }),
      ),
    ),
  slow: (checks, target) =>
    connected(target, async (on) => {
      const client = on.client("Echo");
      const start = Date.now();
      checks.equal(await client.slow(1200), 1200);
      checks.true(Date.now() - start > 1100, "it took its time");
      checks.equal(await client.echo_i32(1), 1);
    }),
  // As this library's clients do it as soon as nobody waits between calls.
  pipelined: (checks, target) =>
    connected(target, async (on) => {
      const client = on.client("Echo");
      const asked = values.range(0, 100).map((i) => `${i} ${"z".repeat((i * 37) % 500)}`);
      const answers = asked.map((text) => client.echo_string(text));
      checks.equal(await Promise.all(answers), asked, "the answers");
      const second = on.client("Second", "Second");
      const mixed = values.range(0, 40).map((i) => (i % 2 ? client.echo_string(`hello ${i}`) : second.greet(`${i}`)));
      checks.equal(await Promise.all(mixed), values.range(0, 40).map((i) => `hello ${i}`), "both services' answers");
      const failed = values.range(0, 20).map((i) => (i % 2 ? client.echo_i32(i) : client.fail("missing").catch((e) => e.key)));
      checks.equal(await Promise.all(failed), values.range(0, 20).map((i) => (i % 2 ? i : "k")), "answers and exceptions");
    }),
};

function* scenarios(partner, targets) {
  for (const target of targets) {
    for (const [name, body] of Object.entries(CASES)) {
      yield [`${target.dialect}/${name}`, (checks) => body(checks, target, partner)];
    }
  }
}

async function plainTypes(checks, client) {
  await client.nothing();
  for (const value of [true, false]) checks.equal(await client.echo_bool(value), value);
  for (const value of values.integers(8)) checks.equal(await client.echo_byte(value), value);
  for (const value of values.integers(16)) checks.equal(await client.echo_i16(value), value);
  for (const value of values.integers(32)) checks.equal(await client.echo_i32(value), value);
  for (const value of values.LONGS) checks.equal(await client.echo_i64(values.long(value)), values.long(value));
  for (const value of values.DOUBLES) checks.equal(await client.echo_double(value), value);
  for (const value of values.STRINGS) checks.equal(await client.echo_string(value), value);
  for (const value of values.BINARIES) checks.equal(await client.echo_binary(value), value);
  for (const value of Object.values(types.Color)) checks.equal(await client.echo_color(value), value);
  const leaf = new types.Leaf({ name: "leaf", number: -7 });
  checks.equal(await client.echo_leaf(leaf), leaf);
  for (const choice of [{ number: -1 }, { text: "t" }, { leaf }]) {
    checks.equal(await client.echo_choice(new types.Choice(choice)), new types.Choice(choice));
  }
  checks.equal(await client.join("third", "first", 2), "first 2 third");
}

async function containers(checks, client, isCompact) {
  const everything = () => values.everything(isCompact);
  const came = await client.echo_everything(everything());
  // A server may have its own order.
  came.names.sort();
  came.longs.sort((a, b) => [0n, -1n, 2n ** 62n].indexOf(values.plain(a)) - [0n, -1n, 2n ** 62n].indexOf(values.plain(b)));
  checks.equal(came, everything());
  for (const count of [0, 1, 14, 15, 1000]) {
    const longs = values.range(0, count).map((i) => values.long((i % 2 ? -1n : 1n) * (BigInt(i) << 40n)));
    checks.equal(await client.echo_list(longs), longs);
    const names = values.range(0, count).map((i) => `name ${i}`);
    checks.equal((await client.echo_set(names)).sort(), [...names].sort());
    const lists = Object.fromEntries(names.map((name, i) => [name, values.range(0, i % 20)]));
    checks.equal(await client.echo_map(lists), lists);
  }
}

async function declared(checks, client) {
  checks.equal(await client.fail("nothing"), "fine");
  for (const method of ["fail", "fail_void"]) {
    const error = await checks.raises(types.Refused, () => client[method]("refused"));
    checks.equal([error.code, error.reason, error.details], [7, "not today", ["a", "b"]], "Refused");
  }
  checks.equal((await checks.raises(types.Missing, () => client.fail("missing"))).key, "k");
  await client.fail_void("nothing");
}

async function application(checks, client, partner) {
  for (const method of ["fail", "fail_void"]) {
    const error = await checks.raises(TApplicationException, () => client[method]("application"));
    checks.equal(error.type, partners.applicationType(partner), "the exception's type");
    checks.true(error.message.includes("not in the contract"), `the message ${error.message} is the handler's`);
    checks.equal(await client.echo_i32(1), 1, "the next answer");
  }
  const error = await checks.raises(TApplicationException, () => client.later("x"));
  checks.equal(error.type, partners.unknownMethodType(partner), "the type for an unknown method");
  checks.equal(await client.echo_i32(2), 2, "the next answer");
}

async function oneWay(checks, client) {
  const token = randomUUID();
  for (let number = 0; number < 5; number++) {
    await client.note(token, number);
    checks.equal(await client.echo_i32(number), number, "the call behind it");
  }
  await noted(checks, client, token, values.range(0, 5));
}

/** One-way calls have taken effect, if not at once. Over several connections they may overtake each other. */
async function noted(checks, client, token, expected) {
  let came;
  for (let i = 0; i < 100; i++) {
    came = (await client.notes(token)).sort((a, b) => a - b);
    if (came.length >= expected.length) break;
    await sleep(100);
  }
  checks.equal(came, expected, "what was noted");
}

async function multiplexed(checks, on) {
  const [echo, second] = [on.client("Echo", "Echo"), on.client("Second", "Second")];
  const token = randomUUID();
  checks.equal(await second.whoami(), "second");
  checks.equal(await second.greet("you"), "hello you");
  checks.equal((await checks.raises(types.Missing, () => second.greet(""))).key, "nobody");
  await second.note(token, 1);
  await echo.note(token, 2);
  checks.equal(await echo.echo_string("x"), "x");
  await noted(checks, echo, token, [1, 2]);
}

module.exports = { scenarios, plainTypes, containers, declared, application, oneWay, noted, multiplexed };
