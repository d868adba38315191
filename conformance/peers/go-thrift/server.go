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
			d.name:                 echoProcessor(d, notes),
			"thrifttest/" + d.name: testProcessor(),
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

func echoProcessor(d dialect, notes *notebook) thrift.TProcessor {
	echo := wireloom.NewEchoProcessor(&echoHandler{dialect: d.name, notes: notes})
	all := thrift.NewTMultiplexedProcessor()
	all.RegisterDefault(echo)
	all.RegisterProcessor("Echo", echo)
	all.RegisterProcessor(d.name, echo)
	all.RegisterProcessor("Second", wireloom.NewSecondProcessor(&secondHandler{notes: notes}))
	return all
}

func testProcessor() thrift.TProcessor {
	test := thrifttest.NewThriftTestProcessor(testHandler{})
	all := thrift.NewTMultiplexedProcessor()
	all.RegisterDefault(test)
	all.RegisterProcessor("ThriftTest", test)
	all.RegisterProcessor("SecondService", thrifttest.NewSecondServiceProcessor(secondTestHandler{}))
	return all
}
