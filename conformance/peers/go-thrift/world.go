package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/apache/thrift/lib/go/thrift"

	"wireloom.org/peer/go-thrift/gen/thrifttest"
	"wireloom.org/peer/go-thrift/gen/wireloom"
)

var background = context.Background()

// A client is what it was told.
type client struct {
	ports   []port
	partner string
	proxied bool
}

// worlds are the dialects that both ends have.
func (c *client) worlds() []*world {
	var all []*world
	for _, d := range dialects() {
		for _, p := range c.ports {
			if p.dialect == d.name {
				all = append(all, &world{client: c, dialect: d, address: p.address, serves: d.name})
			}
		}
	}
	return all
}

// A world is one dialect and whom it is spoken to. Scenarios share a connection, so that what one of them leaves behind
// on it is the next one's failure; a failed one takes its connection along.
type world struct {
	*client
	dialect dialect
	address string
	// The multiplexed name of Echo; none is the port's only service.
	service string
	// The server's dialect, which a proxy may have translated into.
	serves string
	shared *connection
}

func (w *world) open(transforms ...thrift.THeaderTransformID) (*connection, error) {
	c, err := open(w.dialect, w.address, w.service, transforms...)
	if err == nil {
		c.can = func(name string) bool { return !lacks[w.partner].has(w.serves, name) }
	}
	return c, err
}

// A call is a scenario's body with a connection.
type call func(c *connection) error

// scenario is one whose connection is as good afterwards as before.
func (w *world) scenario(name string, body call) scenario {
	return w.probed(name, body, func(c *connection) error { return echoes(c.echo().EchoI32, 1) })
}

func (w *world) probed(name string, body, probe call) scenario {
	return scenario{w.dialect.name + "/" + name, func() (string, error) {
		if w.shared == nil {
			c, err := w.open()
			if err != nil {
				return "", err
			}
			w.shared = c
		}
		whole := false
		defer func() {
			if !whole {
				w.shared.close()
				w.shared = nil
			}
		}()
		err := body(w.shared)
		if err == nil {
			if err = probe(w.shared); err != nil {
				err = fmt.Errorf("the connection is spoilt: %w", err)
			}
		}
		whole = err == nil
		return "", err
	}}
}

// token names notes that no other run has.
func (w *world) token(name string) string {
	return fmt.Sprintf("%s %s %s %d %v", name, w.dialect.name, w.serves, os.Getpid(), w.proxied)
}

func (c *connection) echo() *wireloom.EchoClient { return c.echoAs(c.service) }

func (c *connection) echoAs(service string) *wireloom.EchoClient {
	return wireloom.NewEchoClient(c.client(service))
}

func (c *connection) test() *thrifttest.ThriftTestClient {
	return thrifttest.NewThriftTestClient(c.client(c.service))
}

// echoes calls with every value and expects it back.
func echoes[T any](call func(context.Context, T) (T, error), values ...T) error {
	for _, value := range values {
		actual, err := call(background, value)
		if err := equal(value, actual, err); err != nil {
			return err
		}
	}
	return nil
}

func equal(expected, actual any, err error) error {
	if err != nil {
		return fmt.Errorf("expected %s but got the error %T %w", brief(expected), err, err)
	}
	if !reflect.DeepEqual(expected, actual) {
		return fmt.Errorf("expected %s but got %s", brief(expected), brief(actual))
	}
	return nil
}

// fails expects this very error.
func fails[E error](err error, expected E) error {
	var actual E
	if !errors.As(err, &actual) {
		return fmt.Errorf("expected %s but got %T %v", brief(expected), err, err)
	}
	return equal(expected, actual, nil)
}

// applicationException expects one of these types, and the text somewhere in the message.
func applicationException(err error, text string, types ...int32) error {
	var actual thrift.TApplicationException
	if !errors.As(err, &actual) {
		return fmt.Errorf("expected a TApplicationException but got %T %v", err, err)
	}
	if !strings.Contains(actual.Error(), text) {
		return fmt.Errorf("expected a message with %q but got %w", text, err)
	}
	if slices.Contains(types, actual.TypeId()) {
		return nil
	}
	return fmt.Errorf("expected a TApplicationException of a type in %v but got one of %d: %w", types, actual.TypeId(), err)
}

// whole is a scenario with connections of its own.
func (w *world) whole(name string, body func() error) scenario {
	return scenario{w.dialect.name + "/" + name, func() (string, error) { return "", body() }}
}

// together runs so many at once; the first error counts.
func together(count int, body func(i int) error) error {
	var all sync.WaitGroup
	errs := make(chan error, count)
	for i := range count {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := body(i); err != nil {
				errs <- err
			}
		}()
	}
	all.Wait()
	close(errs)
	return <-errs
}

func first(calls ...func() error) error {
	for _, call := range calls {
		if err := call(); err != nil {
			return err
		}
	}
	return nil
}

func brief(value any) string {
	s := fmt.Sprintf("%T %+v", value, value)
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}
