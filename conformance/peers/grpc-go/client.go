package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// scenario is one named expectation; its body answers a detail worth printing, or why it failed.
type scenario struct {
	name string
	body func() (string, error)
}

func run(scenarios []scenario) int {
	code := 0
	for _, s := range scenarios {
		start := time.Now()
		detail, err := s.body()
		if err != nil {
			code = 1
			detail = err.Error()
		}
		line, _ := json.Marshal(struct {
			Scenario string `json:"scenario"`
			OK       bool   `json:"ok"`
			Detail   string `json:"detail"`
			Millis   int64  `json:"millis"`
		}{s.name, err == nil, shorten(detail), time.Since(start).Milliseconds()})
		fmt.Println(string(line))
	}
	return code
}

// shorten keeps the end, where the interop client says why it gave up.
func shorten(text string) string {
	const most = 1000
	if len(text) > most {
		return "…" + strings.ToValidUTF8(text[len(text)-most:], "")
	}
	return text
}

// client runs the interop client, once for each case.
type client struct {
	target   string
	deadline time.Time
}

// one is the longest that a case may take.
const one = 40 * time.Second

// try runs a case. What the interop client printed, and the error that it ended with.
func (c client) try(args ...string) (string, error) {
	host, port, err := net.SplitHostPort(c.target)
	if err != nil {
		return "", err
	}
	deadline := time.Now().Add(one)
	if deadline.After(c.deadline) {
		deadline = c.deadline
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	args = append([]string{"--server_host=" + host, "--server_port=" + port}, args...)
	command := exec.CommandContext(ctx, program("client"), args...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := command.CombinedOutput()
	_, _ = os.Stderr.Write(output)
	if ctx.Err() != nil {
		err = fmt.Errorf("the interop client did not end in time: %w", ctx.Err())
	}
	return strings.TrimSpace(string(output)), err
}

// passes is a scenario of a case that must end well.
func (c client) passes(name, testCase string, more ...string) scenario {
	return scenario{name, func() (string, error) {
		output, err := c.try(append(more, "--test_case="+testCase)...)
		if err != nil {
			return "", errors.Join(err, errors.New(output))
		}
		return "", nil
	}}
}
