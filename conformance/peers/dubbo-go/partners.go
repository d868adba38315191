package main

// lacks names what cannot be done with a partner; anything else is expected to work with everybody.
var lacks = map[string][]string{
	"dubbo-go": {},
	// Java's $echo takes a java.lang.Object, and this library declares a string argument as nothing else.
	"dubbo-3.3": {"echo-probe"},
	"dubbo-2.7": {"echo-probe"},
}
