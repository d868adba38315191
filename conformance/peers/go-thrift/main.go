// A server and a client of the conformance suite's Thrift services, made with Apache Thrift's library for Go.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.Int("port", 0, "unused: every dialect has a port that the system chooses")
	target := flags.String("target", "", "DIALECT=HOST:PORT,… that the client calls")
	suite := flags.String("suite", "calls", "calls, thrifttest, sniff, errors or translate")
	with := flags.String("with", "", "the partner behind the targets")
	mode := flags.String("mode", "direct", "direct or proxied")
	_ = flags.Parse(os.Args[2:])

	switch os.Args[1] {
	case "server":
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "client":
		os.Exit(run(*target, *suite, *with, *mode))
	default:
		usage()
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: server | client --target DIALECT=HOST:PORT,… [--suite SUITE] [--with PEER] [--mode MODE]")
	os.Exit(2)
}
