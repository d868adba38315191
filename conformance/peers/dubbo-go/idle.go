package main

import (
	"fmt"
	"time"
)

// idleTime is beyond the session timeout of both ends (180 s).
const idleTime = 5 * time.Minute

// idleSuite is five minutes of nothing but the library's default heartbeats (30 s) on one connection.
func idleSuite(target string) ([]scenario, error) {
	c, err := newConsumers(target, 0)
	if err != nil {
		return nil, err
	}
	return []scenario{{"idle", func() (string, error) {
		echo, err := c.service("", "1.0.0")
		if err != nil {
			return "", err
		}
		return "", idleFor(echo, target, idleTime)
	}}}, nil
}

// idleFor calls before and after, and wants the same connection all the while.
func idleFor(echo *EchoService, target string, idle time.Duration) error {
	answer, err := echo.Echo(bg, "before")
	if err := equal("before", answer, err); err != nil {
		return err
	}
	before, err := connections(target)
	if err != nil {
		return err
	}
	if len(before) != 1 {
		return fmt.Errorf("expected one connection but there are %v", before)
	}
	for end := time.Now().Add(idle); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		now, err := connections(target)
		if err := equal(before, now, err); err != nil {
			return fmt.Errorf("the connection changed while idle: %w", err)
		}
	}
	answer, err = echo.Echo(bg, "after")
	if err := equal("after", answer, err); err != nil {
		return err
	}
	after, err := connections(target)
	return equal(before, after, err)
}
