package main

import (
	"fmt"
	"os"
)

// stderrLogger keeps what the library says above debugging away from stdout, where the harness reads.
type stderrLogger struct{}

func say(level, text string) { fmt.Fprintln(os.Stderr, level, text) }

func (stderrLogger) Debug(args ...any)                 {}
func (stderrLogger) Debugf(format string, args ...any) {}
func (stderrLogger) Info(args ...any)                  {}
func (stderrLogger) Infof(format string, args ...any)  {}
func (stderrLogger) Warn(args ...any)                  { say("WARN", fmt.Sprint(args...)) }
func (stderrLogger) Warnf(format string, args ...any)  { say("WARN", fmt.Sprintf(format, args...)) }
func (stderrLogger) Error(args ...any)                 { say("ERROR", fmt.Sprint(args...)) }
func (stderrLogger) Errorf(format string, args ...any) { say("ERROR", fmt.Sprintf(format, args...)) }
func (stderrLogger) Fatal(args ...any)                 { say("FATAL", fmt.Sprint(args...)); os.Exit(1) }
func (stderrLogger) Fatalf(format string, args ...any) {
	say("FATAL", fmt.Sprintf(format, args...))
	os.Exit(1)
}
