package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// quick is far below what a case may take: the failure is the proxy's and not that of a client that was killed.
const quick = 15 * time.Second

// failures are made by the proxy, which picks them by the metadata key x-case. The interop client prints the error that
// the library raised, code and message, and gives up.
func failures(c client) []scenario {
	// Not ping_pong: its Send may fail before the status is there, and then the client prints its payload and no status.
	unary, stream := []string{"--test_case=empty_unary"}, []string{"--test_case=server_streaming"}
	scenarios := []scenario{c.passes("before-errors", "empty_unary")}
	for _, f := range []struct {
		name, text string
		codes      []string
		args       [][]string
	}{
		{"no-route", "no route", []string{"Unimplemented"}, [][]string{unary, stream}},
		{"no-endpoint", "no endpoint", []string{"Unavailable"}, [][]string{unary, stream}},
		{"refused", "connect", []string{"Unavailable"}, [][]string{unary, stream}},
		{"timeout", "timed out", []string{"DeadlineExceeded"}, [][]string{unary}},
		{"overloaded", "overloaded", []string{"Unavailable", "ResourceExhausted"}, [][]string{unary, stream}},
		{"reset", "reset", []string{"Unavailable"}, [][]string{unary, stream}},
	} {
		for place, args := range f.args {
			name := f.name
			if place == 1 {
				name += "-stream"
			}
			args := append(slices.Clone(args), "--additional_metadata=x-case:"+f.name)
			scenarios = append(scenarios, scenario{name, func() (string, error) { return c.fails(args, f.codes, f.text) }})
		}
	}
	return append(scenarios, c.passes("after-errors", "empty_unary"))
}

func (c client) fails(args, codes []string, text string) (string, error) {
	start := time.Now()
	output, err := c.try(args...)
	took := time.Since(start)
	if err == nil {
		return "", fmt.Errorf("expected one of %v but the call succeeded", codes)
	}
	_, raised, found := strings.Cut(output, "rpc error: code = ")
	if !found {
		return "", errors.Join(err, fmt.Errorf("no error of a call in: %s", output))
	}
	raised, _, _ = strings.Cut(raised, "\n")
	code, message, _ := strings.Cut(raised, " desc = ")
	switch {
	case !slices.Contains(codes, code):
		return "", fmt.Errorf("expected one of %v but got %s", codes, raised)
	case !strings.Contains(message, text):
		return "", fmt.Errorf("the message lacks %q: %s", text, raised)
	case took > quick:
		return "", fmt.Errorf("the failure took %s: %s", took, raised)
	}
	return raised, nil
}
