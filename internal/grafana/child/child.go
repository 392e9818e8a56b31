// Package child judges Grafana's files in a separate process with bounded time and memory, so that a tenant's
// files can harm only their own verdict.
package child

import (
	"context"
	"errors"
	"fmt"
	"time"

	"reloader/internal/confine"
	"reloader/internal/finding"
)

// Command is the sub-command that makes this program answer one question: the program starts itself with it.
const Command = "judge-grafana"

// Defaults of Options.
const (
	DefaultTimeout = 30 * time.Second
	DefaultMemory  = 512 << 20
)

// Options say how the process is started. Apart from Program, zero values mean the defaults.
type Options struct {
	// Program is the path of this program.
	Program string
	// Args replace Command in tests.
	Args []string
	// Timeout bounds one verdict.
	Timeout time.Duration
	// Memory is the most that the process may use, in bytes.
	Memory int64
	// Environ is reloader's own environment. The process gets it only for requests with Facts.SameEnv.
	Environ func() []string
}

// Validator asks the process. It is safe for concurrent use.
type Validator struct{ o Options }

// New returns a validator of Grafana's files.
func New(o Options) *Validator {
	if o.Args == nil {
		o.Args = []string{Command}
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	return &Validator{o}
}

var errDeadline = errors.New("the deadline passed")

// Validate implements finding.Validator. An error says that there is no verdict.
func (v *Validator) Validate(ctx context.Context, req finding.Request) (finding.Result, error) {
	res, err := v.validate(ctx, req)
	if err != nil {
		return finding.Result{}, fmt.Errorf("validate grafana files: %w", err)
	}
	return res, nil
}

func (v *Validator) validate(ctx context.Context, req finding.Request) (finding.Result, error) {
	if req.Set == nil {
		return finding.Result{}, errors.New("no files were given")
	}
	done, err := confine.Turn(ctx)
	if err != nil {
		return finding.Result{}, err
	}
	defer done()
	ctx, cancel := context.WithTimeoutCause(ctx, v.o.Timeout, errDeadline)
	defer cancel()
	budget := confine.Room(v.o.Memory)
	q, err := newQuestion(req)
	if err != nil {
		return finding.Result{}, err
	}
	q.MemoryBytes, q.TimeoutMillis = budget.Hard, v.o.Timeout.Milliseconds()
	in, total, err := q.reader()
	if err != nil {
		return finding.Result{}, err
	}
	job := confine.Job{Program: v.o.Program, Args: v.o.Args, Stdin: in, MaxOutput: maxAnswer, Memory: budget, Need: 16<<20 + 30*total}
	if req.Facts.SameEnv && v.o.Environ != nil {
		job.Env = v.o.Environ()
	}
	out, err := confine.Run(ctx, job)
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(context.Cause(ctx), errDeadline):
		return finding.Result{}, &confine.Error{Program: v.o.Program, Reason: confine.ReasonTimeout, Err: fmt.Errorf("no answer within %s", v.o.Timeout)}
	case err != nil:
		return finding.Result{}, err
	}
	a, err := parseAnswer(out.Stdout)
	if err == nil && out.Code != 0 {
		err = fmt.Errorf("exit code %d", out.Code)
	}
	if err != nil {
		return finding.Result{}, out.Failure(v.o.Program, err)
	}
	res := finding.Result{Findings: a.Findings, Outline: a.Outline}
	if a.Expected != nil {
		res.Expected = a.Expected
	}
	return res, nil
}
