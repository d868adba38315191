package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"

	"wireloom.org/peer/dubbo-go-tri/talk"
)

// Provider is the service's implementation, once per export.
type Provider struct {
	identity  string
	lock      sync.Mutex
	cancelled map[string]int32
}

// Reference tells the library's exports of one interface apart.
func (p *Provider) Reference() string { return "Talk " + p.identity }

func (p *Provider) Echo(_ context.Context, request *talk.Text) (*talk.Text, error) {
	return request, nil
}

func (p *Provider) Bytes(_ context.Context, request *talk.Blob) (*talk.Blob, error) {
	return request, nil
}

func (p *Provider) Whoami(context.Context, *talk.Text) (*talk.Text, error) {
	return &talk.Text{Text: p.identity}, nil
}

func (p *Provider) Fail(_ context.Context, request *talk.Text) (*talk.Text, error) {
	return nil, failure(request.Text)
}

func (p *Provider) Slow(_ context.Context, request *talk.Number) (*talk.Text, error) {
	time.Sleep(time.Duration(request.Value) * time.Millisecond)
	return &talk.Text{Text: fmt.Sprint("slept ", request.Value)}, nil
}

func (p *Provider) Attachment(ctx context.Context, request *talk.Text) (*talk.Text, error) {
	if err := tri.SetTrailer(ctx, http.Header{"reply-key": {"reply-value"}}); err != nil {
		return nil, err
	}
	attachments, _ := ctx.Value(constant.AttachmentKey).(map[string]any)
	values, ok := attachments[strings.ToLower(request.Text)].([]string)
	if !ok {
		return &talk.Text{Text: "null"}, nil
	}
	return &talk.Text{Text: strings.Join(values, ",")}, nil
}

func (p *Provider) Cancelled(_ context.Context, request *talk.Text) (*talk.Number, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	return &talk.Number{Value: p.cancelled[request.Text]}, nil
}

func (p *Provider) Count(ctx context.Context, request *talk.Range, stream *tri.ServerStream) error {
	for i := range request.Count {
		select {
		case <-ctx.Done():
			p.cancel(request.Token)
			return ctx.Err()
		case <-time.After(time.Duration(request.Pause) * time.Millisecond):
		}
		if request.FailAfter != 0 && i == request.FailAfter {
			return failure(fmt.Sprint("failed after ", i))
		}
		if err := stream.Send(&talk.Number{Value: i}); err != nil {
			return err
		}
	}
	return nil
}

func (p *Provider) Sum(stream *tri.ClientStream) (*talk.Number, error) {
	sum := new(talk.Number)
	for stream.Receive(new(talk.Number)) {
		sum.Value += stream.Msg().(*talk.Number).Value
	}
	return sum, stream.Err()
}

func (p *Provider) Chat(stream *tri.BidiStream) error {
	token := ""
	for {
		text := new(talk.Text)
		if err := stream.Receive(text); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			p.cancel(token)
			return err
		}
		token = text.Text
		if token == "fail" {
			return failure("failed as told")
		}
		if err := stream.Send(text); err != nil {
			return err
		}
	}
}

func (p *Provider) cancel(token string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.cancelled[token]++
}

func failure(text string) error { return tri.NewError(tri.CodeUnknown, errors.New(text)) }
