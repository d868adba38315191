package main

import (
	"fmt"
	"strings"
	"time"
)

// quick is far below the consumer's own timeout: the failure is the proxy's.
const quick = 5 * time.Second

// errorSuite is failures that the proxy makes, picked by the group. All that this library shows of one is its
// text, after a prefix of its own; the status decides only that the text is taken for an error.
func errorSuite(target string) ([]scenario, error) {
	c, err := newConsumers(target, 0)
	if err != nil {
		return nil, err
	}
	var before []string
	good := func() error {
		echo, err := c.service("", "1.0.0")
		if err != nil {
			return err
		}
		answer, err := echo.Echo(bg, "good")
		return equal("good", answer, err)
	}
	failing := func(group, text string, call func(*EchoService) error) scenario {
		return scenario{group, func() (string, error) {
			echo, err := c.service(group, "1.0.0")
			if err != nil {
				return "", err
			}
			start := time.Now()
			err = call(echo)
			took := time.Since(start)
			if err == nil {
				return "", fmt.Errorf("expected an error with %q but the call succeeded", text)
			}
			if !strings.HasPrefix(err.Error(), "java exception:") {
				return "", fmt.Errorf("expected an error made of a response but got %T %w", err, err)
			}
			if !strings.Contains(err.Error(), text) {
				return "", fmt.Errorf("the error lacks %q: %w", text, err)
			}
			if took > quick {
				return "", fmt.Errorf("the failure took %s", took)
			}
			return err.Error(), nil
		}}
	}
	echo := func(echo *EchoService) error {
		_, err := echo.Echo(bg, "x")
		return err
	}
	return []scenario{
		{"before-errors", func() (string, error) {
			if err := good(); err != nil {
				return "", err
			}
			before, err = connections(target)
			return "", err
		}},
		failing("no-route", "no route", echo),
		failing("no-endpoint", "no endpoint", echo),
		failing("refused", "connect", echo),
		failing("timeout", "timed out", func(echo *EchoService) error {
			_, err := echo.Slow(bg, 3000)
			return err
		}),
		failing("overloaded", "overloaded", echo),
		failing("reset", "reset", echo),
		failing("too-large", "exceeds", func(echo *EchoService) error {
			_, err := echo.Bytes(bg, randomBytes(9*mib))
			return err
		}),
		{"after-errors", func() (string, error) {
			if err := good(); err != nil {
				return "", err
			}
			after, err := connections(target)
			return "", equal(before, after, err)
		}},
	}, nil
}
