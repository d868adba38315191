package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // Makes it known.
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	pb "wireloom.org/peer/grpc-go-echo/echo"
)

// begin sends back the metadata that is to be sent back, and compresses answers if that is asked for.
func begin(ctx context.Context) error {
	received, _ := metadata.FromIncomingContext(ctx)
	initial, trailing := metadata.MD{}, metadata.MD{}
	for key, values := range received {
		if strings.HasPrefix(key, "x-echo-initial") {
			initial[key] = values
		}
		if strings.HasPrefix(key, "x-echo-trailing") {
			trailing[key] = values
		}
	}
	if slices.Contains(received.Get("x-compress"), "gzip") {
		if err := grpc.SetSendCompressor(ctx, "gzip"); err != nil {
			return err
		}
	}
	if len(trailing) > 0 {
		if err := grpc.SetTrailer(ctx, trailing); err != nil {
			return err
		}
	}
	if len(initial) > 0 {
		return grpc.SendHeader(ctx, initial)
	}
	return nil
}

func (s *echoServer) Echo(ctx context.Context, item *pb.Item) (*pb.Item, error) {
	return item, begin(ctx)
}

func (s *echoServer) Slow(ctx context.Context, task *pb.Task) (*pb.Item, error) {
	if err := begin(ctx); err != nil {
		return nil, err
	}
	seen := s.watch(ctx, task.Token)
	select {
	case <-time.After(time.Duration(task.PauseMillis) * time.Millisecond):
		seen.end(nil)
		return &pb.Item{Text: task.Token}, nil
	case <-ctx.Done():
		seen.end(ctx.Err())
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}

func (s *echoServer) Fail(ctx context.Context, failure *pb.Failure) (*pb.Item, error) {
	if err := begin(ctx); err != nil {
		return nil, err
	}
	if failure.HeadersFirst {
		if err := grpc.SendHeader(ctx, metadata.MD{}); err != nil {
			return nil, err
		}
	}
	full := &spb.Status{Code: failure.Code, Message: failure.Message}
	if failure.Reason != "" {
		blob := make([]byte, 256)
		for i := range blob {
			blob[i] = byte(i)
		}
		detail, err := anypb.New(&pb.Detail{Reason: failure.Reason, Blob: blob})
		if err != nil {
			return nil, err
		}
		full.Details = []*anypb.Any{detail}
	}
	return nil, status.ErrorProto(full)
}

func (s *echoServer) Collect(stream pb.EchoService_CollectServer) error {
	if err := begin(stream.Context()); err != nil {
		return err
	}
	summary, digest := &pb.Summary{}, sha256.New()
	for {
		item, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			summary.Sha256 = digest.Sum(nil)
			return stream.SendAndClose(summary)
		}
		if err != nil {
			return err
		}
		summary.Count++
		summary.Bytes += uint64(len(item.Payload))
		digest.Write(item.Payload)
	}
}

func (s *echoServer) Early(stream pb.EchoService_EarlyServer) error {
	if err := begin(stream.Context()); err != nil {
		return err
	}
	first, err := stream.Recv()
	for count := uint32(1); err == nil; count++ {
		if count >= first.Number {
			if first.Text != "" {
				return status.Error(codes.FailedPrecondition, first.Text)
			}
			return stream.SendAndClose(&pb.Summary{Count: count})
		}
		_, err = stream.Recv()
	}
	return err
}

func (s *echoServer) Emit(task *pb.Task, stream pb.EchoService_EmitServer) error {
	if err := begin(stream.Context()); err != nil {
		return err
	}
	seen := s.watch(stream.Context(), task.Token)
	for number := range task.Count {
		if task.PauseMillis > 0 {
			time.Sleep(time.Duration(task.PauseMillis) * time.Millisecond)
		}
		if err := stream.Send(&pb.Item{Number: number, Payload: pattern(number, task.Size)}); err != nil {
			seen.end(err)
			return err
		}
		seen.sent()
	}
	seen.end(nil)
	if task.Code != 0 {
		return status.Error(codes.Code(task.Code), task.Message)
	}
	return nil
}

func (s *echoServer) Chat(stream pb.EchoService_ChatServer) error {
	if err := begin(stream.Context()); err != nil {
		return err
	}
	var seen *watch
	err := func() error {
		for {
			item, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if token, known := strings.CutPrefix(item.Text, "token "); known && seen == nil {
				seen = s.watch(stream.Context(), token)
			}
			if err := stream.Send(item); err != nil {
				return err
			}
		}
	}()
	if seen == nil {
		return err
	}
	if err == nil {
		// Some clients half-close a call that they cancel, and reset it a little later. If no reset comes, it did end.
		select {
		case <-stream.Context().Done():
			err = status.FromContextError(stream.Context().Err()).Err()
		case <-time.After(5 * time.Second):
		}
	}
	seen.end(err)
	return err
}

func (s *echoServer) Reverse(stream pb.EchoService_ReverseServer) error {
	if err := begin(stream.Context()); err != nil {
		return err
	}
	var items []*pb.Item
	for {
		item, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		items = append(items, item)
	}
	for _, item := range slices.Backward(items) {
		if err := stream.Send(item); err != nil {
			return err
		}
	}
	return nil
}

func (s *echoServer) Observe(_ context.Context, task *pb.Task) (*pb.Observation, error) {
	return s.observed(task.Token), nil
}

// pattern is bytes that tell items apart: the number in eight hexadecimal digits and a dot, again and again.
func pattern(number, size uint32) []byte {
	unit := fmt.Appendf(nil, "%08x.", number)
	return bytes.Repeat(unit, int(size)/len(unit)+1)[:size]
}
