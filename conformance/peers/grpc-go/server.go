package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// serve runs the interop server until it ends or this program is told to.
func serve(port int) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	server := exec.Command(program("server"), "--port", strconv.Itoa(port))
	server.Stdout, server.Stderr = os.Stderr, os.Stderr
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := server.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	go announce(port)
	select {
	case err := <-ended:
		return errors.Join(errors.New("the interop server ended"), err)
	case <-stop:
		_ = server.Process.Kill()
		<-ended
		return nil
	}
}

// announce prints READY when the port accepts, of which the interop server says nothing.
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
