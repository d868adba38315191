package main

import (
	"context"
	"time"

	"dubbo.apache.org/dubbo-go/v3/client"
	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"

	"wireloom.org/peer/dubbo-go-tri/talk"
)

const requestTimeout = 10 * time.Second

// reference is a consumer of one export, with a connection of its own.
type reference struct{ conn *client.Connection }

func refer(target, group, version string, timeout time.Duration) (*reference, error) {
	cli, err := client.NewClient(
		client.WithClientProtocolTriple(),
		client.WithClientURL("tri://"+target),
		client.WithClientRequestTimeout(timeout),
		client.WithClientRetries(0),
		client.WithClientNoCheck(),
	)
	if err != nil {
		return nil, err
	}
	info := &client.ClientInfo{InterfaceName: serviceInterface}
	for _, method := range talkInfo.Methods {
		info.MethodNames = append(info.MethodNames, method.Name)
	}
	conn, err := cli.DialWithInfo(serviceInterface, info, client.WithGroup(group), client.WithVersion(version))
	return &reference{conn}, err
}

// text calls a method that takes a text and answers one.
func (r *reference) text(ctx context.Context, method, text string, options ...client.CallOption) (string, error) {
	reply := new(talk.Text)
	err := r.conn.CallUnary(ctx, []any{&talk.Text{Text: text}}, reply, method, options...)
	return reply.Text, err
}

func (r *reference) slow(ctx context.Context, millis int32) (string, error) {
	reply := new(talk.Text)
	err := r.conn.CallUnary(ctx, []any{&talk.Number{Value: millis}}, reply, "Slow")
	return reply.Text, err
}

func (r *reference) count(ctx context.Context, request *talk.Range) (*tri.ServerStreamForClient, error) {
	stream, err := r.conn.CallServerStream(ctx, request, "Count")
	if err != nil {
		return nil, err
	}
	return stream.(*tri.ServerStreamForClient), nil
}

func (r *reference) sum(ctx context.Context) (*tri.ClientStreamForClient, error) {
	stream, err := r.conn.CallClientStream(ctx, "Sum")
	if err != nil {
		return nil, err
	}
	return stream.(*tri.ClientStreamForClient), nil
}

func (r *reference) chat(ctx context.Context) (*tri.BidiStreamForClient, error) {
	stream, err := r.conn.CallBidiStream(ctx, "Chat")
	if err != nil {
		return nil, err
	}
	return stream.(*tri.BidiStreamForClient), nil
}
