package kube

import (
	"net/http"
	"testing"
	"time"

	"reloader/test/rig"
)

// Patches that bring no new files are limited to five at first and then one a minute, however often the object gets a new version.
// New files restore the budget.
func TestBudget(t *testing.T) {
	t.Parallel()
	var b budget
	start := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	sent := func(from, to time.Duration) (n int) {
		for at := from; at < to; at += 2 * time.Second {
			if b.take(start.Add(at)) == 0 {
				n++
			}
		}
		return n
	}
	if n := sent(0, time.Hour); n < 60 || n > 5+61 {
		t.Errorf("%d patches in an hour, want 60 to 66", n)
	}
	if n := sent(time.Hour, time.Hour+10*time.Second); n > 1 {
		t.Errorf("%d patches in the 10 s after it, want at most 1", n)
	}
	if wait := b.take(start.Add(time.Hour + 10*time.Second)); wait <= 0 || wait > patchEvery {
		t.Errorf("the next one is allowed in %v", wait)
	}
	b.worked()
	if n := sent(time.Hour+10*time.Second, time.Hour+20*time.Second); n != 5 {
		t.Errorf("%d patches after new files, want 5", n)
	}
}

// An object that is updated all the time without new contents causes no more patches than the budget allows.
func TestTouchedObjectCostsTheBudget(t *testing.T) {
	t.Parallel()
	w := newPropagationWorld(t)
	w.started(t)
	for range 30 {
		w.update("configmaps/prometheus-yml")
		time.Sleep(5 * time.Millisecond) // so that each is handled separately, not as one burst
	}
	w.settled(t, patchBurst)
}

// Changes that follow each other quickly use none of the budget, as long as each one arrives in the mount.
func TestChangesThatArriveUseNoBudget(t *testing.T) {
	t.Parallel()
	w := newPropagationWorld(t)
	w.started(t)
	for range 4 * patchBurst {
		before := w.patched()
		w.update("configmaps/prometheus-yml")
		rig.Until(t, "a patch for the change", func() bool { return w.patched() > before })
		w.swap(t, w.config)
	}
}

// The client waits as long as the API's Retry-After says, up to a limit.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	var o outage
	err := &StatusError{Code: http.StatusTooManyRequests, RetryAfter: 7 * time.Second}
	if pause := o.note(err); pause < 7*time.Second || pause > 14*time.Second {
		t.Errorf("pause of %v", pause)
	}
	err.RetryAfter = time.Hour
	if pause := o.note(err); pause > 2*longestRetryAfter {
		t.Errorf("pause of %v", pause)
	}
	for in, want := range map[string]time.Duration{"7": 7 * time.Second, "": 0, "-1": 0, "x": 0, "999999999999999": longestRetryAfter} {
		if got := retryAfter(http.Header{"Retry-After": {in}}); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}
