package kube

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// fail notes a failure again and again for a while, and returns the longest pause and the number of tries.
func fail(o *outage, err error, total time.Duration) (longest time.Duration, tries int) {
	for begin := time.Now(); time.Since(begin) < total; tries++ {
		d := o.note(err)
		longest = max(longest, d)
		time.Sleep(d)
	}
	return longest, tries
}

// An API server that restarts is found within about a second. A longer outage causes few requests, and a missing permission
// fewer. A different answer, or a success, starts again with short pauses.
func TestOutage(t *testing.T) {
	t.Parallel()
	const jitter = 1.5
	scaled := func(d time.Duration) time.Duration { return time.Duration(float64(d) * jitter) }
	synctest.Test(t, func(t *testing.T) {
		var o outage
		away, refused := errors.New("connection refused"), &StatusError{Code: http.StatusForbidden}
		if d, _ := fail(&o, away, quickFor-time.Second); d > scaled(time.Second) {
			t.Errorf("at first: a pause of %s", d)
		}
		if d, n := fail(&o, away, time.Hour); d > scaled(10*time.Second) || n > 600 {
			t.Errorf("later: a pause of %s, %d tries in an hour", d, n)
		}
		if o.refused() != 0 {
			t.Error("no answer counts as a refusal")
		}
		if d := o.note(refused); d > scaled(firstPause) {
			t.Errorf("after the first answer: a pause of %s", d)
		}
		if d, n := fail(&o, refused, time.Hour); d > scaled(time.Minute) || d < 30*time.Second || n > 150 {
			t.Errorf("refused: a pause of %s, %d tries in an hour", d, n)
		}
		// Only a change of the Role, the pod or reloader itself changes these.
		for _, code := range []int{http.StatusNotFound, http.StatusUnprocessableEntity} {
			if d, n := fail(&o, &StatusError{Code: code}, 6*time.Hour); d > scaled(5*time.Minute) || d < 3*time.Minute || n > 150 {
				t.Errorf("%d: a pause of %s, %d tries in six hours", code, d, n)
			}
		}
		fail(&o, refused, time.Hour)
		if o.refused() < time.Hour-scaled(refusedPause) {
			t.Errorf("refused for %s", o.refused())
		}
		o.note(nil)
		if d := o.note(away); d > scaled(firstPause) || o.refused() != 0 {
			t.Errorf("after a success: a pause of %s", d)
		}
	})
}
