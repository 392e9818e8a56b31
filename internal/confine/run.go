// Package confine runs a program on files that someone else wrote, with limits on its time, memory and output, so
// that it can harm nothing but itself.
package confine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// Why there is no answer.
const (
	ReasonStart   = "cannot be started"
	ReasonTimeout = "took too long"
	ReasonDied    = "died"
	ReasonAnswer  = "gave no usable answer"
	ReasonMemory  = "has too little memory"
)

// Error means that the program gave no answer: nothing is known about the files.
type Error struct {
	// Program is the one that was asked; empty when none was found.
	Program string
	// Reason is one of the Reason constants.
	Reason string
	// Stderr is the beginning of what the process wrote on standard error.
	Stderr string
	Err    error
}

// Error names the program, the reason, the cause and what the process wrote.
func (e *Error) Error() string {
	s := "the validator"
	if e.Program != "" {
		s += " " + e.Program
	}
	s += " " + e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Stderr != "" {
		s += ": " + strings.ReplaceAll(e.Stderr, "\n", "; ")
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

const (
	maxStderr = 4 << 10
	waitDelay = time.Second
)

// Job is one run of a program.
type Job struct {
	Program string
	Args    []string
	// Stdin is the program's input. It is nil for a program that reads files; its two output streams are then merged.
	Stdin io.Reader
	// Env is added to an environment that is otherwise empty: ours may contain credentials.
	Env []string
	// MaxOutput limits what it may write, in bytes.
	MaxOutput int
	// Memory is how much memory it may use.
	Memory Budget
	// Need is roughly how much memory the whole work needs, in bytes, for the message when it does not fit;
	// 0 if that is not known.
	Need int64
}

// Output is the output of a program that ended by itself.
type Output struct {
	Stdout []byte
	// Merged is both streams in the order in which they were written. It is empty if there was a Stdin.
	Merged string
	// Stderr is the beginning of that stream.
	Stderr string
	Code   int
}

// Failure is the error for a process that ended by itself but gave no answer.
func (o Output) Failure(program string, err error) error {
	reason := ReasonAnswer
	if o.Code != 0 && len(o.Stdout) == 0 {
		reason, err = ReasonDied, fmt.Errorf("exit code %d", o.Code)
	}
	return &Error{Program: program, Reason: reason, Stderr: o.Stderr, Err: err}
}

// Run starts the program, or uses the one that Prepare has started, and waits for its end. The error is an *Error; or,
// if ctx ended the program, one that wraps ctx's cause.
func Run(ctx context.Context, j Job) (Output, error) {
	c, err := idle.take(j), error(nil)
	if c == nil {
		if j.Memory.Hard < minHard {
			return Output{}, j.noRoom()
		}
		if c, err = start(j); err != nil {
			return Output{}, err
		}
	}
	c.ask(ctx, j.Stdin)
	return c.outcome(ctx, j)
}

// outcome returns the output of a process that has ended, or why there is no answer.
func (c *child) outcome(ctx context.Context, j Job) (Output, error) {
	stdout, stderr := c.stdout, c.stderr
	out := Output{Stdout: stdout.b.Bytes(), Stderr: firstLines(stderr.b.String()), Code: c.cmd.ProcessState.ExitCode()}
	if j.Stdin == nil {
		out.Merged, out.Stderr = stdout.b.String(), firstLines(stdout.b.String())
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return Output{}, fmt.Errorf("ask %s: %w", j.Program, context.Cause(ctx))
	case stdout.over:
		return Output{}, &Error{Program: j.Program, Reason: ReasonAnswer, Err: fmt.Errorf("more than %d bytes", j.MaxOutput)}
	case out.Code != 0 && outOfMemory(stderr.b.String()):
		return Output{}, j.noRoom()
	case errors.As(c.err, &exit) && out.Code < 0:
		end := exit.String()
		if strings.Contains(end, "killed") && j.Memory.Container > 0 {
			// We did not kill it, so the kernel did; its usual reason is memory.
			end += "; " + j.room()
		}
		return Output{}, &Error{Program: j.Program, Reason: ReasonDied, Stderr: out.Stderr, Err: errors.New(end)}
	case c.err != nil && !errors.As(c.err, &exit):
		return Output{}, &Error{Program: j.Program, Reason: ReasonDied, Stderr: out.Stderr, Err: c.err}
	}
	return out, nil
}

// outOfMemory recognizes what the Go runtime prints when it gets no more memory from the kernel.
func outOfMemory(stderr string) bool {
	return strings.Contains(stderr, "out of memory") || strings.Contains(stderr, "cannot allocate memory") ||
		strings.Contains(stderr, "cannot map pages in arena") || strings.Contains(stderr, "errno=12")
}

func (j Job) noRoom() error {
	return &Error{Program: j.Program, Reason: ReasonMemory, Err: errors.New(j.room())}
}

// room says what is needed, what there is, and what to do.
func (j Job) room() string {
	b := j.Memory
	if b.Container == 0 {
		return fmt.Sprintf("it needs more than %s", mib(b.Hard))
	}
	need := max(j.Need, 2*b.Hard, minHard)
	return fmt.Sprintf("it needs about %s, but only %s are free for it (of the container's %s, %s are in use and the rest is reserved); raise the container's memory limit to %s",
		mib(need), mib(max(b.Hard, 0)), mib(b.Container), mib(b.InUse), mib(roundUp(need+b.InUse+reserve)))
}

func mib(n int64) string { return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20) }

// roundUp rounds a limit up to 32 MiB, as people write limits.
func roundUp(n int64) int64 { return (n + 32<<20 - 1) / (32 << 20) * (32 << 20) }

// firstLines keeps the part of a crash that a person reads first.
func firstLines(s string) string {
	lines := strings.SplitN(strings.TrimSpace(s), "\n", 6)
	if len(lines) > 5 {
		lines = append(lines[:5], "...")
	}
	return strings.ToValidUTF8(strings.Join(lines, "\n"), "?")
}

// limited is a buffer of limited size. Further output is dropped, or ends the process's output.
type limited struct {
	b    bytes.Buffer
	max  int
	drop bool
	over bool
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	room := l.max - l.b.Len()
	if len(p) <= room {
		return l.b.Write(p)
	}
	l.over = true
	l.b.Write(p[:max(room, 0)])
	if l.drop {
		return len(p), nil
	}
	return 0, io.ErrShortWrite
}
