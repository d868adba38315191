// Values at the limits of their types, and how they are compared.
"use strict";

const { isDeepStrictEqual } = require("node:util");
const thrift = require("thrift");
const types = require("./gen/wireloom_types");

const STRINGS = ["", "a", "Grüße, 世界 🦀", "with\0nul", "x".repeat(127), "x".repeat(128), "x".repeat(16384), "é".repeat(40000)];
const BINARIES = [
  Buffer.from([]),
  Buffer.from([0]),
  Buffer.from([0x80, 1, 0, 2]),
  Buffer.from([0x82, 0x21, 1]),
  pattern(256),
  Buffer.alloc(70000, 0xff),
];
// Without -0, which the library writes as 0.
const DOUBLES = [0, 1.5, -1e300, 5e-324, Number.MAX_VALUE, Infinity, -Infinity, NaN];
const LONGS = [0n, 1n, -1n, 63n, -65n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];

function integers(bits) {
  const top = 2 ** (bits - 1);
  return [0, 1, -1, 63, 64, -64, -65, top - 1, -top, top / 2, -top / 2];
}

/** An i64 of the library's. */
function long(value) {
  return thrift.fromBigInt(BigInt(value));
}

/** Byte i is i modulo 251. */
function pattern(count) {
  const bytes = Buffer.allocUnsafe(count);
  for (let i = 0; i < count; i++) bytes[i] = i % 251;
  return bytes;
}

function sum(bytes) {
  let sum = 0;
  for (const byte of bytes) sum = (sum + byte) % 2 ** 31;
  return sum;
}

function range(from, to) {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** The library reads every element of a compact list of bools as false, so that there is none where that is spoken. */
function everything(isCompact) {
  const leaf = (name, number) => new types.Leaf({ name, number });
  return new types.Everything({
    yes: true,
    no: false,
    small: -128,
    short_number: -32768,
    number: 2147483647,
    long_number: long(-(2n ** 63n)),
    ratio: 0.1,
    text: "Grüße, 世界 🦀",
    data: pattern(256),
    color: types.Color.BLUE,
    leaf: leaf("leaf", -1),
    numbers: range(-20, 20),
    bools: isCompact ? [] : range(0, 20).map((i) => i % 3 === 0),
    words: ["", "one", "zwei", "三"],
    leaves: range(0, 16).map((i) => leaf(`leaf ${i}`, i)),
    lists: [[], [1], range(0, 100)],
    empty_list: [],
    names: ["a", "b", "ü"],
    longs: [0n, -1n, 2n ** 62n].map(long),
    counts: { "": 0, one: 1, minus: -1 },
    by_number: { "-1": leaf("minus one", -1), 7: leaf("", 0) },
    by_name: { none: [], two: [leaf("x", 1), leaf("y", 2)] },
    maps: { 1: {}, 2: { k: "v", "": "" } },
    empty_map: {},
    ratios: range(0, 15).map((i) => i / 7),
    late: 300,
    last: "the end",
  });
}

function tree(depth) {
  let node = new types.Tree({ depth });
  for (let at = depth - 1; at > 0; at--) node = new types.Tree({ depth: at, child: node });
  return node;
}

/** Values as they compare: the library's i64 by their numbers, its objects by their fields; sets are sorted where it matters. */
function plain(value) {
  if (Buffer.isBuffer(value)) return `bytes ${value.toString("hex")}`;
  if (value instanceof thrift.Int64) return thrift.toBigInt(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, plain(of)]));
  }
  return value;
}

function equal(a, b) {
  return isDeepStrictEqual(plain(a), plain(b));
}

module.exports = { STRINGS, BINARIES, DOUBLES, LONGS, integers, long, pattern, sum, range, everything, tree, plain, equal };
