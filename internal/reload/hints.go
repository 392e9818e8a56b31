package reload

// Hint says that the sources may have changed. It never blocks; while an action runs one hint
// is remembered, which is enough because content decides.
func (t *Target) Hint() {
	select {
	case t.hints <- struct{}{}:
	default:
	}
}

// Recheck is a Hint by a person: scheduled retries are made at once, and an idle target's server
// is observed. Like any hint it causes no reload without a change.
func (t *Target) Recheck() {
	t.manual.Store(true)
	t.Hint()
}

// maxDeferred bounds how often in a row a reload steps back for a hint.
const maxDeferred = 3

// somethingNewer takes a hint that came during the verdict: without a gate the server would read
// whatever is there now, so that the newest files are to be judged first.
func (t *Target) somethingNewer() bool {
	if t.deferred >= maxDeferred || t.manual.Load() || len(t.hints) == 0 || t.sameCommit() {
		t.deferred = 0
		return false
	}
	t.takeHint()
	t.deferred++
	return true
}

// sameCommit says that the hint at hand is no reason to read again before the reload: what a swap still
// does after its commit hints, too. The hint stays for the reading after the reload.
func (t *Target) sameCommit() bool {
	r, ok := t.o.Reader.(interface{ SameCommit() bool })
	return ok && r.SameCommit()
}

// takeHint takes the hint at hand, but never one by a person, which means more than a reading.
func (t *Target) takeHint() {
	select {
	case <-t.hints:
	default:
	}
	if t.manual.Load() {
		t.Hint()
	}
}
