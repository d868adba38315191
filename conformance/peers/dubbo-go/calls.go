package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/protocol/dubbo/hessian2"
)

const mib = 1 << 20

// heartbeat is the period of the suite's connection: a reply that is missing for half of it is a miss, and the
// library gives the connection up at the fourth.
const heartbeat = time.Second

var bg = context.Background()

// callSuite is what must be the same with and without the proxy.
func callSuite(target string) ([]scenario, error) {
	c, err := newConsumers(target, heartbeat)
	if err != nil {
		return nil, err
	}
	echo, err := c.service("", "1.0.0")
	if err != nil {
		return nil, err
	}
	scenarios := []scenario{
		{"sync", func() (string, error) { return "", syncCalls(echo) }},
		{"echo-probe", func() (string, error) {
			answer, err := echo.Probe(bg, "OK")
			return "", equal("OK", answer, err)
		}},
		{"null", func() (string, error) {
			answer, err := echo.Nothing(bg)
			return "", equal(nil, answer, err)
		}},
		{"void", func() (string, error) { return "", void(echo) }},
		{"exception", func() (string, error) { return "", exception(echo) }},
		{"runtime-exception", func() (string, error) {
			_, err := echo.BlowUp(bg, "blown up \u2713")
			return "", thrown("java.lang.IllegalStateException", "blown up \u2713", err)
		}},
		{"attachments", func() (string, error) { return "", attachments(echo) }},
		{"person", func() (string, error) { return "", person(echo) }},
		{"unicode", func() (string, error) { return "", unicode(echo) }},
		{"bytes-1mib", func() (string, error) {
			sent := randomBytes(mib)
			came, err := echo.Bytes(bg, sent)
			if err == nil && !bytes.Equal(sent, came) {
				err = errors.New("1 MiB came back changed")
			}
			return "", err
		}},
		{"string-1mib", func() (string, error) {
			sent := strings.Repeat("wireloom \u00e9 \u4e2d \U0001f600.", mib/18)
			came, err := echo.Echo(bg, sent)
			if err == nil && sent != came {
				err = errors.New("a string of 1 MiB came back changed")
			}
			return "", err
		}},
		{"group-version", func() (string, error) {
			blue, err := c.service("blue", "2.0.0")
			if err != nil {
				return "", err
			}
			for range 5 {
				answer, err := blue.Whoami(bg)
				if err := equal("blue/2.0.0", answer, err); err != nil {
					return "", err
				}
				answer, err = echo.Whoami(bg)
				if err := equal("default/1.0.0", answer, err); err != nil {
					return "", err
				}
			}
			return "", nil
		}},
		{"one-way", func() (string, error) { return "", oneWay(echo) }},
		{"concurrent", func() (string, error) { return concurrent(echo, target) }},
		{"heartbeat", func() (string, error) { return "", idleFor(echo, target, 6*heartbeat) }},
	}
	return append(scenarios, genericScenarios(c)...), nil
}

func syncCalls(echo *EchoService) error {
	if answer, err := echo.Echo(bg, "hello"); err != nil || answer != "hello" {
		return equal("hello", answer, err)
	}
	if sum, err := echo.Add(bg, 40, 2); err != nil || sum != 42 {
		return equal(int32(42), sum, err)
	}
	if sum, err := echo.Add(bg, math.MaxInt32, 1); err != nil || sum != math.MinInt32 {
		return equal(int32(math.MinInt32), sum, err)
	}
	if answer, err := echo.Slow(bg, 20); err != nil || answer != "slept 20" {
		return equal("slept 20", answer, err)
	}
	sent := randomBytes(1000)
	came, err := echo.Bytes(bg, sent)
	return equal(sent, came, err)
}

func void(echo *EchoService) error {
	token := fmt.Sprint("void-", time.Now().UnixNano())
	if answer, err := echo.Fire(bg, token); err != nil || answer != nil {
		return equal(nil, answer, err)
	}
	count, err := echo.Fired(bg, token)
	return equal(int32(1), count, err)
}

func exception(echo *EchoService) error {
	message := "declared \u2713 \U0001f680"
	_, err := echo.Fail(bg, message)
	return thrown("org.wireloom.peer.EchoFailure", message, err)
}

// thrown wants an exception as the library shows every one: its Java class and message, in a type of its own.
func thrown(class, message string, err error) error {
	var generic *hessian2.GenericException
	if !errors.As(err, &generic) {
		return fmt.Errorf("expected %s but got %T %v", class, err, err)
	}
	if err := equal(class, generic.ExceptionClass, nil); err != nil {
		return err
	}
	return equal(message, generic.ExceptionMessage, nil)
}

func attachments(echo *EchoService) error {
	for _, value := range []string{"plain", "\u65e5\u672c \U0001f680", strings.Repeat("v", 5000)} {
		response := map[string]any{}
		ctx := withResponseAttachments(bg, response)
		// A value that a decoder of the arguments could mistake for the attachment's name.
		ctx = context.WithValue(ctx, constant.AttachmentKey, map[string]any{"peer-key": value, "peer-other": "peer-key"})
		answer, err := echo.Attachment(ctx, "peer-key")
		if err := equal(value, answer, err); err != nil {
			return err
		}
		if err := equal("reply-value", response["reply-key"], nil); err != nil {
			return fmt.Errorf("the response's attachment: %w", err)
		}
	}
	answer, err := echo.Attachment(bg, "peer-key")
	return equal(nil, answer, err)
}

func person(echo *EchoService) error {
	sent := func() *Person {
		return &Person{
			Name:      "Ada \U0001f9ee",
			Age:       36,
			Mood:      moodCurious,
			Born:      time.UnixMilli(-4_891_363_199_000),
			Tags:      []string{"maths", "engine", ""},
			Addresses: []*Address{{"St James's Square", 12}, {"Ockham Park", -1}},
			Scores:    map[string]int32{"notes": 7, "large": math.MaxInt32},
		}
	}
	came, err := echo.Person(bg, sent())
	if err != nil {
		return err
	}
	expected := sent()
	expected.Age = 37
	if !came.Born.Equal(expected.Born) {
		return equal(expected.Born, came.Born, nil)
	}
	came.Born = expected.Born
	return equal(expected, came, nil)
}

func unicode(echo *EchoService) error {
	for _, s := range []string{
		"",
		"na\u00efve caf\u00e9",
		"\u65e5\u672c\u8a9e \u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac",
		"\U0001f680 launch \U0001f469\u200d\U0001f469\u200d\U0001f467",
		"\U0001d11e clef",
		"nul \u0000, tab \t, line\r\n, quote \" and \\",
		strings.Repeat("\u00e9", 31),
		strings.Repeat("\u00e9", 32),
		strings.Repeat("\u4e2d", 1023),
		strings.Repeat("\u4e2d", 1024),
		// A surrogate pair straddles the chunk of 32,768 units.
		"x" + strings.Repeat("\U0001f600", 32_768),
	} {
		came, err := echo.Echo(bg, s)
		if err := equal(s, came, err); err != nil {
			return err
		}
	}
	return nil
}

// oneWay sends without waiting: the library's name for it is a call that is asynchronous and has no callback.
func oneWay(echo *EchoService) error {
	token := fmt.Sprint("one-way-", time.Now().UnixNano())
	ctx := context.WithValue(bg, constant.AttachmentKey, map[string]any{constant.AsyncKey: "true"})
	for range 5 {
		if _, err := echo.Fire(ctx, token); err != nil {
			return err
		}
	}
	for range 100 {
		if count, err := echo.Fired(bg, token); err != nil || count >= 5 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	// A duplicate would come within the time that a proxy takes for its first retry.
	time.Sleep(200 * time.Millisecond)
	count, err := echo.Fired(bg, token)
	return equal(int32(5), count, err)
}

// concurrent has the slowest sent first, so that nearly every answer overtakes others; each delay is asked for once.
func concurrent(echo *EchoService, target string) (string, error) {
	const calls = 200
	before, err := connections(target)
	if err != nil {
		return "", err
	}
	if len(before) != 1 {
		return "", fmt.Errorf("expected one connection but there are %v", before)
	}
	start := time.Now()
	results := make(chan error, calls)
	for i := calls; i > 0; i-- {
		delay := int32(5 * i)
		go func() {
			answer, err := echo.Slow(bg, delay)
			results <- equal(fmt.Sprint("slept ", delay), answer, err)
		}()
	}
	for range calls {
		if err := <-results; err != nil {
			return "", err
		}
	}
	took := time.Since(start)
	if took > 5*time.Second {
		return "", fmt.Errorf("200 calls of at most 1 s took %s: they did not overlap", took)
	}
	after, err := connections(target)
	return fmt.Sprint("all in ", took.Milliseconds(), " ms"), equal(before, after, err)
}
