package validator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Why there is no verdict.
const (
	ReasonStart   = "cannot be started"
	ReasonTimeout = "took too long"
	ReasonDied    = "died"
	ReasonAnswer  = "gave no usable answer"
)

// JudgeError says that the validator could not judge: nothing is known about the files.
type JudgeError struct {
	// Program is the validator that was asked; empty when none was found.
	Program string
	// Reason is one of the Reason constants.
	Reason string
	// Stderr is the beginning of what the process wrote on standard error.
	Stderr string
	Err    error
}

// Error names the program, the reason and what the process said.
func (e *JudgeError) Error() string {
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

// Unwrap is the cause.
func (e *JudgeError) Unwrap() error { return e.Err }

var errDeadline = errors.New("the deadline passed")

const (
	maxStderr = 4 << 10
	waitDelay = time.Second
)

// ask runs promcheck once.
func (v *Validator) ask(ctx context.Context, q *Question) (*Answer, error) {
	program, err := v.program()
	if err != nil {
		return nil, err
	}
	in, err := q.reader()
	if err != nil {
		return nil, err
	}
	out, err := v.run(ctx, job{program: program, stdin: in})
	if err != nil {
		return nil, err
	}
	a, err := parseAnswer(out.stdout, len(q.Files))
	if err == nil && out.code != 0 {
		err = fmt.Errorf("exit code %d", out.code)
	}
	if err != nil {
		return nil, out.failure(program, err)
	}
	return a, nil
}

// job is one run of a validator process.
type job struct {
	program string
	args    []string
	stdin   io.Reader
}

type output struct {
	stdout []byte
	// raw is both streams in the order in which they were written, for an external validator.
	raw    string
	stderr string
	code   int
}

// failure is the error for a process that ended by itself and yet gave no answer.
func (o output) failure(program string, err error) error {
	reason := ReasonAnswer
	if o.code != 0 && len(o.stdout) == 0 {
		reason, err = ReasonDied, fmt.Errorf("exit code %d", o.code)
	}
	return &JudgeError{Program: program, Reason: reason, Stderr: o.stderr, Err: err}
}

// run starts a process, with bounds on its time, memory and output, and waits for its end.
func (v *Validator) run(ctx context.Context, j job) (output, error) {
	stdout, stderr := &limited{max: maxAnswer}, &limited{max: maxStderr, drop: true}
	cmd := exec.CommandContext(ctx, j.program, j.args...)
	// The process needs nothing of our environment, and our environment may hold credentials.
	// For one question garbage is not worth collecting until memory is short.
	soft := softLimit(v.opts.MemoryLimit)
	cmd.Env = []string{"GOGC=off", "GOMEMLIMIT=" + strconv.FormatInt(soft, 10)}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = j.stdin, stdout, stderr
	if j.stdin == nil {
		cmd.Stderr = stdout
	}
	cmd.WaitDelay = waitDelay
	confine(cmd)
	if err := cmd.Start(); err != nil {
		return output{}, &JudgeError{Program: j.program, Reason: ReasonStart, Err: err}
	}
	if err := limitMemory(cmd.Process.Pid, v.opts.MemoryLimit); err != nil {
		_ = cmd.Cancel()
		_ = cmd.Wait()
		return output{}, &JudgeError{Program: j.program, Reason: ReasonStart, Err: fmt.Errorf("limit its memory: %w", err)}
	}
	err := cmd.Wait()
	out := output{stdout: stdout.b.Bytes(), stderr: firstLines(stderr.b.String()), code: cmd.ProcessState.ExitCode()}
	if j.stdin == nil {
		out.raw, out.stderr = stdout.b.String(), firstLines(stdout.b.String())
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return output{}, v.ended(ctx, j.program, out.stderr)
	case stdout.over:
		return output{}, &JudgeError{Program: j.program, Reason: ReasonAnswer, Err: fmt.Errorf("more than %d bytes", maxAnswer)}
	case errors.As(err, &exit) && out.code < 0:
		return output{}, &JudgeError{Program: j.program, Reason: ReasonDied, Stderr: out.stderr, Err: errors.New(exit.String())}
	case err != nil && !errors.As(err, &exit):
		return output{}, &JudgeError{Program: j.program, Reason: ReasonDied, Stderr: out.stderr, Err: err}
	}
	return out, nil
}

// ended says whether the deadline or the caller ended the wait.
func (v *Validator) ended(ctx context.Context, program, stderr string) error {
	if cause := context.Cause(ctx); !errors.Is(cause, errDeadline) {
		return fmt.Errorf("ask %s: %w", program, cause)
	}
	return &JudgeError{Program: program, Reason: ReasonTimeout, Stderr: stderr, Err: fmt.Errorf("no answer within %s", v.opts.Timeout)}
}

// firstLines keeps what a person reads first of a crash.
func firstLines(s string) string {
	lines := strings.SplitN(strings.TrimSpace(s), "\n", 6)
	if len(lines) > 5 {
		lines = append(lines[:5], "...")
	}
	return strings.ToValidUTF8(strings.Join(lines, "\n"), "?")
}

// limited is a buffer with an end: what is more is dropped, or ends the process's output.
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
