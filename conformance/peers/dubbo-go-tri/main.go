// A dubbo-go provider and consumer over Triple, with messages made of the same talk.proto as those of the Java peer.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/dubbogo/gost/log/logger"

	_ "dubbo.apache.org/dubbo-go/v3/cluster/cluster/failover"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/loadbalance/random"
	_ "dubbo.apache.org/dubbo-go/v3/filter/echo"
	_ "dubbo.apache.org/dubbo-go/v3/filter/graceful_shutdown"
	_ "dubbo.apache.org/dubbo-go/v3/protocol/triple"
	_ "dubbo.apache.org/dubbo-go/v3/proxy/proxy_factory"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	port := flags.Int("port", 0, "the provider's port")
	target := flags.String("target", "", "HOST:PORT that the consumer calls")
	suite := flags.String("suite", "calls", "calls, errors or idle")
	with := flags.String("with", "", "the partner behind the target")
	flags.String("mode", "direct", "direct or proxied; no scenario of this peer differs by it")
	_ = flags.Parse(os.Args[2:])

	// The library logs to stdout, which belongs to the harness.
	logger.SetLogger(stderrLogger{})
	switch os.Args[1] {
	case "server":
		if err := serve(*port); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "client":
		os.Exit(run(*target, *suite, *with))
	default:
		usage()
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: server --port N | client --target HOST:PORT --suite calls|errors|idle [--with PEER]")
	os.Exit(2)
}
