package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"

	"wireloom.org/peer/dubbo-go-tri/talk"
)

const messages = 1000

func streamScenarios(check func(string, func(*reference) error) scenario) []scenario {
	return []scenario{
		check("server-stream", serverStream),
		check("client-stream", clientStream),
		check("bidi-stream", bidiStream),
		check("stream-error", streamError),
		check("stream-cancel", cancelBidi),
		check("server-stream-cancel", cancelServerStream),
	}
}

func numbers(stream *tri.ServerStreamForClient) (int32, error) {
	count := int32(0)
	for stream.Receive(new(talk.Number)) {
		if value := stream.Msg().(*talk.Number).Value; value != count {
			return count, fmt.Errorf("expected %d but got %d", count, value)
		}
		count++
	}
	return count, stream.Err()
}

func serverStream(r *reference) error {
	for _, request := range []*talk.Range{{Count: messages}, {Count: 0}, {Count: 4, Pause: 100}} {
		stream, err := r.count(bg, request)
		if err != nil {
			return err
		}
		count, err := numbers(stream)
		if err := equal(request.Count, count, err); err != nil {
			return err
		}
	}
	return nil
}

func clientStream(r *reference) error {
	stream, err := r.sum(bg)
	if err != nil {
		return err
	}
	for i := range int32(messages) {
		if err := stream.Send(&talk.Number{Value: i}); err != nil {
			return err
		}
	}
	sum := new(talk.Number)
	err = stream.CloseAndReceive(tri.NewResponse(sum))
	return equal(int32(messages*(messages-1)/2), sum.Value, err)
}

// ping wants a text back before it says another.
func ping(stream *tri.BidiStreamForClient, text string) error {
	if err := stream.Send(&talk.Text{Text: text}); err != nil {
		return err
	}
	came := new(talk.Text)
	err := stream.Receive(came)
	return equal(text, came.Text, err)
}

func bidiStream(r *reference) error {
	stream, err := r.chat(bg)
	if err != nil {
		return err
	}
	for i := range 100 {
		if err := ping(stream, fmt.Sprint("ping ", i)); err != nil {
			return err
		}
	}
	if err := stream.CloseRequest(); err != nil {
		return err
	}
	if err := stream.Receive(new(talk.Text)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("expected the end of the stream but got %v", err)
	}
	return stream.CloseResponse()
}

// streamError wants what was sent before the error, and then the error.
func streamError(r *reference) error {
	stream, err := r.count(bg, &talk.Range{Count: 10, FailAfter: 3})
	if err != nil {
		return err
	}
	count, err := numbers(stream)
	if err := failed(err, "failed after 3", tri.CodeUnknown); err != nil {
		return err
	}
	return equal(int32(3), count, nil)
}

// cancelBidi resets a stream that is open both ways, which the provider learns.
func cancelBidi(r *reference) error {
	token := fmt.Sprint("cancel-", time.Now().UnixNano())
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	stream, err := r.chat(ctx)
	if err != nil {
		return err
	}
	if err := ping(stream, token); err != nil {
		return err
	}
	cancel()
	// The library is still waiting for something to send; only this makes it notice.
	_ = stream.CloseResponse()
	return awaitCancelled(r, token)
}

// cancelServerStream resets one whose client has nothing more to say.
func cancelServerStream(r *reference) error {
	token := fmt.Sprint("cancel-", time.Now().UnixNano())
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	stream, err := r.count(ctx, &talk.Range{Count: 600, Pause: 100, Token: token})
	if err != nil {
		return err
	}
	if !stream.Receive(new(talk.Number)) {
		return fmt.Errorf("expected a number but got %w", stream.Err())
	}
	cancel()
	return awaitCancelled(r, token)
}

func awaitCancelled(r *reference, token string) error {
	cancelled := new(talk.Number)
	for range 500 {
		err := r.conn.CallUnary(bg, []any{&talk.Text{Text: token}}, cancelled, "Cancelled")
		if err != nil {
			return err
		}
		if cancelled.Value > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return equal(int32(1), cancelled.Value, nil)
}
