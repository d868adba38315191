package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"wireloom.org/peer/go-thrift/gen/thrifttest"
)

// tests are those of Apache Thrift's own cross tests, by method.
func tests(c *client) []scenario {
	var all []scenario
	for _, w := range c.worlds() {
		for _, t := range testCalls {
			all = append(all, w.probed(t.name, t.body, testVoid))
		}
	}
	return all
}

// same makes a case of a method that answers with its argument.
func same[T any](method func(*thrifttest.ThriftTestClient, context.Context, T) (T, error), values ...T) call {
	return func(c *connection) error {
		return echoes(func(ctx context.Context, value T) (T, error) { return method(c.test(), ctx, value) }, values...)
	}
}

var testCalls = []struct {
	name string
	body call
}{
	{"testVoid", testVoid},
	{"testString", same((*thrifttest.ThriftTestClient).TestString, "Test", "", "\"Türkçe, 日本語\" \\\t\r\n")},
	{"testBool", same((*thrifttest.ThriftTestClient).TestBool, true, false)},
	{"testByte", same((*thrifttest.ThriftTestClient).TestByte, 1, 63, -1, -128)},
	{"testI32", same((*thrifttest.ThriftTestClient).TestI32, -1, 0x7fff, math.MaxInt32, math.MinInt32)},
	{"testI64", same((*thrifttest.ThriftTestClient).TestI64, -34359738368, 1, math.MaxInt64, math.MinInt64)},
	{"testDouble", same((*thrifttest.ThriftTestClient).TestDouble, -5.235098235, 0, -1, -0.000341012439638598279)},
	{"testBinary", same((*thrifttest.ThriftTestClient).TestBinary, pattern(256), []byte{})},
	{"testStruct", same((*thrifttest.ThriftTestClient).TestStruct, zero(), &thrifttest.Xtruct{})},
	{"testNest", same((*thrifttest.ThriftTestClient).TestNest,
		&thrifttest.Xtruct2{ByteThing: 1, StructThing: zero(), I32Thing: 5})},
	{"testMap", same((*thrifttest.ThriftTestClient).TestMap, map[int32]int32{}, map[int32]int32{0: -10, 1: -9, 2: -8})},
	{"testStringMap", same((*thrifttest.ThriftTestClient).TestStringMap,
		map[string]string{"": "", "a": "2", "b": "blah", "some": "thing"})},
	{"testSet", testSet},
	{"testList", same((*thrifttest.ThriftTestClient).TestList, []int32{}, []int32{-2, -1, 0, 1, 2})},
	{"testEnum", same((*thrifttest.ThriftTestClient).TestEnum, thrifttest.Numberz_ONE, thrifttest.Numberz_FIVE,
		thrifttest.Numberz_EIGHT)},
	{"testTypedef", same((*thrifttest.ThriftTestClient).TestTypedef, 309858235082523)},
	{"testMapMap", testMapMap},
	{"testInsanity", testInsanity},
	{"testMulti", testMulti},
	{"testException", testException},
	{"testMultiException", testMultiException},
	{"testOneway", testOneway},
	{"multiplexed-test", multiplexedTest},
}

func zero() *thrifttest.Xtruct {
	return &thrifttest.Xtruct{StringThing: "Zero", ByteThing: 1, I32Thing: -3, I64Thing: -5}
}

func testVoid(c *connection) error { return c.test().TestVoid(background) }

func testSet(c *connection) error {
	set, err := c.test().TestSet(background, []int32{-2, -1, 0, 1, 2})
	slices.Sort(set)
	return equal([]int32{-2, -1, 0, 1, 2}, set, err)
}

func testMapMap(c *connection) error {
	maps, err := c.test().TestMapMap(background, 1)
	return equal(mapMap(), maps, err)
}

func testInsanity(c *connection) error {
	argument := &thrifttest.Insanity{
		UserMap: map[thrifttest.Numberz]thrifttest.UserId{thrifttest.Numberz_FIVE: 5, thrifttest.Numberz_EIGHT: 8},
		Xtructs: []*thrifttest.Xtruct{{StringThing: "Goodbye4", ByteThing: 4, I32Thing: 4, I64Thing: 4}, zero()},
	}
	actual, err := c.test().TestInsanity(background, argument)
	if err != nil {
		return err
	}
	six := actual[2][thrifttest.Numberz_SIX]
	if six == nil || len(six.UserMap)+len(six.Xtructs) != 0 {
		return fmt.Errorf("the empty one is %v", six)
	}
	// Whether what is empty is missing differs among libraries.
	actual[2][thrifttest.Numberz_SIX] = &thrifttest.Insanity{}
	return equal(insanity(argument), actual, nil)
}

func testMulti(c *connection) error {
	multi, err := c.test().TestMulti(background, 74, 0xff00ff, 0xffffffffd0d0, map[int16]string{0: "abc", 1: "d", -2: ""},
		thrifttest.Numberz_FIVE, 0xf0f0f0)
	expected := &thrifttest.Xtruct{StringThing: "Hello2", ByteThing: 74, I32Thing: 0xff00ff, I64Thing: 0xffffffffd0d0}
	return equal(expected, multi, err)
}

func testException(c *connection) error {
	t := c.test()
	return first(
		func() error { return t.TestException(background, "success") },
		func() error {
			return fails(t.TestException(background, "Xception"), &thrifttest.Xception{ErrorCode: 1001, Message: "Xception"})
		},
		func() error {
			return applicationException(t.TestException(background, "TException"), "",
				thrift.UNKNOWN_APPLICATION_EXCEPTION, thrift.INTERNAL_ERROR)
		},
	)
}

func testMultiException(c *connection) error {
	t := c.test()
	_, one := t.TestMultiException(background, "Xception", "x")
	_, two := t.TestMultiException(background, "Xception2", "x")
	none, err := t.TestMultiException(background, "success", "text")
	return first(
		func() error { return fails(one, &thrifttest.Xception{ErrorCode: 1001, Message: "This is an Xception"}) },
		func() error {
			var actual, ok = two.(*thrifttest.Xception2)
			if !ok || actual.ErrorCode != 2002 || actual.StructThing.GetStringThing() != "This is an Xception2" {
				return fmt.Errorf("the second exception is %T %v", two, two)
			}
			return nil
		},
		func() error { return equal("text", none.GetStringThing(), err) },
	)
}

// testOneway does not wait for the seconds that the server sleeps.
func testOneway(c *connection) error {
	started := time.Now()
	if err := c.test().TestOneway(background, 3); err != nil {
		return err
	}
	if took := time.Since(started); took > 2500*time.Millisecond {
		return fmt.Errorf("it took %s", took)
	}
	return nil
}

func multiplexedTest(c *connection) error {
	test := thrifttest.NewThriftTestClient(c.client("ThriftTest"))
	text, err := thrifttest.NewSecondServiceClient(c.client("SecondService")).SecondtestString(background, "foo")
	return first(
		func() error { return equal(`testString("foo")`, text, err) },
		func() error { return echoes(test.TestString, "foo") },
	)
}
