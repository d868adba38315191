package main

import (
	"fmt"

	"wireloom.org/peer/go-thrift/gen/wireloom"
)

// translations are every dialect of this library into every one of the server's.
func translations(c *client) []scenario {
	var all []scenario
	for _, in := range dialects() {
		for _, out := range c.ports {
			w := &world{client: c, dialect: in, address: out.address, serves: out.dialect}
			s := w.scenario("", w.translated)
			s.name = in.name + ">" + out.dialect
			all = append(all, s)
		}
	}
	return all
}

func (w *world) translated(c *connection) error {
	return first(
		func() error { return w.whoami(c) },
		func() error { return c.echo().Nothing(background) },
		func() error { return declared(c) },
		func() error { return application(c) },
		func() error { return w.oneWay(c) },
		func() error { return everything(c) },
		func() error { return containers(c) },
		func() error {
			// This client has the service in TTHeader's header, and a translation leaves names as they are.
			if w.dialect.transport == "ttheader" && w.serves != w.dialect.name {
				return nil
			}
			greeting, err := wireloom.NewSecondClient(c.client("Second")).Greet(background, "you")
			if err := equal("hello you", greeting, err); err != nil {
				return fmt.Errorf("multiplexed: %w", err)
			}
			return nil
		},
	)
}
