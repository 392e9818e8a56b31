package kube

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	// firstPause is the pause before the second try. For the first quickFor the longest pause is quickPause,
	// because an API server that restarts is back within seconds. Later it is maxPause, or refusedPause
	// for a 403.
	firstPause   = 200 * time.Millisecond
	quickPause   = time.Second
	quickFor     = 30 * time.Second
	maxPause     = 10 * time.Second
	refusedPause = time.Minute
	// hopelessPause is the longest pause when another try cannot succeed; see hopeless.
	hopelessPause = 5 * time.Minute
	// forbiddenFor is how long a 403 may be temporary: an API server that has just started sends it
	// until it knows the Roles.
	forbiddenFor = 15 * time.Second
)

// outage is a series of failures of one kind of request with the same status.
type outage struct {
	code  int       // HTTP status; 0 without an answer
	since time.Time // zero when there is no failure
	pause *backoff.ExponentialBackOff
}

// note records a failure and returns the pause before the next try; nil ends the outage. A different
// status starts over: the API server may have just come back.
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
		// With jitter: all pods got the same answer.
		wait := min(e.RetryAfter, longestRetryAfter)
		pause = max(pause, wait+jitter(wait))
	}
	return pause
}

// refused is how long every answer has been a 403; 0 if the last one was not.
func (o *outage) refused() time.Duration {
	if o.code != http.StatusForbidden {
		return 0
	}
	return time.Since(o.since)
}

// hopeless reports whether another try would fail in the same way. 401 and 403 do not count: tokens are
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

// sleep waits for d; false when ctx ended first.
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
