package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/summerwind/h2spec/config"
)

// invalidPreface is the case that the library cannot judge where HTTP/1.1 is spoken on the same port.
const invalidPreface = "http2/3.5/2"

// refusesPreface checks that the connection ends: at once, after a GOAWAY, or after the 400 that a client of HTTP/1.1
// understands. RFC 9113, 3.4, leaves the GOAWAY out because the peer may not speak HTTP/2 at all.
func refusesPreface(c *config.Config) error {
	conn, err := net.DialTimeout("tcp", c.Addr(), c.Timeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(c.Timeout))
	if _, err := conn.Write([]byte("INVALID CONNECTION PREFACE\r\n\r\n")); err != nil {
		return err
	}
	answer, err := io.ReadAll(conn)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return fmt.Errorf("expected Connection closed, got %q and then nothing", answer)
	}
	// SETTINGS and GOAWAY of HTTP/2 begin with a length below 2^16.
	if len(answer) == 0 || answer[0] == 0 || bytes.HasPrefix(answer, []byte("HTTP/1.1 400 ")) {
		return nil
	}
	return fmt.Errorf("expected Connection closed, got %q", answer)
}
