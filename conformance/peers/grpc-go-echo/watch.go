package main

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	pb "wireloom.org/peer/grpc-go-echo/echo"
)

type echoServer struct {
	pb.UnimplementedEchoServiceServer

	lock sync.Mutex
	seen map[string]*watch
}

// watch notes how a call goes.
type watch struct {
	lock        sync.Mutex
	observation *pb.Observation
}

func (s *echoServer) watch(ctx context.Context, token string) *watch {
	left := int64(-1)
	if deadline, is := ctx.Deadline(); is {
		left = time.Until(deadline).Milliseconds()
	}
	seen := &watch{observation: &pb.Observation{Started: true, MillisLeft: left}}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.seen[token] = seen
	return seen
}

func (s *echoServer) observed(token string) *pb.Observation {
	s.lock.Lock()
	seen := s.seen[token]
	s.lock.Unlock()
	if seen == nil {
		return &pb.Observation{}
	}
	seen.lock.Lock()
	defer seen.lock.Unlock()
	return proto.Clone(seen.observation).(*pb.Observation)
}

func (w *watch) sent() {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.observation.Sent++
}

func (w *watch) end(err error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.observation.Cancelled, w.observation.Finished = err != nil, err == nil
}
