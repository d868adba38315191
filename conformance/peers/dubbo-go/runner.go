package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// scenario is one named expectation; its body answers a detail worth printing, or why it failed.
type scenario struct {
	name string
	body func() (string, error)
}

func run(target, suite, with string) int {
	suites := map[string]func(string) ([]scenario, error){"calls": callSuite, "errors": errorSuite, "idle": idleSuite}
	make := suites[suite]
	if make == nil {
		fmt.Fprintln(os.Stderr, "unknown suite", suite)
		return 2
	}
	limit := 105 * time.Second
	if suite == "idle" {
		limit = idleTime + time.Minute
	}
	var scenarios []scenario
	// The library connects, or panics, when a reference is made.
	connect := scenario{"connect", func() (detail string, err error) {
		scenarios, err = make(target)
		return "", err
	}}
	if code := runAll([]scenario{connect}, limit); code != 0 {
		return code
	}
	if with != "" {
		missing, known := lacks[with]
		if !known {
			fmt.Fprintln(os.Stderr, "unknown partner", with)
			return 2
		}
		scenarios = without(scenarios, missing, with)
	}
	return runAll(scenarios, limit)
}

func without(scenarios []scenario, missing []string, with string) []scenario {
	var kept []scenario
	for _, s := range scenarios {
		skip := false
		for _, name := range missing {
			skip = skip || name == s.name
		}
		if skip {
			fmt.Fprintf(os.Stderr, "not run with %s, with which it cannot work: %s\n", with, s.name)
		} else {
			kept = append(kept, s)
		}
	}
	return kept
}

// runAll prints a line for each scenario, whatever happens; a stuck library fails the rest when the time is over.
func runAll(scenarios []scenario, limit time.Duration) int {
	var lock sync.Mutex
	next := 0
	started := time.Now()
	watchdog := time.AfterFunc(limit, func() {
		lock.Lock()
		for _, s := range scenarios[next:] {
			report(s, fmt.Errorf("not finished when the suite's %s were over", limit), "", started)
		}
		os.Exit(3)
	})
	defer watchdog.Stop()
	code := 0
	if len(scenarios) == 0 {
		code = 1
	}
	for _, s := range scenarios {
		started = time.Now()
		detail, err := guarded(s)
		lock.Lock()
		report(s, err, detail, started)
		next++
		lock.Unlock()
		if err != nil {
			code = 1
		}
	}
	return code
}

func guarded(s scenario) (detail string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return s.body()
}

func report(s scenario, err error, detail string, started time.Time) {
	if err != nil {
		detail = err.Error()
		if len(detail) > 600 {
			detail = detail[:600]
		}
	}
	line, _ := json.Marshal(struct {
		Scenario string `json:"scenario"`
		OK       bool   `json:"ok"`
		Detail   string `json:"detail"`
		Millis   int64  `json:"millis"`
	}{s.name, err == nil, detail, time.Since(started).Milliseconds()})
	fmt.Println(string(line))
}
