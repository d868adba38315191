// Runs every case of h2spec, strict ones included, and reports a line per chapter in which the failed cases are named.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

const (
	// All that this version knows; fewer would be a mistake of this program.
	allCases = 146
	// How long a case may wait for a frame: long enough for a busy machine, as no case waits for nothing to come.
	patience = 5 * time.Second
	// The suite's own limit, below that of whoever runs it.
	limit = 130 * time.Second
)

// results is what was printed as JSON; the library prints its own to standard output.
var results io.Writer = os.Stdout

func main() {
	if len(os.Args) < 2 || os.Args[1] != "client" {
		usage()
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	target := flags.String("target", "", "HOST:PORT to judge")
	for _, ignored := range []string{"suite", "with", "mode", "protocol", "upstream"} {
		flags.String(ignored, "", "no case differs by it")
	}
	_ = flags.Parse(os.Args[2:])
	host, text, err := net.SplitHostPort(*target)
	port, bad := strconv.Atoi(text)
	if err != nil || bad != nil {
		usage()
	}
	os.Stdout = os.Stderr
	os.Exit(run(&config.Config{
		Host: host,
		Port: port,
		// Answers any method with a body, once it has read the request's.
		Path:         "/status/200",
		Timeout:      patience,
		MaxHeaderLen: 4000,
		Strict:       true,
	}))
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: client --target HOST:PORT")
	os.Exit(2)
}

// chapter is what came of the cases of a section of the first level.
type chapter struct {
	passed   int
	failures []string
}

func run(c *config.Config) int {
	code, count := 0, 0
	began := time.Now()
	for _, root := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		for _, group := range root.Groups {
			var came chapter
			started := time.Now()
			came.judge(c, group, began.Add(limit))
			count += came.passed + len(came.failures)
			detail := fmt.Sprintf("%d cases", came.passed)
			if len(came.failures) > 0 {
				detail = fmt.Sprintf("%d of %d failed: %s", len(came.failures), came.passed+len(came.failures),
					strings.Join(came.failures, "; "))
				code = 1
			}
			report(group.ID(), len(came.failures) == 0, detail, started)
		}
	}
	if count != allCases {
		code = 1
	}
	report("all-cases", count == allCases, fmt.Sprintf("%d of %d", count, allCases), began)
	return code
}

func (came *chapter) judge(c *config.Config, group *spec.TestGroup, deadline time.Time) {
	for i, test := range append(group.Tests, group.StrictTests...) {
		name := fmt.Sprintf("%s/%d", group.ID(), i+1)
		err := fmt.Errorf("not run: the suite's %s are over", limit)
		if time.Now().Before(deadline) {
			if name == invalidPreface {
				err = refusesPreface(c)
			} else {
				err = try(c, test)
			}
		}
		if err == nil {
			came.passed++
		} else {
			came.failures = append(came.failures, fmt.Sprintf("%s %s (%s)", name, test.Desc, explain(err)))
		}
	}
	for _, inner := range group.Groups {
		came.judge(c, inner, deadline)
	}
}

func try(c *config.Config, test *spec.TestCase) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	conn, err := spec.Dial(c)
	if err != nil {
		return err
	}
	defer conn.Close()
	return test.Run(c, conn)
}

// explain puts an error into a line. A skipped case is one that has not passed.
func explain(err error) string {
	if e, ok := err.(*spec.TestError); ok {
		return fmt.Sprintf("expected %s, got %s", strings.Join(e.Expected, " or "), e.Actual)
	}
	return err.Error()
}

func report(scenario string, ok bool, detail string, started time.Time) {
	line, _ := json.Marshal(struct {
		Scenario string `json:"scenario"`
		OK       bool   `json:"ok"`
		Detail   string `json:"detail"`
		Millis   int64  `json:"millis"`
	}{scenario, ok, detail, time.Since(started).Milliseconds()})
	fmt.Fprintln(results, string(line))
}
