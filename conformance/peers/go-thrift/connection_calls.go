package main

import (
	"fmt"

	"github.com/apache/thrift/lib/go/thrift"

	"wireloom.org/peer/go-thrift/gen/wireloom"
)

func (w *world) connectionScenarios() []scenario {
	all := []scenario{
		w.scenario("slow", func(c *connection) error { return echoes(c.echo().Slow, 1200, 1) }),
		w.scenario("sequence", w.sequence),
		w.scenario("multiplexed", w.multiplexed),
		w.whole("concurrent", w.concurrent),
	}
	if w.dialect.transport == "framed" {
		all = append(all, w.scenario("longest-frame", longestFrame))
	}
	return all
}

// sequence is 500 calls on a connection.
func (w *world) sequence(c *connection) error {
	token := w.token("sequence")
	refused := &wireloom.Refused{Code: 7, Reason: "not today", Details: []string{"a", "b"}}
	for i := range int32(500) {
		var err error
		switch i % 10 {
		case 3:
			_, err = c.echo().Fail(background, "refused")
			err = fails(err, refused)
		case 6:
			err = c.echo().Note(background, token, i)
		default:
			err = echoes(c.echo().EchoI32, i)
		}
		if err != nil {
			return fmt.Errorf("call %d: %w", i, err)
		}
	}
	return nil
}

// concurrent has 8 connections whose calls overlap, each with an answer of its own.
func (w *world) concurrent() error {
	return together(8, func(i int) error {
		c, err := w.open()
		if err != nil {
			return err
		}
		defer c.close()
		for round := range 25 {
			text := fmt.Sprint(i, " in round ", round)
			if err := first(
				func() error { return echoes(c.echo().Slow, int32((i+round)%4)) },
				func() error { return echoes(c.echo().EchoString, text) },
			); err != nil {
				return err
			}
		}
		return nil
	})
}

// multiplexed calls two services over one connection, in turn.
func (w *world) multiplexed(c *connection) error {
	second := wireloom.NewSecondClient(c.client("Second"))
	for range 3 {
		name, err := second.Whoami(background)
		greeting, greetingErr := second.Greet(background, "you")
		_, missing := second.Greet(background, "")
		echo, echoErr := c.echoAs("Echo").Whoami(background)
		if err := first(
			func() error { return equal("second", name, err) },
			func() error { return equal("hello you", greeting, greetingErr) },
			func() error { return fails(missing, &wireloom.Missing{Key: "nobody"}) },
			func() error { return equal(w.partner+" "+w.serves, echo, echoErr) },
		); err != nil {
			return err
		}
	}
	token := w.token("multiplexed")
	if err := second.Note(background, token, 5); err != nil {
		return err
	}
	return noted(c, token, []int32{5})
}

// longestFrame is a call whose frame is of the 16,384,000 bytes that all libraries allow.
func longestFrame(c *connection) error {
	data := pattern(thrift.DEFAULT_MAX_FRAME_SIZE - 100)
	memory := thrift.NewTMemoryBuffer()
	protocol := c.dialect.protocolFactory(c.dialect.configuration()).GetProtocol(memory)
	client := thrift.NewTStandardClient(protocol, protocol)
	if err := client.Send(background, protocol, 1, "count", &wireloom.EchoCountArgs{Data: data}); err != nil {
		return err
	}
	data = pattern(len(data) + thrift.DEFAULT_MAX_FRAME_SIZE - memory.Len())
	// Compact writes numbers of calls in as many bytes as they need: it is the first one again.
	delete(c.clients, c.service)
	counted, err := c.echo().Count(background, data)
	return equal([]int32{int32(len(data)), sum(data)}, counted, err)
}
