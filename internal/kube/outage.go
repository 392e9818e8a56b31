package kube

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	// firstPause is before the second try. While the failure is new, quickPause is the longest pause:
	// an API server that restarts is back within seconds. Later it is maxPause, and refusedPause
	// where only the user can help.
	firstPause   = 200 * time.Millisecond
	quickPause   = time.Second
	quickFor     = 30 * time.Second
	maxPause     = 10 * time.Second
	refusedPause = time.Minute
	// hopelessPause is for what only another Role, pod or program changes.
	hopelessPause = 5 * time.Minute
	// forbiddenFor is how long a 403 is not believed: an API server that has just started answers so
	// until it knows the Roles.
	forbiddenFor = 15 * time.Second
)

// outage is a run of equal failures of one kind of request.
type outage struct {
	code  int       // HTTP status; 0 without an answer
	since time.Time // zero when there is no failure
	pause *backoff.ExponentialBackOff
}

// note takes a failure and returns the pause before the next try; nil ends the outage. Another
// answer than before starts over: the API server may have come back only now.
func (o *outage) note(err error) time.Duration {
	if err == nil {
		*o = outage{}
		return 0
	}
	if code := status(err); o.pause == nil || code != o.code {
		*o = outage{code: code, since: time.Now(), pause: backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(firstPause), backoff.WithMaxElapsedTime(0))}
	}
	switch {
	case time.Since(o.since) < quickFor:
		o.pause.MaxInterval = quickPause
	case o.code == http.StatusForbidden:
		o.pause.MaxInterval = refusedPause
	case hopeless(err):
		o.pause.MaxInterval = hopelessPause
	default:
		o.pause.MaxInterval = maxPause
	}
	pause := o.pause.NextBackOff()
	if e, ok := errors.AsType[*StatusError](err); ok && e.RetryAfter > 0 {
		// With jitter: all pods were told the same.
		wait := min(e.RetryAfter, longestRetryAfter)
		pause = max(pause, wait+jitter(wait))
	}
	return pause
}

// refused is how long every answer has been a 403.
func (o *outage) refused() time.Duration {
	if o.code != http.StatusForbidden {
		return 0
	}
	return time.Since(o.since)
}

// hopeless says that another try cannot end otherwise. Not among them: 401 and 403, for tokens are
// rotated, and a server that has just started knows neither accounts nor Roles.
func hopeless(err error) bool {
	switch status(err) {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	default:
		return false
	}
}

// sleep waits; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
