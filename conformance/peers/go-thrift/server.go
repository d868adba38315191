package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/apache/thrift/lib/go/thrift"

	"wireloom.org/peer/go-thrift/gen/thrifttest"
	"wireloom.org/peer/go-thrift/gen/wireloom"
)

// serve opens a port for every dialect, says which is which, and serves until it is told to end.
func serve() error {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	notes := newNotebook()
	failed := make(chan error, 1)
	for _, d := range dialects() {
		for name, processor := range map[string]thrift.TProcessor{
			d.name:                 echoServices(d, notes).processor(d),
			"thrifttest/" + d.name: testServices().processor(d),
		} {
			server, address, err := listen(d, processor)
			if err != nil {
				return err
			}
			fmt.Printf("ready %s=%s\n", name, address)
			go func() { failed <- server.Serve() }()
		}
	}
	fmt.Println("READY")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err := <-failed:
		return fmt.Errorf("a server ended: %v", err)
	case <-stop:
		return nil
	}
}

func listen(d dialect, processor thrift.TProcessor) (thrift.TServer, net.Addr, error) {
	socket, err := thrift.NewTServerSocket("127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	if err := socket.Listen(); err != nil {
		return nil, nil, err
	}
	conf := d.configuration()
	// A server waits for the next call as long as it takes.
	conf.SocketTimeout = 0
	server := thrift.NewTSimpleServer4(processor, socket, d.transportFactory(conf), d.protocolFactory(conf))
	return server, socket.Addr(), nil
}

// services are those of a port by name; the one without a name is what calls without one go to.
type services map[string]thrift.TProcessor

func echoServices(d dialect, notes *notebook) services {
	echo := wireloom.NewEchoProcessor(&echoHandler{dialect: d.name, notes: notes})
	second := wireloom.NewSecondProcessor(&secondHandler{notes: notes})
	return services{"": echo, "Echo": echo, d.name: echo, "Second": second}
}

func testServices() services {
	test := thrifttest.NewThriftTestProcessor(testHandler{})
	second := thrifttest.NewSecondServiceProcessor(secondTestHandler{})
	return services{"": test, "ThriftTest": test, "SecondService": second}
}

func (s services) processor(d dialect) thrift.TProcessor {
	all := thrift.NewTMultiplexedProcessor()
	for name, processor := range s {
		if name == "" {
			all.RegisterDefault(processor)
		} else {
			all.RegisterProcessor(name, processor)
		}
	}
	if d.transport == "ttheader" {
		return &ttProcessor{all, s}
	}
	return all
}
