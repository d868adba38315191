package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/global"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/server"
)

func serve(port int) error {
	// "Remote" metadata is none without a registry; the local kind is one more service on any address.
	application := global.DefaultApplicationConfig()
	application.MetadataType = constant.RemoteMetadataStorageType
	srv, err := server.NewServer(
		server.SetServerApplication(application),
		server.WithServerProtocol(protocol.WithTriple(), protocol.WithIp("127.0.0.1"), protocol.WithPort(port)),
	)
	if err != nil {
		return err
	}
	for _, export := range []struct{ group, version, identity string }{
		{"", "1.0.0", "default/1.0.0"},
		{"blue", "2.0.0", "blue/2.0.0"},
	} {
		provider := &Provider{identity: export.identity, cancelled: map[string]int32{}}
		if err := srv.Register(provider, &talkInfo,
			server.WithInterface(serviceInterface),
			server.WithGroup(export.group),
			server.WithVersion(export.version),
			server.WithNotRegister(),
			server.WithFilter("echo"),
		); err != nil {
			return err
		}
	}
	// What the library does on SIGTERM takes ten seconds and more, all of it for registries.
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve() }()
	go announce(port)
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
		os.Exit(0)
	}
	return nil
}

// announce prints READY when the port accepts: the library has no callback for it.
func announce(port int) {
	for {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
		if err == nil {
			_ = conn.Close()
			fmt.Println("READY")
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
