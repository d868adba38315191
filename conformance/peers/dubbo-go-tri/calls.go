package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"dubbo.apache.org/dubbo-go/v3/client"
	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"

	"wireloom.org/peer/dubbo-go-tri/talk"
)

const mib = 1 << 20

var bg = context.Background()

// callSuite is what must be the same with and without the proxy.
func callSuite(target string) ([]scenario, error) {
	r, err := refer(target, "", "1.0.0", requestTimeout)
	if err != nil {
		return nil, err
	}
	check := func(name string, body func(*reference) error) scenario {
		return scenario{name, func() (string, error) { return "", body(r) }}
	}
	return append([]scenario{
		check("idl", texts),
		check("idl-bytes-1mib", large),
		{"idl-group-version", func() (string, error) { return "", groupAndVersion(target, r) }},
		check("idl-attachments", attachments),
		check("idl-exception", func(r *reference) error {
			message := "failed \"as told\", 1/2; [x]"
			_, err := r.text(bg, "Fail", message)
			return failed(err, message, tri.CodeUnknown)
		}),
		{"idl-timeout", func() (string, error) { return "", timeout(target, r) }},
		check("idl-concurrent", concurrent),
	}, streamScenarios(check)...), nil
}

func texts(r *reference) error {
	for _, s := range []string{
		"",
		"na\u00efve caf\u00e9",
		"\u65e5\u672c\u8a9e \U0001f680",
		"nul \u0000, tab \t, line\r\n, quote \" and \\",
		strings.Repeat("\U0001f600", 32_768),
	} {
		came, err := r.text(bg, "Echo", s)
		if err := equal(s, came, err); err != nil {
			return err
		}
	}
	return nil
}

func large(r *reference) error {
	sent, reply := randomBytes(mib), new(talk.Blob)
	err := r.conn.CallUnary(bg, []any{&talk.Blob{Data: sent}}, reply, "Bytes")
	if err == nil && !bytes.Equal(sent, reply.Data) {
		err = errors.New("1 MiB came back changed")
	}
	return err
}

func groupAndVersion(target string, r *reference) error {
	blue, err := refer(target, "blue", "2.0.0", requestTimeout)
	if err != nil {
		return err
	}
	for range 5 {
		answer, err := blue.text(bg, "Whoami", "")
		if err := equal("blue/2.0.0", answer, err); err != nil {
			return err
		}
		answer, err = r.text(bg, "Whoami", "")
		if err := equal("default/1.0.0", answer, err); err != nil {
			return err
		}
	}
	return nil
}

func attachments(r *reference) error {
	for _, value := range []string{"plain", "a=b; c, \"d\" 100%", strings.Repeat("v", 5000)} {
		trailer := http.Header{}
		ctx := tri.NewOutgoingContext(bg, http.Header{"peer-key": {value}, "peer-other": {"peer-key"}})
		answer, err := r.text(ctx, "Attachment", "peer-key", client.WithResponseTrailer(&trailer))
		if err := equal(value, answer, err); err != nil {
			return err
		}
		if err := equal("reply-value", trailer.Get("reply-key"), nil); err != nil {
			return fmt.Errorf("the response's attachment: %w", err)
		}
	}
	answer, err := r.text(bg, "Attachment", "peer-key")
	return equal("null", answer, err)
}

// timeout lets the consumer give up, which resets the stream and costs nothing else.
func timeout(target string, r *reference) error {
	hasty, err := refer(target, "", "1.0.0", 500*time.Millisecond)
	if err != nil {
		return err
	}
	if _, err := hasty.slow(bg, 4000); tri.CodeOf(err) != tri.CodeDeadlineExceeded {
		return fmt.Errorf("expected the status deadline_exceeded but got %w", err)
	}
	answer, err := hasty.text(bg, "Echo", "after")
	return equal("after", answer, err)
}

func concurrent(r *reference) error {
	const calls = 100
	results := make(chan error, calls)
	for i := calls; i > 0; i-- {
		go func() {
			answer, err := r.slow(bg, int32(5*i))
			results <- equal(fmt.Sprint("slept ", 5*i), answer, err)
		}()
	}
	for range calls {
		if err := <-results; err != nil {
			return err
		}
	}
	return nil
}

// failed wants an error made of this status and text.
func failed(err error, text string, codes ...tri.Code) error {
	if err == nil {
		return fmt.Errorf("expected an error with %q but the call succeeded", text)
	}
	if !strings.Contains(err.Error(), text) {
		return fmt.Errorf("the error lacks %q: %T %w", text, err, err)
	}
	for _, code := range codes {
		if tri.CodeOf(err) == code {
			return nil
		}
	}
	return fmt.Errorf("expected the status %v but got %v: %w", codes, tri.CodeOf(err), err)
}
