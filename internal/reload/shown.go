package reload

import (
	"fmt"
	"strings"
	"time"
)

const (
	// quietFor is how long a request may wait for an answer before the status says so.
	quietFor = 2 * time.Second
	// waitedTooLong is how long a change may wait for its server before it counts as not applied.
	waitedTooLong = 10 * time.Second
)

// busy is the request in flight.
type busy struct {
	what  string // empty: none
	since time.Time
	// waits is when the target began to wait for its server, across all attempts; zero: it is not waiting.
	waits time.Time
}

// Status returns the newest status. The caller must not change what it points to.
func (t *Target) Status() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.status
	now := time.Now()
	if !t.busy.waits.IsZero() && now.Sub(t.busy.waits) > waitedTooLong {
		s.Applied = false
	}
	if took := now.Sub(t.busy.since); t.busy.what != "" && took >= quietFor {
		reason := fmt.Sprintf("no answer from %s for %s", t.busy.what, took.Truncate(time.Second))
		if s.Reason != "" {
			reason += "; before that: " + s.Reason
		}
		s.Reason = reason
	}
	return s
}

// speak records that a request is in flight, until done is called.
func (t *Target) speak(act action) (done func()) {
	what := t.o.Address
	if what == "" {
		what = "the server"
	}
	if act.kind == actReload && len(t.plan.Calls) > 0 {
		what += " to " + strings.Join(t.plan.Calls, ", ")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy.what, t.busy.since = what, time.Now()
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.busy.what = ""
	}
}

// noteWaiting records when the target began to wait for its server.
func (t *Target) noteWaiting() {
	st := &t.state
	waits := false
	switch st.phase {
	case Waiting:
		waits = st.readable
	case Reloading, Confirming, Retrying, Mismatch:
		waits = true
	case Settling, Checking, Publishing: // in progress; an earlier wait goes on
		return
	case Starting, Rejected, Unjudged, RolledBack, InSync:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !waits:
		t.busy.waits = time.Time{}
	case t.busy.waits.IsZero():
		t.busy.waits = time.Now()
	}
}

// current returns the status as it was set, without what a request in flight adds.
func (t *Target) current() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// update changes the status under its lock.
func (t *Target) update(change func(*Status)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.status)
}

func (t *Target) count(change func(*Counts)) { t.update(func(s *Status) { change(&s.Counts) }) }

func (t *Target) setFailed() { t.update(func(s *Status) { s.Applied = false }) }

// shownReason is why the target is not in sync; empty while it is in progress.
func (t *Target) shownReason() string {
	st := &t.state
	switch st.phase {
	case Settling:
		if st.pausing() {
			return t.why.follow
		}
		return ""
	case Confirming:
		if st.moves > freeFollows || st.answering() {
			return t.why.follow
		}
		return ""
	case Starting, Checking, Publishing, Reloading, InSync:
		return ""
	case Waiting:
		if !st.readable {
			return t.why.source
		}
		return t.why.server
	case Unjudged:
		return t.why.verdict
	case Retrying:
		if st.unseen() {
			return "what the server runs could not be compared with the files: " + t.why.unseen
		}
		return t.why.call
	case Mismatch:
		return t.why.mismatch
	case Rejected, RolledBack:
	}
	reason := t.why.verdict
	if st.phase == RolledBack || st.refused.has(st.wanted) {
		reason = t.why.refusal
	}
	if st.misses > 1 && t.why.server != "" {
		reason += "; and the server does not answer: " + t.why.server
	}
	if st.unseen() {
		reason += "; and what the server runs could not be compared: " + t.why.unseen
	}
	return reason
}

// nextTry is when a scheduled retry is due. Observations of an idle target's server are not retries.
func (t *Target) nextTry(act action) time.Time {
	switch t.state.phase {
	case Waiting, Unjudged, Retrying, Mismatch:
		if act.kind == actWait {
			if t.state.unseen() && t.state.misses == 0 {
				return t.state.compareAt
			}
			return act.until
		}
	case Settling, Confirming:
		if t.state.pausing() || t.state.moves > freeFollows || t.state.answering() {
			return t.state.retryAt
		}
	case Starting, Checking, Publishing, Reloading, InSync, Rejected, RolledBack:
	}
	return time.Time{}
}
