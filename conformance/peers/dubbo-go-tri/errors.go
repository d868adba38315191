package main

import (
	"fmt"
	"time"

	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
)

// quick is far below the consumer's own timeout: the failure is the proxy's.
const quick = 5 * time.Second

// errorSuite is failures that the proxy makes, picked by the group.
func errorSuite(target string) ([]scenario, error) {
	r, err := refer(target, "", "1.0.0", requestTimeout)
	if err != nil {
		return nil, err
	}
	var before []string
	good := func() error {
		answer, err := r.text(bg, "Echo", "good")
		return equal("good", answer, err)
	}
	failing := func(group, text string, codes ...tri.Code) scenario {
		return scenario{group, func() (string, error) {
			faulty, err := refer(target, group, "1.0.0", requestTimeout)
			if err != nil {
				return "", err
			}
			start := time.Now()
			_, err = faulty.slow(bg, 3000)
			took := time.Since(start)
			if err := failed(err, text, codes...); err != nil {
				return "", err
			}
			if took > quick {
				return "", fmt.Errorf("the failure took %s", took)
			}
			return err.Error(), nil
		}}
	}
	return []scenario{
		{"before-errors", func() (string, error) {
			if err := good(); err != nil {
				return "", err
			}
			before, err = connections(target)
			return "", err
		}},
		failing("no-route", "no route", tri.CodeUnimplemented),
		failing("no-endpoint", "no endpoint", tri.CodeUnavailable),
		failing("refused", "connect", tri.CodeUnavailable),
		failing("timeout", "timed out", tri.CodeDeadlineExceeded),
		// Both tell a client to try later; the world has not agreed on one.
		failing("overloaded", "overloaded", tri.CodeUnavailable, tri.CodeResourceExhausted),
		failing("reset", "reset", tri.CodeUnavailable),
		{"after-errors", func() (string, error) {
			if err := good(); err != nil {
				return "", err
			}
			after, err := connections(target)
			if err != nil {
				return "", err
			}
			// Every reference has a connection of its own, so there are more by now.
			for _, connection := range before {
				found := false
				for _, other := range after {
					found = found || other == connection
				}
				if !found {
					return "", fmt.Errorf("the connection %s was lost; there are %v", connection, after)
				}
			}
			return "", nil
		}},
	}, nil
}
