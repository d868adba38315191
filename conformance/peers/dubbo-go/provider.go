package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/apache/dubbo-go-hessian2/java_exception"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
)

// Provider is the shared service's implementation. Its methods are known to callers by their names in Java's
// spelling, with a small first letter, which the library adds.
type Provider struct {
	identity string
	lock     sync.Mutex
	counts   map[string]int32
}

// Reference tells the library's exports of one interface apart.
func (p *Provider) Reference() string { return "EchoService " + p.identity }

func (p *Provider) Echo(_ context.Context, s any) (any, error) { return s, nil }

func (p *Provider) Bytes(_ context.Context, b []byte) ([]byte, error) { return b, nil }

func (p *Provider) Add(_ context.Context, a, b int32) (int32, error) { return a + b, nil }

func (p *Provider) Nothing(context.Context) (any, error) { return nil, nil }

func (p *Provider) Fail(_ context.Context, message string) error {
	return &EchoFailure{DetailMessage: message, StackTrace: []java_exception.StackTraceElement{}, Reason: message}
}

func (p *Provider) BlowUp(_ context.Context, message string) error {
	return java_exception.NewIllegalStateException(message)
}

func (p *Provider) Slow(_ context.Context, millis int32) (string, error) {
	time.Sleep(time.Duration(millis) * time.Millisecond)
	return fmt.Sprintf("slept %d", millis), nil
}

func (p *Provider) Later(ctx context.Context, millis int32) (string, error) {
	return p.Slow(ctx, millis)
}

func (p *Provider) Person(_ context.Context, person *Person) (*Person, error) {
	person.Age++
	return person, nil
}

// Attachment leaves the response's attachment to providerAttachments.
func (p *Provider) Attachment(ctx context.Context, key string) (any, error) {
	attachments, _ := ctx.Value(constant.AttachmentKey).(map[string]any)
	value, ok := attachments[key]
	if !ok || value == nil {
		return nil, nil
	}
	if list, ok := value.([]any); ok {
		// As Java writes a list.
		texts := make([]string, len(list))
		for i, element := range list {
			texts[i] = fmt.Sprint(element)
		}
		return "[" + strings.Join(texts, ", ") + "]", nil
	}
	return fmt.Sprint(value), nil
}

func (p *Provider) Fire(_ context.Context, token string) error {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.counts[token]++
	return nil
}

func (p *Provider) Fired(_ context.Context, token string) (int32, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.counts[token], nil
}

func (p *Provider) Whoami(context.Context) (string, error) { return p.identity, nil }
