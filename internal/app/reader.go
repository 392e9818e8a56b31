package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"reloader/internal/inputs"
	"reloader/internal/snapshot"
)

const (
	// readPatience is how long a reading may take. A working disk needs a fraction of it for 100,000 files.
	readPatience = 90 * time.Second
	// lookPatience is how long a check may take that reads no contents.
	lookPatience = 5 * time.Second
)

// noAnswer says that a disk did not answer.
func noAnswer(what string, limit time.Duration) error {
	return fmt.Errorf("%s: no answer from the file system within %s; is it a network disk whose server is down?", what, limit)
}

// patiently returns what open does, or an error if ctx or the time ends first: a system call on a disk that hangs cannot be
// interrupted. What open returns later goes to late.
func patiently[T any](ctx context.Context, what string, limit time.Duration, open func() (T, error), late func(T)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, noAnswer(what, limit))
	defer cancel()
	type result struct {
		v   T
		err error
	}
	done := make(chan result) // not buffered: only a caller that still waits gets it
	go func() {
		v, err := open()
		select {
		case done <- result{v, err}:
		case <-ctx.Done():
			if err == nil {
				late(v)
			}
		}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// patientReader reads with a time limit. A system call on a directory that hangs (a network disk whose server is gone, a
// FUSE that does not answer) cannot be interrupted. So it runs in a goroutine of its own, and the target can stop waiting
// for it: then it can report the cause, and it can be stopped. Only one reading runs at a time.
type patientReader struct {
	inputs.Reader
	busy       chan struct{} // holds one while a call is in progress
	read, look time.Duration
	dirs       []string // from the newest reading
}

func newPatientReader(r inputs.Reader) *patientReader {
	return &patientReader{Reader: r, busy: make(chan struct{}, 1), read: readPatience, look: lookPatience, dirs: r.Dirs()}
}

// within runs f, and returns early if ctx or the time ends first; f then ends when the system lets it.
func (p *patientReader) within(ctx context.Context, limit time.Duration, f func(context.Context)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, noAnswer("read "+strings.Join(p.dirs, ", "), limit))
	defer cancel()
	select {
	case p.busy <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	done := make(chan struct{})
	go func() {
		f(ctx)
		<-p.busy
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	// If f obeys ctx, it ends at once, and its own error is better.
	grace := time.NewTimer(100 * time.Millisecond)
	defer grace.Stop()
	select {
	case <-done:
		return nil
	case <-grace.C:
		return context.Cause(ctx)
	}
}

// Read implements reload.Reader.
func (p *patientReader) Read(ctx context.Context) (*snapshot.Set, error) {
	var set *snapshot.Set
	var err error
	if late := p.within(ctx, p.read, func(ctx context.Context) { set, err = p.Reader.Read(ctx) }); late != nil {
		return nil, late
	}
	if err == nil {
		p.dirs = p.Reader.Dirs()
	}
	return set, err
}

// Unchanged implements reload.Reader.
func (p *patientReader) Unchanged(ctx context.Context) bool {
	same := false
	return p.within(ctx, p.look, func(ctx context.Context) { same = p.Reader.Unchanged(ctx) }) == nil && same
}

// SameCommit implements reload.Reader.
func (p *patientReader) SameCommit() bool {
	same := false
	return p.within(context.Background(), p.look, func(context.Context) { same = p.Reader.SameCommit() }) == nil && same
}

// Dirs implements reload.Reader. It does not wait for a reading in progress.
func (p *patientReader) Dirs() []string { return p.dirs }
