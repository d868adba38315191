// Thrift's own ThriftTest service, with what its own test clients ask.
"use strict";

const { Thrift } = require("thrift");
const { connected } = require("./connection");
const types = require("./gen/ThriftTest_types");
const values = require("./values");

const LANGUAGES = "Afrikaans, Aragonés, العربية, Башҡорт, Ελληνικά, עברית, 日本語, ქართული, 한국어, 中文, 🦀";
const { long, range } = values;
const xtruct = () => new types.Xtruct({ string_thing: "Zero", byte_thing: 1, i32_thing: -3, i64_thing: long(-5) });

/** What comes back as it is. */
const ECHOES = {
  testString: ["Python".repeat(20), "", '\b\t\n/\\\\\r{}:パイソン"', LANGUAGES, LANGUAGES.repeat(100)],
  testBool: [true, false],
  testByte: [0, 63, -127, 127, -128],
  testI32: [-1, 0, 1, 2 ** 31 - 1, -(2 ** 31)],
  testI64: [1n, -34359738368n, 34359738368n, 2n ** 63n - 1n, -(2n ** 63n)].map(long),
  testDouble: [-5.235098235, 0, -1, -0.000341012439638598279, 2 ** 53],
  testBinary: [Buffer.alloc(0), values.pattern(256), values.pattern(25000)],
  testStruct: [xtruct()],
  testNest: [new types.Xtruct2({ byte_thing: 1, struct_thing: xtruct(), i32_thing: 5 })],
  testMap: [{ 0: 1, 1: 2, 2: 3, 3: 4, "-1": -2 }, {}, Object.fromEntries(range(0, 1000).map((i) => [i, i - 10]))],
  testStringMap: [{ a: "2", b: "blah", some: "thing", "": LANGUAGES }],
  testList: [[1, 4, 9, -42], [], range(-1000, 1000)],
  testEnum: [types.Numberz.ONE, types.Numberz.TWO, types.Numberz.THREE, types.Numberz.FIVE, types.Numberz.EIGHT],
  testTypedef: [long(0xffffffffffffffn), long(309858235082523n)],
};

const OTHERS = {
  async testVoid(checks, client) {
    await client.testVoid();
    checks.true(true, "it returned");
  },
  async testSet(checks, client) {
    const sorted = (list) => [...list].sort((a, b) => a - b);
    for (const thing of [[8, 1, 42], [], range(-100, 100)]) checks.equal(sorted(await client.testSet(thing)), sorted(thing));
  },
  async testMapMap(checks, client) {
    const map = (from, to) => Object.fromEntries(range(from, to).map((i) => [i, i]));
    checks.equal(await client.testMapMap(42), { "-4": map(-4, 0), 4: map(1, 5) });
  },
  async testInsanity(checks, client) {
    const insanity = new types.Insanity({ userMap: { 5: long(5), 8: long(8) }, xtructs: [xtruct(), xtruct()] });
    const came = await client.testInsanity(insanity);
    checks.equal(Object.keys(came), ["1", "2"], "the users");
    checks.equal(came[1], { 2: insanity, 3: insanity }, "those of the first");
    checks.equal(Object.keys(came[2]), ["6"], "the numbers of the second");
    const { userMap, xtructs } = came[2][6];
    checks.true(Object.keys(userMap ?? {}).length === 0 && (xtructs ?? []).length === 0, "the second's struct is empty");
  },
  async testMulti(checks, client) {
    const [i32, i64] = [0xff00ff, long(0xffffffffd0d0n)];
    const came = await client.testMulti(74, i32, i64, { 0: "abc" }, types.Numberz.FIVE, long(0xf0f0f0n));
    checks.equal(came, new types.Xtruct({ string_thing: "Hello2", byte_thing: 74, i32_thing: i32, i64_thing: i64 }));
  },
  async testException(checks, client) {
    await client.testException("Safe");
    const error = await checks.raises(types.Xception, () => client.testException("Xception"));
    checks.equal([error.errorCode, error.message], [1001, "Xception"]);
    await checks.raises(Thrift.TApplicationException, () => client.testException("TException"));
    await client.testException("success");
  },
  async testMultiException(checks, client) {
    const error = await checks.raises(types.Xception, () => client.testMultiException("Xception", "ignore"));
    checks.equal([error.errorCode, error.message], [1001, "This is an Xception"]);
    const other = await checks.raises(types.Xception2, () => client.testMultiException("Xception2", "ignore"));
    checks.equal([other.errorCode, other.struct_thing.string_thing], [2002, "This is an Xception2"]);
    checks.equal((await client.testMultiException("success", "foobar")).string_thing, "foobar");
  },
  async testOneway(checks, client) {
    const start = Date.now();
    await client.testOneway(1);
    checks.true(Date.now() - start < 20_000, "nobody waited for the answer");
    checks.equal(await client.testI32(-1), -1, "the call behind it");
  },
};

function* scenarios(_, targets) {
  for (const target of targets) {
    for (const [method, things] of Object.entries(ECHOES)) {
      const body = (checks) => async (on) => {
        for (const thing of things) checks.equal(await on.client("ThriftTest")[method](thing), thing);
      };
      yield [`${target.dialect}/${method}`, (checks) => connected(target, body(checks))];
    }
    for (const [method, body] of Object.entries(OTHERS)) {
      yield [`${target.dialect}/${method}`, (checks) => connected(target, (on) => body(checks, on.client("ThriftTest")))];
    }
  }
}

module.exports = { scenarios };
