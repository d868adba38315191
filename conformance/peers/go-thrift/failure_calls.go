package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"wireloom.org/peer/go-thrift/gen/wireloom"
)

func (w *world) failureScenarios() []scenario {
	return []scenario{
		w.scenario("declared-exceptions", declared),
		w.scenario("application-exceptions", application),
		w.scenario("unknown-method", func(c *connection) error {
			_, err := wireloom.NewEchoLaterClient(c.client(c.service)).Later(background, "x")
			if !c.can("exception-types") {
				return applicationException(err, "", thrift.UNKNOWN_APPLICATION_EXCEPTION)
			}
			return applicationException(err, "", thrift.UNKNOWN_METHOD)
		}),
		w.scenario("one-way", w.oneWay),
	}
}

func declared(c *connection) error {
	refused := &wireloom.Refused{Code: 7, Reason: "not today", Details: []string{"a", "b"}}
	fine, err := c.echo().Fail(background, "nothing")
	return first(
		func() error { return equal("fine", fine, err) },
		func() error { _, err := c.echo().Fail(background, "refused"); return fails(err, refused) },
		func() error {
			_, err := c.echo().Fail(background, "missing")
			return fails(err, &wireloom.Missing{Key: "k"})
		},
		func() error { return c.echo().FailVoid(background, "nothing") },
		func() error { return fails(c.echo().FailVoid(background, "refused"), refused) },
	)
}

func application(c *connection) error {
	const text = "not in the contract"
	_, err := c.echo().Fail(background, "application")
	if err := applicationException(err, text, thrift.UNKNOWN_APPLICATION_EXCEPTION, thrift.INTERNAL_ERROR); err != nil {
		return err
	}
	err = c.echo().FailVoid(background, "application")
	return applicationException(err, text, thrift.UNKNOWN_APPLICATION_EXCEPTION, thrift.INTERNAL_ERROR)
}

// oneWay mixes calls that are answered with some that are not. This library writes both as calls.
func (w *world) oneWay(c *connection) error {
	token := w.token("one-way")
	expected := []int32{}
	for i := range int32(20) {
		if err := c.echo().Note(background, token, i); err != nil {
			return err
		}
		expected = append(expected, i)
		if i%5 == 0 {
			if err := echoes(c.echo().EchoI32, i); err != nil {
				return fmt.Errorf("after %d: %w", i, err)
			}
		}
	}
	return noted(c, token, expected)
}

// noted waits for the notes: a proxy may have sent them over several connections.
func noted(c *connection, token string, expected []int32) error {
	var notes []int32
	var err error
	for range 50 {
		if notes, err = c.echo().Notes(background, token); err != nil || len(notes) >= len(expected) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	slices.Sort(notes)
	return equal(expected, notes, err)
}
