package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"wireloom.org/peer/go-thrift/gen/wireloom"
)

// A notebook keeps what one-way calls said.
type notebook struct {
	lock  sync.Mutex
	notes map[string][]int32
}

func newNotebook() *notebook { return &notebook{notes: map[string][]int32{}} }

func (n *notebook) note(token string, number int32) {
	n.lock.Lock()
	defer n.lock.Unlock()
	n.notes[token] = append(n.notes[token], number)
}

func (n *notebook) of(token string) []int32 {
	n.lock.Lock()
	defer n.lock.Unlock()
	return append([]int32{}, n.notes[token]...)
}

// echoHandler serves Echo on one port.
type echoHandler struct {
	dialect string
	notes   *notebook
}

func (h *echoHandler) Whoami(context.Context) (string, error) {
	return "go-thrift " + h.dialect, nil
}

func (h *echoHandler) Nothing(context.Context) error { return nil }

func (h *echoHandler) EchoBool(_ context.Context, value bool) (bool, error) { return value, nil }

func (h *echoHandler) EchoByte(_ context.Context, value int8) (int8, error) { return value, nil }

func (h *echoHandler) EchoI16(_ context.Context, value int16) (int16, error) { return value, nil }

func (h *echoHandler) EchoI32(_ context.Context, value int32) (int32, error) { return value, nil }

func (h *echoHandler) EchoI64(_ context.Context, value int64) (int64, error) { return value, nil }

func (h *echoHandler) EchoDouble(_ context.Context, value float64) (float64, error) {
	return value, nil
}

func (h *echoHandler) EchoString(_ context.Context, value string) (string, error) { return value, nil }

func (h *echoHandler) EchoBinary(_ context.Context, value []byte) ([]byte, error) { return value, nil }

func (h *echoHandler) EchoColor(_ context.Context, value wireloom.Color) (wireloom.Color, error) {
	return value, nil
}

func (h *echoHandler) EchoLeaf(_ context.Context, value *wireloom.Leaf) (*wireloom.Leaf, error) {
	return value, nil
}

func (h *echoHandler) EchoChoice(_ context.Context, value *wireloom.Choice) (*wireloom.Choice, error) {
	return value, nil
}

func (h *echoHandler) EchoEverything(_ context.Context, value *wireloom.Everything) (*wireloom.Everything, error) {
	return value, nil
}

func (h *echoHandler) EchoTree(_ context.Context, value *wireloom.Tree) (*wireloom.Tree, error) {
	return value, nil
}

func (h *echoHandler) EchoList(_ context.Context, value []int64) ([]int64, error) { return value, nil }

func (h *echoHandler) EchoSet(_ context.Context, value []string) ([]string, error) { return value, nil }

func (h *echoHandler) EchoMap(_ context.Context, value map[string][]int32) (map[string][]int32, error) {
	return value, nil
}

func (h *echoHandler) Join(_ context.Context, third string, first string, second int32) (string, error) {
	return fmt.Sprintf("%s %d %s", first, second, third), nil
}

func (h *echoHandler) Bytes(_ context.Context, count int32) ([]byte, error) {
	return pattern(int(count)), nil
}

func (h *echoHandler) Count(_ context.Context, data []byte) ([]int32, error) {
	return []int32{int32(len(data)), sum(data)}, nil
}

func (h *echoHandler) Fail(_ context.Context, how string) (string, error) {
	if how == "missing" {
		return "", &wireloom.Missing{Key: "k"}
	}
	return "fine", failure(how)
}

func (h *echoHandler) FailVoid(_ context.Context, how string) error {
	return failure(how)
}

func failure(how string) error {
	switch how {
	case "refused":
		return &wireloom.Refused{Code: 7, Reason: "not today", Details: []string{"a", "b"}}
	case "application":
		return errors.New("not in the contract")
	}
	return nil
}

func (h *echoHandler) Note(_ context.Context, token string, number int32) error {
	h.notes.note(token, number)
	return nil
}

func (h *echoHandler) Notes(_ context.Context, token string) ([]int32, error) {
	return h.notes.of(token), nil
}

func (h *echoHandler) Slow(_ context.Context, millis int32) (int32, error) {
	time.Sleep(time.Duration(millis) * time.Millisecond)
	return millis, nil
}

// Headers are those of THeader and TTHeader, which are in the context.
func (h *echoHandler) Headers(ctx context.Context) (map[string]string, error) {
	if helper, ok := thrift.GetResponseHelper(ctx); ok {
		helper.SetHeader("x-answer", h.dialect)
	}
	if transport, ok := ctx.Value(ttKey{}).(*ttTransport); ok {
		transport.strs["x-answer"] = h.dialect
	}
	headers := map[string]string{}
	for _, key := range thrift.GetReadHeaderList(ctx) {
		if value, ok := thrift.GetHeader(ctx, key); ok {
			headers[key] = value
		}
	}
	return headers, nil
}

// secondHandler serves Second, where services have names.
type secondHandler struct {
	notes *notebook
}

func (h *secondHandler) Whoami(context.Context) (string, error) { return "second", nil }

func (h *secondHandler) Greet(_ context.Context, name string) (string, error) {
	if name == "" {
		return "", &wireloom.Missing{Key: "nobody"}
	}
	return "hello " + name, nil
}

func (h *secondHandler) Note(_ context.Context, token string, number int32) error {
	h.notes.note(token, number)
	return nil
}

// pattern is the suite's bytes: byte i is i modulo 251.
func pattern(count int) []byte {
	data := make([]byte, count)
	for i := range data {
		data[i] = byte(i % 251)
	}
	return data
}

// sum is that of all bytes, modulo 2^31.
func sum(data []byte) int32 {
	var total uint64
	for _, b := range data {
		total += uint64(b)
	}
	return int32(total % (1 << 31))
}
