package main

// lacks names what cannot be done with a partner; anything else is expected to work with everybody.
var lacks = map[string]gaps{
	"go-thrift": {},
	"libthrift": {},
	// These have ThriftTest alone.
	"thrift-python": {"multiplexed-test"},
	"thriftpy2":     {"multiplexed-test"},
	"thrift-node":   {"multiplexed-test"},
}
