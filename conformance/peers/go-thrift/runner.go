package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// All scenarios together may take so long; whoever runs this waits a little longer.
const limit = 120 * time.Second

// scenario is one named expectation; its body answers a detail worth printing, or why it failed.
type scenario struct {
	name string
	body func() (string, error)
}

func run(target, suite, with, mode string) int {
	suites := map[string]func(*client) []scenario{
		"calls": calls, "thrifttest": tests, "sniff": sniff, "errors": failures, "translate": translations,
	}
	make := suites[suite]
	if make == nil {
		fmt.Fprintln(os.Stderr, "unknown suite", suite)
		return 2
	}
	ports, err := ports(target)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	missing, known := lacks[with]
	if !known {
		fmt.Fprintln(os.Stderr, "unknown partner", with)
		return 2
	}
	var scenarios []scenario
	for _, s := range make(&client{ports: ports, partner: with, proxied: mode == "proxied"}) {
		if dialect, name, _ := strings.Cut(s.name, "/"); missing.has(dialect, name) {
			fmt.Fprintf(os.Stderr, "not run with %s, with which it cannot work: %s\n", with, s.name)
		} else {
			scenarios = append(scenarios, s)
		}
	}
	return runAll(scenarios)
}

// runAll prints a line for each scenario, whatever happens; a stuck library fails the rest when the time is over.
func runAll(scenarios []scenario) int {
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
