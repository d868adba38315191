package main

import (
	"fmt"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
)

// calls are everything that Echo has, over every dialect.
func calls(c *client) []scenario {
	var all []scenario
	for _, w := range c.worlds() {
		all = append(all, w.valueScenarios()...)
		all = append(all, w.failureScenarios()...)
		all = append(all, w.connectionScenarios()...)
		switch w.dialect.transport {
		case "header":
			all = append(all, w.scenario("headers", w.headers), w.whole("zlib", w.zlib))
		case "ttheader":
			all = append(all, w.scenario("headers", w.headers), w.scenario("int-headers", w.intHeaders),
				w.whole("framed-inside", w.framedInside))
		}
	}
	return all
}

// sniff has every dialect at one address, where the service picks the server.
func sniff(c *client) []scenario {
	worlds := c.worlds()
	var all []scenario
	for _, w := range worlds {
		w.service = w.dialect.name
		all = append(all, w.scenario("routed", w.routed))
	}
	return append(all, scenario{"all/interleaved", func() (string, error) { return "", interleaved(worlds) }})
}

func (w *world) routed(c *connection) error {
	return first(
		func() error { return w.whoami(c) },
		func() error { return declared(c) },
		func() error { return application(c) },
		func() error { return w.oneWay(c) },
	)
}

// interleaved has a connection of each dialect and calls over them in turn, and over all of them at once.
func interleaved(worlds []*world) error {
	var connections []*connection
	for _, w := range worlds {
		c, err := w.open()
		if err != nil {
			return err
		}
		defer c.close()
		connections = append(connections, c)
	}
	for range 20 {
		for i, w := range worlds {
			if err := w.whoami(connections[i]); err != nil {
				return fmt.Errorf("%s: %w", w.dialect.name, err)
			}
		}
	}
	return together(len(worlds), func(i int) error {
		for round := range 20 {
			text := fmt.Sprint(worlds[i].dialect.name, round)
			if err := echoes(connections[i].echo().EchoString, text); err != nil {
				return err
			}
		}
		return nil
	})
}

// failures are the proxy's own, which the service picks.
func failures(c *client) []scenario {
	var all []scenario
	for _, w := range c.worlds() {
		w.service = w.dialect.name
		for _, f := range []struct {
			service string
			kind    int32
			text    string
		}{
			{"nowhere", thrift.UNKNOWN_METHOD, "no route"},
			{"no-endpoint", thrift.INTERNAL_ERROR, "no endpoint"},
			{"refused", thrift.INTERNAL_ERROR, "connect failure"},
			{"overloaded", thrift.INTERNAL_ERROR, "overloaded"},
			{"reset", thrift.INTERNAL_ERROR, "reset"},
			{"timeout", thrift.INTERNAL_ERROR, "timed out"},
		} {
			all = append(all, w.scenario(f.service, func(c *connection) error {
				started := time.Now()
				_, err := c.echoAs(f.service).EchoString(background, "lost")
				if took := time.Since(started); took > 10*time.Second {
					return fmt.Errorf("it took %s", took)
				}
				return applicationException(err, f.text, f.kind)
			}))
		}
		if w.dialect.transport == "buffered" {
			all = append(all, w.whole("too-large", func() error {
				c, err := w.open()
				if err != nil {
					return err
				}
				defer c.close()
				return tooLarge(c)
			}))
		} else {
			all = append(all, w.scenario("too-large", tooLarge))
		}
	}
	return all
}

func tooLarge(c *connection) error {
	_, err := c.echo().Count(background, pattern(9<<20))
	return applicationException(err, "limit", thrift.PROTOCOL_ERROR)
}
