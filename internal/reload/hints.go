package reload

// Recheck asks for a look by hand: scheduled retries are made at once, and an idle target's server
// is observed. It causes no reload without a change. It never blocks, and may be called from any goroutine.
func (t *Target) Recheck() {
	select {
	case t.manual <- struct{}{}:
	default:
	}
}

// maxDeferred bounds how often in a row a reload steps back for a hint.
const maxDeferred = 3

// somethingNewer takes a hint that came during the verdict: without a gate the server would read
// whatever is there now, so that the newest files are to be judged first. What a swap still does after its
// commit hints, too, and is no reason (Reader.SameCommit): that hint stays for the reading after the reload.
func (t *Target) somethingNewer() bool {
	if t.deferred >= maxDeferred || len(t.manual) > 0 || len(t.hints) == 0 || t.o.Reader.SameCommit() {
		t.deferred = 0
		return false
	}
	t.takeHint()
	t.deferred++
	return true
}

// takeHint takes the waiting hint, if there is one: what it is about has happened.
func (t *Target) takeHint() {
	select {
	case <-t.hints:
	default:
	}
}
