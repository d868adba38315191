package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
)

// A dialect is how messages are framed and written.
type dialect struct {
	name      string
	transport string
	protocol  string
}

var transports = []string{"framed", "buffered", "header"}
var protocols = []string{"binary", "compact"}

func dialects() []dialect {
	var all []dialect
	for _, transport := range transports {
		for _, protocol := range protocols {
			all = append(all, dialect{transport + "-" + protocol, transport, protocol})
		}
	}
	return append(all, dialect{"ttheader-binary", "ttheader", "binary"})
}

// configuration is that of both sides; the limits are the library's own.
func (d dialect) configuration(transforms ...thrift.THeaderTransformID) *thrift.TConfiguration {
	id := thrift.THeaderProtocolBinary
	if d.protocol == "compact" {
		id = thrift.THeaderProtocolCompact
	}
	return &thrift.TConfiguration{
		ConnectTimeout:     5 * time.Second,
		SocketTimeout:      30 * time.Second,
		THeaderProtocolID:  thrift.THeaderProtocolIDPtrMust(id),
		THeaderTransforms:  transforms,
		TBinaryStrictRead:  thrift.BoolPtr(true),
		TBinaryStrictWrite: thrift.BoolPtr(true),
	}
}

func (d dialect) transportFactory(conf *thrift.TConfiguration) thrift.TTransportFactory {
	switch d.transport {
	case "framed":
		return thrift.NewTFramedTransportFactoryConf(thrift.NewTTransportFactory(), conf)
	case "header":
		// Else a frame leaves in three pieces, and Node's library loses its place if the message comes after its header.
		return thrift.NewTHeaderTransportFactoryConf(thrift.NewTBufferedTransportFactory(4096), conf)
	case "ttheader":
		return ttFactory{}
	default:
		return thrift.NewTBufferedTransportFactory(4096)
	}
}

func (d dialect) protocolFactory(conf *thrift.TConfiguration) thrift.TProtocolFactory {
	switch {
	case d.transport == "header":
		return thrift.NewTHeaderProtocolFactoryConf(conf)
	case d.protocol == "compact":
		return thrift.NewTCompactProtocolFactoryConf(conf)
	default:
		return thrift.NewTBinaryProtocolFactoryConf(conf)
	}
}

// A connection of a client.
type connection struct {
	dialect   dialect
	service   string
	transport thrift.TTransport
	protocol  thrift.TProtocol
	clients   map[string]thrift.TClient
	// Whether the server can.
	can func(name string) bool
}

func open(d dialect, address, service string, transforms ...thrift.THeaderTransformID) (*connection, error) {
	conf := d.configuration(transforms...)
	transport, err := d.transportFactory(conf).GetTransport(thrift.NewTSocketConf(address, conf))
	if err != nil {
		return nil, err
	}
	if err := transport.Open(); err != nil {
		return nil, fmt.Errorf("cannot connect to %s: %w", address, err)
	}
	return &connection{d, service, transport, d.protocolFactory(conf).GetProtocol(transport), map[string]thrift.TClient{}, nil}, nil
}

// client is what calls a multiplexed service, or the only one if that has no name. It numbers its calls, and checks
// the names and numbers of answers.
func (c *connection) client(service string) thrift.TClient {
	client := c.clients[service]
	if client == nil {
		out := c.protocol
		transport, isTT := c.transport.(*ttTransport)
		if service != "" && !isTT {
			out = thrift.NewTMultiplexedProtocol(c.protocol, service)
		}
		client = thrift.NewTStandardClient(c.protocol, out)
		if isTT {
			client = &ttClient{client, transport, service}
		}
		c.clients[service] = client
	}
	return client
}

func (c *connection) close() { _ = c.transport.Close() }

// A port is where a server has a dialect. Through a proxy the client need not speak it.
type port struct {
	dialect string
	address string
}

// ports splits `framed-binary=127.0.0.1:9090,…`.
func ports(target string) ([]port, error) {
	var all []port
	for _, entry := range strings.Split(target, ",") {
		name, address, ok := strings.Cut(entry, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not DIALECT=HOST:PORT", entry)
		}
		all = append(all, port{name, address})
	}
	return all, nil
}
