package main

// lacks names what cannot be done with a partner; anything else is expected to work with everybody.
var lacks = map[string][]string{
	"dubbo-go-tri": {},
	// Java's errors of unary calls have HTTP status 500 beside the gRPC one, and this library then looks no further.
	"dubbo-tri": {"idl-exception"},
}
