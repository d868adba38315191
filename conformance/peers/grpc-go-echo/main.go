// A grpc-go server of echo.proto, for the clients of other libraries.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"google.golang.org/grpc"

	pb "wireloom.org/peer/grpc-go-echo/echo"
)

// largest message, as the other peers have it.
const largest = 32 << 20

func main() {
	if len(os.Args) < 2 || os.Args[1] != "server" {
		fmt.Fprintln(os.Stderr, "usage: server --port N")
		os.Exit(2)
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	port := flags.Int("port", 0, "the server's port")
	_ = flags.Parse(os.Args[2:])
	if err := serve(*port); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(port int) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(largest), grpc.MaxSendMsgSize(largest))
	pb.RegisterEchoServiceServer(server, &echoServer{seen: map[string]*watch{}})
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		time.AfterFunc(time.Second, server.Stop)
		server.GracefulStop()
	}()
	fmt.Println("READY")
	return server.Serve(listener)
}
