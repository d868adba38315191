package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/cloudwego/gopkg/protocol/ttheader"
)

// ttTransport is TTHeader, by the library that Kitex reads and writes it with. Behind a header comes a message, which may
// have a length of its own once more.
type ttTransport struct {
	thrift.TTransport
	reader *bufio.Reader
	in     *bytes.Reader
	out    bytes.Buffer
	// What the last frame had, and what the next one is to have.
	got    ttheader.DecodeParam
	ints   map[uint16]string
	strs   map[string]string
	framed bool
}

func newTTTransport(socket thrift.TTransport) *ttTransport {
	return &ttTransport{TTransport: socket, reader: bufio.NewReader(socket), in: bytes.NewReader(nil)}
}

// ttFactory makes them.
type ttFactory struct{}

func (ttFactory) GetTransport(socket thrift.TTransport) (thrift.TTransport, error) {
	return newTTTransport(socket), nil
}

// readFrame waits for a frame. A server answers as it was asked: with a length behind the header, or none.
func (t *ttTransport) readFrame() error {
	if t.in.Len() > 0 {
		return nil
	}
	var length [4]byte
	if _, err := io.ReadFull(t.reader, length[:]); err != nil {
		return thrift.NewTTransportExceptionFromError(err)
	}
	size := binary.BigEndian.Uint32(length[:])
	if size > thrift.DEFAULT_MAX_FRAME_SIZE {
		return thrift.NewTTransportException(thrift.UNKNOWN_TRANSPORT_EXCEPTION, "the frame is too large")
	}
	frame := make([]byte, 4+size)
	copy(frame, length[:])
	if _, err := io.ReadFull(t.reader, frame[4:]); err != nil {
		return thrift.NewTTransportExceptionFromError(err)
	}
	var err error
	if t.got, err = ttheader.DecodeFromBytes(context.Background(), frame); err != nil {
		return thrift.NewTTransportExceptionFromError(err)
	}
	payload := frame[t.got.HeaderLen:]
	if t.framed = len(payload) >= 4 && payload[0] == 0; t.framed {
		payload = payload[4:]
	}
	t.in.Reset(payload)
	return nil
}

func (t *ttTransport) Read(data []byte) (int, error) {
	if err := t.readFrame(); err != nil {
		return 0, err
	}
	return t.in.Read(data)
}

func (t *ttTransport) Write(data []byte) (int, error) { return t.out.Write(data) }

func (t *ttTransport) RemainingBytes() uint64 { return uint64(t.in.Len()) }

func (t *ttTransport) Flush(ctx context.Context) error {
	defer t.out.Reset()
	name, seqid, err := start(t.out.Bytes())
	if err != nil {
		return err
	}
	ints := map[uint16]string{ttheader.ToMethod: name}
	maps.Copy(ints, t.ints)
	header, err := ttheader.EncodeToBytes(ctx, ttheader.EncodeParam{SeqID: seqid, IntInfo: ints, StrInfo: t.strs})
	if err != nil {
		return err
	}
	if t.framed {
		header = binary.BigEndian.AppendUint32(header, uint32(t.out.Len()))
	}
	binary.BigEndian.PutUint32(header, uint32(len(header)-4+t.out.Len()))
	if _, err := t.TTransport.Write(append(header, t.out.Bytes()...)); err != nil {
		return err
	}
	return t.TTransport.Flush(ctx)
}

// start reads what a header repeats of a message in binary.
func start(message []byte) (name string, seqid int32, err error) {
	if len(message) < 8 || len(message) < 12+int(binary.BigEndian.Uint32(message[4:])) {
		return "", 0, errors.New("this is no message")
	}
	end := 8 + binary.BigEndian.Uint32(message[4:])
	return string(message[8:end]), int32(binary.BigEndian.Uint32(message[end:])), nil
}

// ttProcessor finds the service by the header, as servers of Kitex with several services do.
type ttProcessor struct {
	thrift.TProcessor
	services services
}

type ttKey struct{}

func (p *ttProcessor) Process(ctx context.Context, in, out thrift.TProtocol) (bool, thrift.TException) {
	asked, answered := in.Transport().(*ttTransport), out.Transport().(*ttTransport)
	if err := asked.readFrame(); err != nil {
		return false, thrift.WrapTException(err)
	}
	headers := thrift.THeaderMap{}
	maps.Copy(headers, asked.got.StrInfo)
	ctx = thrift.AddReadTHeaderToContext(ctx, headers)
	ctx = context.WithValue(ctx, ttKey{}, answered)
	answered.framed = asked.framed
	answered.strs = map[string]string{}
	// Kitex does not; it lets clients see what arrived.
	answered.ints = asked.got.IntInfo
	if name := asked.got.StrInfo[ttheader.HeaderIDLServiceName]; name != "" && p.services[name] != nil {
		return p.services[name].Process(ctx, in, out)
	}
	return p.TProcessor.Process(ctx, in, out)
}

// ttClient calls a service by its name in the header, with the headers that THeader would have.
type ttClient struct {
	thrift.TClient
	transport *ttTransport
	service   string
}

func (c *ttClient) Call(ctx context.Context, method string, args, result thrift.TStruct) (thrift.ResponseMeta, error) {
	headers := map[string]string{}
	if c.service != "" {
		headers[ttheader.HeaderIDLServiceName] = c.service
	}
	for _, key := range thrift.GetWriteHeaderList(ctx) {
		if value, ok := thrift.GetHeader(ctx, key); ok {
			headers[key] = value
		}
	}
	c.transport.strs = headers
	meta, err := c.TClient.Call(ctx, method, args, result)
	meta.Headers = thrift.THeaderMap(c.transport.got.StrInfo)
	return meta, err
}
