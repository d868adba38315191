package main

import "strings"

// gaps are what a partner cannot do, as `CASE` or `DIALECT/CASE`, where DIALECT is a part of the name of the dialect that
// it serves. A case is a scenario's or a detail of one.
type gaps []string

var lacks = map[string]gaps{
	"go-thrift": {},
	"libthrift": {},
	// These have ThriftTest alone.
	"thrift-python": {"multiplexed-test"},
	"thriftpy2":     {"multiplexed-test"},
	// It writes -0 as 0, no types of its TApplicationExceptions, and reads every element of a compact list of bools as
	// false. What its handlers answer later leaves without THeader's header.
	"thrift-node": {"multiplexed-test", "negative-zero", "exception-types", "compact/bools", "header/slow",
		"header/concurrent", "header/zlib"},
}

func (g gaps) has(dialect, name string) bool {
	for _, gap := range g {
		where, what, both := strings.Cut(gap, "/")
		if gap == name || (both && what == name && strings.Contains(dialect, where)) {
			return true
		}
	}
	return false
}
