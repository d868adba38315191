package main

import (
	"context"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
	"dubbo.apache.org/dubbo-go/v3/server"

	"wireloom.org/peer/dubbo-go-tri/talk"
)

const serviceInterface = "org.wireloom.peer.idl.Talk"

// talkInfo tells the library what a stub generator would: how to call the provider's methods.
var talkInfo = server.ServiceInfo{
	InterfaceName: serviceInterface,
	Methods: []server.MethodInfo{
		unary("Echo", (*Provider).Echo),
		unary("Bytes", (*Provider).Bytes),
		unary("Whoami", (*Provider).Whoami),
		unary("Fail", (*Provider).Fail),
		unary("Slow", (*Provider).Slow),
		unary("Attachment", (*Provider).Attachment),
		unary("Cancelled", (*Provider).Cancelled),
		{
			Name:           "Count",
			Type:           constant.CallServerStream,
			ReqInitFunc:    func() any { return new(talk.Range) },
			StreamInitFunc: func(stream any) any { return stream },
			MethodFunc: func(ctx context.Context, args []any, handler any) (any, error) {
				return nil, handler.(*Provider).Count(ctx, args[0].(*talk.Range), args[1].(*tri.ServerStream))
			},
		},
		{
			Name:           "Sum",
			Type:           constant.CallClientStream,
			StreamInitFunc: func(stream any) any { return stream },
			MethodFunc: func(_ context.Context, args []any, handler any) (any, error) {
				return answer(handler.(*Provider).Sum(args[0].(*tri.ClientStream)))
			},
		},
		{
			Name:           "Chat",
			Type:           constant.CallBidiStream,
			StreamInitFunc: func(stream any) any { return stream },
			MethodFunc: func(_ context.Context, args []any, handler any) (any, error) {
				return nil, handler.(*Provider).Chat(args[0].(*tri.BidiStream))
			},
		},
	},
}

func unary[Q, A any](name string, method func(*Provider, context.Context, *Q) (*A, error)) server.MethodInfo {
	return server.MethodInfo{
		Name:        name,
		Type:        constant.CallUnary,
		ReqInitFunc: func() any { return new(Q) },
		MethodFunc: func(ctx context.Context, args []any, handler any) (any, error) {
			return answer(method(handler.(*Provider), ctx, args[0].(*Q)))
		},
	}
}

func answer[A any](message *A, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return tri.NewResponse(message), nil
}
