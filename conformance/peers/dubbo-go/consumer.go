package main

import (
	"context"
	"time"

	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/filter/generic"
	"dubbo.apache.org/dubbo-go/v3/remoting/getty"
)

// EchoService is the consumer's view: the library puts a call into each field.
type EchoService struct {
	Echo       func(ctx context.Context, s string) (string, error)        `dubbo:"echo"`
	Probe      func(ctx context.Context, s string) (any, error)           `dubbo:"$echo"`
	Bytes      func(ctx context.Context, b []byte) ([]byte, error)        `dubbo:"bytes"`
	Add        func(ctx context.Context, a, b int32) (int32, error)       `dubbo:"add"`
	Nothing    func(ctx context.Context) (any, error)                     `dubbo:"nothing"`
	Fail       func(ctx context.Context, message string) (any, error)     `dubbo:"fail"`
	BlowUp     func(ctx context.Context, message string) (any, error)     `dubbo:"blowUp"`
	Slow       func(ctx context.Context, millis int32) (string, error)    `dubbo:"slow"`
	Person     func(ctx context.Context, person *Person) (*Person, error) `dubbo:"person"`
	Attachment func(ctx context.Context, key string) (any, error)         `dubbo:"attachment"`
	Fire       func(ctx context.Context, token string) (any, error)       `dubbo:"fire"`
	Fired      func(ctx context.Context, token string) (int32, error)     `dubbo:"fired"`
	Whoami     func(ctx context.Context) (string, error)                  `dubbo:"whoami"`
}

const requestTimeout = 10 * time.Second

// consumers makes references to one target, all of which share one connection.
type consumers struct {
	target string
	client *client.Client
}

// newConsumers sets the heartbeat of the process's connections; zero keeps the library's own (30 s).
func newConsumers(target string, heartbeat time.Duration) (*consumers, error) {
	conf := getty.GetDefaultClientConfig()
	// The default is 16 connections of which a call takes any.
	conf.ConnectionNum = 1
	conf.GettySessionParam.MaxMsgLen = maxMessage
	if heartbeat > 0 {
		conf.HeartbeatPeriod = heartbeat.String()
		conf.HeartbeatTimeout = (heartbeat / 2).String()
	}
	getty.SetClientConf(*conf)

	cli, err := client.NewClient(
		client.WithClientProtocolDubbo(),
		client.WithClientURL("dubbo://"+target),
		client.WithClientRequestTimeout(requestTimeout),
		client.WithClientRetries(0),
		client.WithClientNoCheck(),
	)
	if err != nil {
		return nil, err
	}
	return &consumers{target: target, client: cli}, nil
}

func (c *consumers) service(group, version string, options ...client.ReferenceOption) (*EchoService, error) {
	service := &EchoService{}
	options = append([]client.ReferenceOption{
		client.WithGroup(group),
		client.WithVersion(version),
		client.WithSerialization("hessian2"),
		client.WithFilter(consumerAttachments),
	}, options...)
	_, err := c.client.DialWithService(serviceInterface, service, options...)
	return service, err
}

func (c *consumers) generic() (*generic.GenericService, error) {
	// A client's references share their options: the group is that of the last one unless it is said.
	return c.client.NewGenericService(serviceInterface, client.WithGroup(""), client.WithVersion("1.0.0"))
}
