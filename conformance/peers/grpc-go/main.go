// grpc-go's own interop server and client, run as a peer of the conformance suite.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	port := flags.Int("port", 0, "the server's port")
	target := flags.String("target", "", "HOST:PORT that the client calls")
	suite := flags.String("suite", "calls", "calls or errors")
	flags.String("with", "", "the partner behind the target; there is one")
	flags.String("mode", "direct", "direct or proxied; no case differs by it")
	_ = flags.Parse(os.Args[2:])

	// What is started is to die with this program, which the system ties to the thread that started it.
	runtime.LockOSThread()
	switch os.Args[1] {
	case "server":
		if err := serve(*port); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "client":
		suites := map[string]func(client) []scenario{"calls": calls, "errors": failures}
		scenarios := suites[*suite]
		if scenarios == nil || *target == "" {
			usage()
		}
		c := client{target: *target, deadline: time.Now().Add(130 * time.Second)}
		os.Exit(run(scenarios(c)))
	default:
		usage()
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: server --port N | client --target HOST:PORT --suite calls|errors")
	os.Exit(2)
}

// program is one of the two that were installed beside this one.
func program(name string) string {
	here, err := os.Executable()
	if err != nil {
		here = os.Args[0]
	}
	return filepath.Join(filepath.Dir(here), "interop-"+name)
}
