package reload

import "context"

// Recheck asks for a look by hand: scheduled retries are made at once, and an idle target's server
// is observed. It causes no reload without a change. It never blocks, and may be called from any goroutine.
func (t *Target) Recheck() {
	select {
	case t.manual <- struct{}{}:
	default:
	}
}

// Look makes an idle target compare what its server runs with the files, and waits until it has done so: then
// Status is what was seen after the call. A target that claims nothing (in any phase but InSync) is not made to
// look. It ends early with ctx. Several callers share one look, and looks are at least 2 s apart.
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
	}
}

// takeLookers takes those whose call came before now.
func (t *Target) takeLookers() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.served, t.lookers = append(t.served, t.lookers...), nil
}

// releaseLookers lets those go for whom the look was made.
func (t *Target) releaseLookers() {
	for _, done := range t.served {
		close(done)
	}
	t.served = nil
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
