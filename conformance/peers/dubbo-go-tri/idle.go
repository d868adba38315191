package main

import (
	"fmt"
	"time"
)

const idleTime = 5 * time.Minute

// idleSuite is five minutes on one connection of nothing but what the library does by itself.
func idleSuite(target string) ([]scenario, error) {
	r, err := refer(target, "", "1.0.0", requestTimeout)
	if err != nil {
		return nil, err
	}
	return []scenario{{"idle", func() (string, error) {
		answer, err := r.text(bg, "Echo", "before")
		if err := equal("before", answer, err); err != nil {
			return "", err
		}
		before, err := connections(target)
		if err != nil {
			return "", err
		}
		if len(before) != 1 {
			return "", fmt.Errorf("expected one connection but there are %v", before)
		}
		time.Sleep(idleTime)
		answer, err = r.text(bg, "Echo", "after")
		if err := equal("after", answer, err); err != nil {
			return "", err
		}
		after, err := connections(target)
		return "", equal(before, after, err)
	}}}, nil
}
