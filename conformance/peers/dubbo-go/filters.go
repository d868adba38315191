package main

import (
	"context"

	"dubbo.apache.org/dubbo-go/v3/common/extension"
	"dubbo.apache.org/dubbo-go/v3/filter"
	"dubbo.apache.org/dubbo-go/v3/protocol/base"
	"dubbo.apache.org/dubbo-go/v3/protocol/result"
)

// The library hands a response's attachments to filters only, on both sides.
const (
	providerAttachments = "peer-provider-attachments"
	consumerAttachments = "peer-consumer-attachments"
)

type responseAttachmentsKey struct{}

func init() {
	extension.SetFilter(providerAttachments, func() filter.Filter { return providerFilter{} })
	extension.SetFilter(consumerAttachments, func() filter.Filter { return consumerFilter{} })
}

type providerFilter struct{}

func (providerFilter) Invoke(ctx context.Context, invoker base.Invoker, inv base.Invocation) result.Result {
	return invoker.Invoke(ctx, inv)
}

func (providerFilter) OnResponse(_ context.Context, res result.Result, _ base.Invoker, inv base.Invocation) result.Result {
	if inv.MethodName() == "attachment" {
		res.AddAttachment("reply-key", "reply-value")
	}
	return res
}

type consumerFilter struct{}

func (consumerFilter) Invoke(ctx context.Context, invoker base.Invoker, inv base.Invocation) result.Result {
	return invoker.Invoke(ctx, inv)
}

// OnResponse copies the attachments to where withResponseAttachments asked for them.
func (consumerFilter) OnResponse(ctx context.Context, res result.Result, _ base.Invoker, _ base.Invocation) result.Result {
	if into, ok := ctx.Value(responseAttachmentsKey{}).(map[string]any); ok {
		for key, value := range res.Attachments() {
			into[key] = value
		}
	}
	return res
}

func withResponseAttachments(ctx context.Context, into map[string]any) context.Context {
	return context.WithValue(ctx, responseAttachmentsKey{}, into)
}
