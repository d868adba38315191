"""Thrift's own ThriftTest service, with what its own test clients ask."""

import time

import partners

METHODS = ["testVoid", "testString", "testBool", "testByte", "testI32", "testI64", "testDouble", "testBinary"]
METHODS += ["testStruct", "testNest", "testMap", "testStringMap", "testSet", "testList", "testEnum", "testTypedef"]
METHODS += ["testMapMap", "testInsanity", "testMulti", "testException", "testMultiException", "testOneway"]

LANGUAGES = "Afrikaans, Aragonés, العربية, Башҡорт, Ελληνικά, עברית, 日本語, ქართული, 한국어, 中文, 🦀"


def scenarios(library, partner, targets):
    for dialect, address in targets.items():
        for method in METHODS:
            if partners.can(library, partner, dialect, method):
                it = (method, dialect, address)
                yield f"{dialect}/{method}", lambda checks, it=it: run(checks, library, partner, *it)


def run(checks, library, partner, method, dialect, address):
    with library.connect(dialect, address) as connection:
        globals()[method](checks, connection.client("ThriftTest"), library, partner)


def testVoid(checks, client, library, partner):
    checks.equal(client.testVoid(), None)


def echo(checks, method, things):
    for thing in things:
        checks.equal(method(thing), thing)


def testString(checks, client, library, partner):
    echo(checks, client.testString, ["Python" * 20, "", "\b\t\n/\\\\\r{}:パイソン\"", LANGUAGES, LANGUAGES * 100])


def testBool(checks, client, library, partner):
    echo(checks, client.testBool, [True, False])


def testByte(checks, client, library, partner):
    echo(checks, client.testByte, [0, 63, -127, 127, -128])


def testI32(checks, client, library, partner):
    echo(checks, client.testI32, [-1, 0, 1, 2**31 - 1, -(2**31)])


def testI64(checks, client, library, partner):
    echo(checks, client.testI64, [1, -34359738368, 34359738368, 2**63 - 1, -(2**63)])


def testDouble(checks, client, library, partner):
    echo(checks, client.testDouble, [-5.235098235, 0.0, -1.0, -0.000341012439638598279, 2.0**53])


def testBinary(checks, client, library, partner):
    echo(checks, client.testBinary, [b"", bytes(range(256)), bytes(range(256)) * 100])


def xtruct(types):
    return types.Xtruct(string_thing="Zero", byte_thing=1, i32_thing=-3, i64_thing=-5)


def testStruct(checks, client, library, partner):
    echo(checks, client.testStruct, [xtruct(library.types.test)])


def testNest(checks, client, library, partner):
    types = library.types.test
    echo(checks, client.testNest, [types.Xtruct2(byte_thing=1, struct_thing=xtruct(types), i32_thing=5)])


def testMap(checks, client, library, partner):
    echo(checks, client.testMap, [{0: 1, 1: 2, 2: 3, 3: 4, -1: -2}, {}, {i: i - 10 for i in range(1000)}])


def testStringMap(checks, client, library, partner):
    echo(checks, client.testStringMap, [{"a": "2", "b": "blah", "some": "thing", "": LANGUAGES}])


def testSet(checks, client, library, partner):
    for thing in {8, 1, 42}, set(), set(range(-100, 100)):
        checks.equal(set(client.testSet(thing)), thing)


def testList(checks, client, library, partner):
    echo(checks, client.testList, [[1, 4, 9, -42], [], list(range(-1000, 1000))])


def testEnum(checks, client, library, partner):
    of = library.types.test.Numberz
    echo(checks, client.testEnum, [of.ONE, of.TWO, of.THREE, of.FIVE, of.EIGHT])


def testTypedef(checks, client, library, partner):
    echo(checks, client.testTypedef, [0xFFFFFFFFFFFFFF, 309858235082523])


def testMapMap(checks, client, library, partner):
    expected = {-4: {i: i for i in range(-4, 0)}, 4: {i: i for i in range(1, 5)}}
    checks.equal(client.testMapMap(42), expected)


def testInsanity(checks, client, library, partner):
    types = library.types.test
    hello = types.Xtruct(string_thing="Hello2", byte_thing=74, i32_thing=0xFF00FF, i64_thing=-34359738368)
    insanity = types.Insanity(userMap={types.Numberz.FIVE: 5, types.Numberz.EIGHT: 8}, xtructs=[hello, xtruct(types)])
    came = client.testInsanity(insanity)
    checks.equal(sorted(came), [1, 2], "the users")
    checks.equal(sorted(came[1]), [2, 3], "the numbers of the first")
    for number in 2, 3:
        checks.equal(dict(came[1][number].userMap), dict(insanity.userMap), "the user map")
        checks.equal(list(came[1][number].xtructs), list(insanity.xtructs), "the structs")
    checks.equal(list(came[2]), [6], "the numbers of the second")
    empty = came[2][6]
    checks.true(not empty.userMap and not empty.xtructs, "the second's struct is empty")


def testMulti(checks, client, library, partner):
    types = library.types.test
    came = client.testMulti(74, 0xFF00FF, 0xFFFFFFFFD0D0, {0: "abc"}, types.Numberz.FIVE, 0xF0F0F0)
    expected = types.Xtruct(string_thing="Hello2", byte_thing=74, i32_thing=0xFF00FF, i64_thing=0xFFFFFFFFD0D0)
    checks.equal(came, expected)


def testException(checks, client, library, partner):
    types = library.types.test
    checks.equal(client.testException("Safe"), None)
    error = checks.raises(types.Xception, client.testException, "Xception")
    checks.equal((error.errorCode, error.message), (1001, "Xception"))
    if partners.can(library, partner, "", "TException"):
        checks.raises(library.ApplicationException, client.testException, "TException")
    checks.equal(client.testException("success"), None)


def testMultiException(checks, client, library, partner):
    types = library.types.test
    error = checks.raises(types.Xception, client.testMultiException, "Xception", "ignore")
    checks.equal((error.errorCode, error.message), (1001, "This is an Xception"))
    error = checks.raises(types.Xception2, client.testMultiException, "Xception2", "ignore")
    checks.equal((error.errorCode, error.struct_thing.string_thing), (2002, "This is an Xception2"))
    checks.equal(client.testMultiException("success", "foobar").string_thing, "foobar")


def testOneway(checks, client, library, partner):
    start = time.monotonic()
    checks.equal(client.testOneway(1), None)
    checks.true(time.monotonic() - start < 20, "nobody waited for the answer")
    # A server that has one thread for a connection takes a second to get here.
    checks.equal(client.testI32(-1), -1, "the call behind it")
