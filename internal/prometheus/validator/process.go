package validator

import (
	"context"
	"errors"
	"fmt"

	"reloader/internal/confine"
)

// JudgeError means that there is no verdict: nothing is known about the files.
type JudgeError = confine.Error

// badAnswer is the error for an answer that makes no sense.
func badAnswer(message string) error {
	return &JudgeError{Reason: confine.ReasonAnswer, Err: errors.New(message)}
}

var errDeadline = errors.New("the deadline passed")

// Prepare starts promcheck in the background because a verdict may soon be needed. It does not block, and may be called
// at any time from any goroutine.
func (v *Validator) Prepare() {
	if program, err := v.program(); err == nil {
		confine.Prepare(program, maxAnswer, v.opts.MemoryLimit)
	}
}

// ask runs promcheck, and once more with tighter memory settings if memory ran out.
func (v *Validator) ask(ctx context.Context, q *Question) (*Answer, error) {
	program, err := v.program()
	if err != nil {
		return nil, err
	}
	budget := confine.Room(v.opts.MemoryLimit)
	out, err := v.work(ctx, program, q, budget)
	if je, ok := errors.AsType[*JudgeError](err); ok && je.Reason == confine.ReasonMemory {
		// If the work nearly fills the budget, the time of garbage collection decides whether it fits.
		out, err = v.work(ctx, program, q, budget.Tight())
	}
	if err != nil {
		return nil, err
	}
	a, err := parseAnswer(out.Stdout, len(q.Files))
	if err == nil && out.Code != 0 {
		err = fmt.Errorf("exit code %d", out.Code)
	}
	if err != nil {
		return nil, out.Failure(program, err)
	}
	return a, nil
}

// work runs promcheck on the question within the budget.
func (v *Validator) work(ctx context.Context, program string, q *Question, budget confine.Budget) (confine.Output, error) {
	q.MemoryBytes = budget.Hard
	in, err := q.reader()
	if err != nil {
		return confine.Output{}, err
	}
	return v.run(ctx, confine.Job{Program: program, Stdin: in, Memory: budget, Need: q.need()})
}

// need estimates how much memory promcheck needs for the question, in bytes; measured, see docs/reliability.md.
func (q *Question) need() int64 {
	var total, largest int64
	for _, f := range q.Files {
		total += int64(len(f.Content))
		largest = max(largest, int64(len(f.Content)))
	}
	return 24<<20 + 2*total + 24*largest
}

// run runs a validator process within the deadline.
func (v *Validator) run(ctx context.Context, j confine.Job) (confine.Output, error) {
	j.MaxOutput = maxAnswer
	out, err := confine.Run(ctx, j)
	if err != nil && ctx.Err() != nil && errors.Is(context.Cause(ctx), errDeadline) {
		return confine.Output{}, &JudgeError{Program: j.Program, Reason: confine.ReasonTimeout, Err: fmt.Errorf("no answer within %s", v.opts.Timeout)}
	}
	return out, err
}
