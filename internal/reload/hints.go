package reload

import (
	"context"
	"slices"
)

// Recheck is a check on request: it makes scheduled retries at once, and observes an idle target's server.
// It causes no reload without a change. It never blocks, and may be called from any goroutine.
func (t *Target) Recheck() {
	select {
	case t.manual <- struct{}{}:
	default:
	}
}

// Look makes an idle target compare what its server runs with the files, and waits for the result: then
// Status shows what was seen after the call. A target in any phase but InSync claims nothing and does not
// compare. Look ends early with ctx. Several callers share one comparison; comparisons are at least 2 s apart.
func (t *Target) Look(ctx context.Context) {
	done := make(chan struct{})
	t.mu.Lock()
	t.lookers = append(t.lookers, done)
	t.mu.Unlock()
	select {
	case t.lookDue <- struct{}{}:
	default:
	}
	select {
	case <-done:
	case <-ctx.Done():
		t.mu.Lock() // a target that is stuck must not keep everyone who ever asked
		defer t.mu.Unlock()
		t.lookers = slices.DeleteFunc(t.lookers, func(c chan struct{}) bool { return c == done })
	}
}

// takeLookers selects the callers who have asked so far.
func (t *Target) takeLookers() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.served, t.lookers = append(t.served, t.lookers...), nil
}

// releaseLookers wakes the callers for whom the comparison was made.
func (t *Target) releaseLookers() {
	for _, done := range t.served {
		close(done)
	}
	t.served = nil
}

// maxDeferred bounds how often in a row a hint may defer a reload.
const maxDeferred = 3

// somethingNewer consumes a hint that came during the verdict: without a gate the server would read
// whatever is there now, so the newest files must be judged first. A swap's clean-up after its commit also causes a
// hint, but is no reason to read again (Reader.SameCommit): that hint stays for the reading after the reload.
func (t *Target) somethingNewer() bool {
	if t.deferred >= maxDeferred || len(t.manual) > 0 || len(t.hints) == 0 || t.o.Reader.SameCommit() {
		t.deferred = 0
		return false
	}
	t.takeHint()
	t.deferred++
	return true
}

// takeHint discards the pending hint, if any: its change has already happened.
func (t *Target) takeHint() {
	select {
	case <-t.hints:
	default:
	}
}
