package main

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"wireloom.org/peer/go-thrift/gen/thrifttest"
)

// testHandler serves ThriftTest as its IDL says.
type testHandler struct{}

func (testHandler) TestVoid(context.Context) error { return nil }

func (testHandler) TestString(_ context.Context, thing string) (string, error) { return thing, nil }

func (testHandler) TestBool(_ context.Context, thing bool) (bool, error) { return thing, nil }

func (testHandler) TestByte(_ context.Context, thing int8) (int8, error) { return thing, nil }

func (testHandler) TestI32(_ context.Context, thing int32) (int32, error) { return thing, nil }

func (testHandler) TestI64(_ context.Context, thing int64) (int64, error) { return thing, nil }

func (testHandler) TestDouble(_ context.Context, thing float64) (float64, error) { return thing, nil }

func (testHandler) TestBinary(_ context.Context, thing []byte) ([]byte, error) { return thing, nil }

func (testHandler) TestStruct(_ context.Context, thing *thrifttest.Xtruct) (*thrifttest.Xtruct, error) {
	return thing, nil
}

func (testHandler) TestNest(_ context.Context, thing *thrifttest.Xtruct2) (*thrifttest.Xtruct2, error) {
	return thing, nil
}

func (testHandler) TestMap(_ context.Context, thing map[int32]int32) (map[int32]int32, error) {
	return thing, nil
}

func (testHandler) TestStringMap(_ context.Context, thing map[string]string) (map[string]string, error) {
	return thing, nil
}

func (testHandler) TestSet(_ context.Context, thing []int32) ([]int32, error) { return thing, nil }

func (testHandler) TestList(_ context.Context, thing []int32) ([]int32, error) { return thing, nil }

func (testHandler) TestEnum(_ context.Context, thing thrifttest.Numberz) (thrifttest.Numberz, error) {
	return thing, nil
}

func (testHandler) TestTypedef(_ context.Context, thing thrifttest.UserId) (thrifttest.UserId, error) {
	return thing, nil
}

func (testHandler) TestMapMap(context.Context, int32) (map[int32]map[int32]int32, error) {
	return mapMap(), nil
}

func mapMap() map[int32]map[int32]int32 {
	return map[int32]map[int32]int32{
		-4: {-4: -4, -3: -3, -2: -2, -1: -1},
		4:  {4: 4, 3: 3, 2: 2, 1: 1},
	}
}

func (testHandler) TestInsanity(_ context.Context, argument *thrifttest.Insanity) (map[thrifttest.UserId]map[thrifttest.Numberz]*thrifttest.Insanity, error) {
	return insanity(argument), nil
}

func insanity(argument *thrifttest.Insanity) map[thrifttest.UserId]map[thrifttest.Numberz]*thrifttest.Insanity {
	return map[thrifttest.UserId]map[thrifttest.Numberz]*thrifttest.Insanity{
		1: {thrifttest.Numberz_TWO: argument, thrifttest.Numberz_THREE: argument},
		2: {thrifttest.Numberz_SIX: {}},
	}
}

func (testHandler) TestMulti(_ context.Context, arg0 int8, arg1 int32, arg2 int64, _ map[int16]string, _ thrifttest.Numberz, _ thrifttest.UserId) (*thrifttest.Xtruct, error) {
	return &thrifttest.Xtruct{StringThing: "Hello2", ByteThing: arg0, I32Thing: arg1, I64Thing: arg2}, nil
}

func (testHandler) TestException(_ context.Context, arg string) error {
	switch arg {
	case "Xception":
		return &thrifttest.Xception{ErrorCode: 1001, Message: arg}
	case "TException":
		return thrift.NewTProtocolException(fmt.Errorf("this is a TException"))
	}
	return nil
}

func (testHandler) TestMultiException(_ context.Context, arg0 string, arg1 string) (*thrifttest.Xtruct, error) {
	switch arg0 {
	case "Xception":
		return nil, &thrifttest.Xception{ErrorCode: 1001, Message: "This is an Xception"}
	case "Xception2":
		return nil, &thrifttest.Xception2{ErrorCode: 2002, StructThing: &thrifttest.Xtruct{StringThing: "This is an Xception2"}}
	}
	return &thrifttest.Xtruct{StringThing: arg1}, nil
}

func (testHandler) TestOneway(_ context.Context, secondsToSleep int32) error {
	time.Sleep(time.Duration(secondsToSleep) * time.Second)
	return nil
}

type secondTestHandler struct{}

func (secondTestHandler) SecondtestString(_ context.Context, thing string) (string, error) {
	return fmt.Sprintf("testString(%q)", thing), nil
}
