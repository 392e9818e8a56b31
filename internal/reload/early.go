package reload

import (
	"context"
	"time"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// earlyAfter divides the settle time: after that part of it without a hint, the files are judged early.
const earlyAfter = 4

// maxEarly bounds how often one change is judged early: a writer that never rests must not cost a verdict per file.
const maxEarly = 3

// early is a verdict made while more of a change may still follow. It counts only if the reading at the end of settling
// finds the same files, and the server is the same; otherwise it is discarded.
// Nothing is read while it runs: a validator may ask the reader about the newest reading.
type early struct {
	request finding.Request
	result  finding.Result
	err     error
	cancel  context.CancelFunc
	done    chan struct{}
}

// earlyDue returns a channel that fires when an early verdict is worth making, or nil when it is not.
func (t *Target) earlyDue(now time.Time) <-chan time.Time {
	s := &t.state
	if s.phase != Settling {
		t.earlyCount = 0
	}
	if s.phase != Settling || !s.settling || s.atomic || !t.obs.Ready || t.earlyCount == maxEarly || t.early != nil && !s.hinted {
		return nil
	}
	return time.After(min(s.settle, s.settleUntil.Sub(now)) / earlyAfter)
}

// judgeEarly starts a verdict on the files as they are now. It replaces an older one.
func (t *Target) judgeEarly(ctx context.Context) {
	set := t.set
	if t.state.hinted || set == nil {
		t.endEarly()
		limited, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		var err error
		t.ahead = true
		// An error has no effect here: the reading at the end of settling counts and reports what went wrong.
		if set, err = t.o.Reader.Read(limited); err != nil {
			return
		}
	}
	if set.Digest == t.state.judged {
		return
	}
	t.earlyCount++
	limited, cancel := context.WithTimeout(ctx, t.o.ValidateTimeout)
	e := &early{request: t.request(set), cancel: cancel, done: make(chan struct{})}
	t.early = e
	go func() {
		defer close(e.done)
		e.result, e.err = t.o.Validator.Validate(limited, e.request)
	}()
}

// awaitEarly lets an early verdict finish before the files are read again, unless they have changed.
func (t *Target) awaitEarly() {
	if t.early == nil {
		return
	}
	select {
	case <-t.early.done:
	case <-t.hints:
		t.endEarly()
	}
}

// endEarly ends and discards an early verdict, used or not.
func (t *Target) endEarly() {
	if t.early != nil {
		t.early.cancel()
		<-t.early.done
		t.early = nil
	}
}

// validate returns the early verdict if it answers the same question, else a new one.
func (t *Target) validate(ctx context.Context, set *snapshot.Set) (finding.Result, error) {
	e := t.early
	t.earlyCount = 0
	defer t.endEarly()
	req := t.request(set)
	if e != nil && e.request.Set.Digest == set.Digest && e.request.Running == req.Running && e.request.Facts.Same(req.Facts) {
		if <-e.done; e.err == nil { // no wait: the reading already waited for it
			return e.result, nil
		}
	}
	return t.o.Validator.Validate(ctx, req)
}

func (t *Target) request(set *snapshot.Set) finding.Request {
	return finding.Request{Set: set, Facts: t.obs.Facts, Running: t.runningOutline(), Allow: t.o.Allow}
}

const (
	// judgePatience is how long a verdict may take before newer files end it: a hanging validator must not delay them
	// until its deadline.
	judgePatience = 5 * time.Second
	// maxDropped bounds how many verdicts in a row are dropped like this: files that never rest are judged too.
	maxDropped = 3
)

// validateUnlessNewer is validate, but gives up (newer) if it takes long and the files change.
func (t *Target) validateUnlessNewer(ctx context.Context, cancel context.CancelFunc, set *snapshot.Set) (res finding.Result, newer bool, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		res, err = t.validate(ctx, set)
	}()
	long := time.NewTimer(judgePatience)
	defer long.Stop()
	select {
	case <-done:
	case <-long.C:
		var hints <-chan struct{}
		if t.dropped < maxDropped {
			hints = t.hints
		}
		select {
		case <-done:
		case <-hints:
			newer = true
			cancel()
			<-done
		}
	}
	if newer {
		t.dropped++
	} else {
		t.dropped = 0
	}
	return res, newer, err
}
