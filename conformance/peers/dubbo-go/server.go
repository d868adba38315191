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
	"dubbo.apache.org/dubbo-go/v3/remoting/getty"
	"dubbo.apache.org/dubbo-go/v3/server"
)

// maxMessage lifts the library's limit of 1 MB, which the suite's payloads exceed.
const maxMessage = 64 << 20

func serve(port int) error {
	conf := getty.GetDefaultServerConfig()
	conf.GettySessionParam.MaxMsgLen = maxMessage
	// Tasks beyond the pool wait for one another, and the suite has 200 sleepers at once.
	conf.GrPoolSize = 400
	getty.SetServerConfig(*conf)

	// "Remote" metadata is none without a registry; the local kind is one more service, on the same port but on
	// any address, which fails.
	application := global.DefaultApplicationConfig()
	application.MetadataType = constant.RemoteMetadataStorageType
	srv, err := server.NewServer(
		server.SetServerApplication(application),
		server.WithServerProtocol(protocol.WithDubbo(), protocol.WithIp("127.0.0.1"), protocol.WithPort(port)),
	)
	if err != nil {
		return err
	}
	for _, export := range []struct{ group, version, identity string }{
		{"", "1.0.0", "default/1.0.0"},
		{"blue", "2.0.0", "blue/2.0.0"},
	} {
		provider := &Provider{identity: export.identity, counts: map[string]int32{}}
		if err := srv.Register(provider, nil,
			server.WithInterface(serviceInterface),
			server.WithGroup(export.group),
			server.WithVersion(export.version),
			server.WithNotRegister(),
			server.WithFilter("echo,generic_service,"+providerAttachments),
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
