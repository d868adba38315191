package main

import (
	"fmt"
	"maps"
	"strings"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/cloudwego/gopkg/protocol/ttheader"
)

// headers are read by the handler, and those of the answer by the client.
func (w *world) headers(c *connection) error {
	sent := map[string]string{"x-trace": "abc123", "caller": "go-thrift", "empty": "", "ünï": "wörth",
		"long": strings.Repeat("v", 3000)}
	ctx := background
	var keys []string
	for key, value := range sent {
		ctx = thrift.SetHeader(ctx, key, value)
		keys = append(keys, key)
	}
	echo := c.echo()
	actual, err := echo.Headers(thrift.SetWriteHeaderList(ctx, keys))
	if err != nil {
		return err
	}
	if answer := echo.LastResponseMeta_().Headers["x-answer"]; answer != w.serves {
		return fmt.Errorf("the answer's header is %q", answer)
	}
	for key, value := range sent {
		if actual[key] != value {
			return fmt.Errorf("the header %q is %q and not %q", key, actual[key], value)
		}
	}
	// They are not kept for the next call.
	if actual, err = c.echo().Headers(background); err == nil && actual["x-trace"] != "" {
		err = fmt.Errorf("the next call has headers of the last one: %v", actual)
	}
	return err
}

// zlib compresses what is sent.
func (w *world) zlib() error {
	c, err := w.open(thrift.TransformZlib)
	if err != nil {
		return err
	}
	defer c.close()
	text := strings.Repeat("the same again ", 5000)
	return first(
		func() error { return echoes(c.echo().EchoString, "", "x", text) },
		func() error { return declared(c) },
		func() error { return echoes(c.echo().EchoI32, 7) },
	)
}

// intHeaders are TTHeader's others, whose keys are numbers; the answer has what arrived.
func (w *world) intHeaders(c *connection) error {
	transport := c.transport.(*ttTransport)
	transport.ints = map[uint16]string{ttheader.FromService: "caller", ttheader.ToService: "Echo", ttheader.LogID: "0123",
		ttheader.RPCTimeout: "20000", ttheader.StressTag: "", 999: "unknown"}
	expected := maps.Clone(transport.ints)
	expected[ttheader.ToMethod] = "nothing"
	err := c.echo().Nothing(background)
	transport.ints = nil
	return equal(expected, transport.got.IntInfo, err)
}

// framedInside is a length behind the header, and such an answer.
func (w *world) framedInside() error {
	c, err := w.open()
	if err != nil {
		return err
	}
	defer c.close()
	transport := c.transport.(*ttTransport)
	transport.framed = true
	return first(
		func() error { return types(c) },
		func() error { return declared(c) },
		func() error { return application(c) },
		func() error {
			if !transport.framed {
				return fmt.Errorf("the answer is not framed as the call was")
			}
			return nil
		},
	)
}
