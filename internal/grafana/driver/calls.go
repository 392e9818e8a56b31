package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"reloader/internal/reload"
)

const (
	// minTimeout and perEntry bound a reload call: Grafana needs up to 0.1 s for each entry, changed
	// or not, and since 8 it stops half way when the client goes away.
	minTimeout = 60 * time.Second
	perEntry   = 100 * time.Millisecond
	// maxTries500 are the tries of one call: a 500 can be a passing "database is locked".
	maxTries500 = 3
	retryPause  = time.Second
	// longest is when a request without an answer is given up at last: nothing that lives needs so long.
	longest = 30 * time.Minute
	// stopGrace is how long a stop waits for a call in flight before it lets go of it.
	stopGrace = 5 * time.Second
)

// Reload makes the calls, one at a time, in Grafana's own order.
func (d *Driver) Reload(ctx context.Context, p reload.Plan) error {
	own, ok := p.Data.(plan)
	if !ok {
		return &reload.Failure{Class: reload.ClassLocal, Message: errNoPlan.Error(), Untouched: true, Err: errNoPlan}
	}
	if d.done.routes == nil || own.unknown || d.done.digest != own.digest || d.done.life != d.life.number {
		d.done = progress{digest: own.digest, life: d.life.number, routes: map[string]bool{}}
	}
	limit := max(d.least, d.o.Timeout, time.Duration(own.files.Entries)*perEntry)
	d.called = d.due(own)
	if slices.Contains(d.called, "datasources") {
		d.saved = nil // a reload saves all of them
	}
	for _, route := range d.called {
		if err := d.reloadKind(ctx, route, limit); err != nil {
			delete(d.answered, route)
			return err
		}
		d.noteAnswer(ctx, route, own.files.Kinds[route])
		d.done.routes[route] = true
	}
	if own.restart {
		return d.restart(ctx, own)
	}
	return nil
}

// due are the kinds to call now: those of the plan and those that a comparison has found different since, without
// those that were answered. If all were, someone wants them once more.
func (d *Driver) due(p plan) []string {
	all := slices.DeleteFunc(kindNames(), func(route string) bool { return !slices.Contains(p.routes, route) && !d.heal[route] })
	left := slices.DeleteFunc(slices.Clone(all), func(route string) bool { return d.done.routes[route] })
	if len(left) == 0 && !p.restart {
		return all
	}
	return left
}

// reloadKind reloads one kind; a kind that this Grafana does not have is skipped.
func (d *Driver) reloadKind(ctx context.Context, route string, limit time.Duration) error {
	path := "/api/admin/provisioning/" + route + "/reload"
	for try := 1; ; try++ {
		a, err := d.uninterrupted(ctx, path, limit)
		if err != nil {
			return touched(err)
		}
		d.posts[route]++
		switch {
		case a.status == http.StatusOK:
			return nil
		case a.status == http.StatusNotFound && bytes.Contains(a.body, []byte("message")):
			d.o.Logger.Debug("this Grafana has no such kind", "kind", route)
			return nil
		}
		f := classify("POST "+path, a)
		panicked := bytes.Contains(a.body, []byte(`"error"`))
		switch {
		case a.status != http.StatusInternalServerError || f.Class == reload.ClassUnavailable:
			return f
		case panicked:
			// The files were judged before and Grafana still fails on them: it is the better judge.
			f.Class = reload.ClassPartial
			return f
		case try == maxTries500:
			// It answers so to files that it refuses, and also when its database cannot be written: the disk is full, or
			// the file is read-only.
			f.Class, f.Unsure = reload.ClassPartial, true
			f.Message = fmt.Sprintf("POST %s: 500 at %d tries: Grafana refuses the files, or cannot write its database; it may have applied a part", path, try)
			return f
		}
		pause := time.NewTimer(retryPause/2 + rand.N(retryPause))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return touched(ctx.Err())
		}
	}
}

// outcome is how a request ended.
type outcome struct {
	a   answer
	err error
}

// uninterrupted sends a reload and waits for the answer until the limit. Neither the limit nor a
// stop of this process takes the request back, because Grafana would then stop half way: it
// stays in flight, and until it has ended nothing else is sent.
func (d *Driver) uninterrupted(ctx context.Context, path string, limit time.Duration) (answer, error) {
	if d.busy() {
		return answer{}, &reload.Failure{Class: reload.ClassBusy, Message: errBusy.Error(), Untouched: true, Err: errBusy}
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
	done := make(chan outcome, 1)
	go func() {
		defer cancel()
		a, err := d.api.do(detached, http.MethodPost, path, nil, nil)
		done <- outcome{a, err}
	}()
	d.inFlight = done
	late, stop, stopped := time.After(limit), ctx.Done(), false
	for {
		select {
		case o := <-done:
			d.inFlight = nil
			return o.a, o.err
		case <-stop:
			late, stop, stopped = time.After(stopGrace), nil, true
		case <-late:
			if stopped {
				return answer{}, ctx.Err()
			}
			return answer{}, &reload.Failure{Class: reload.ClassTimeout,
				Message: fmt.Sprintf("POST %s: no answer within %s; the request is left to end, and nothing is sent meanwhile", path, limit),
				Hint:    "see Grafana's log; it stops half way when its client goes away"}
		}
	}
}

// busy says whether a reload whose answer is overdue has not ended yet.
func (d *Driver) busy() bool {
	if d.inFlight == nil {
		return false
	}
	select {
	case <-d.inFlight:
		d.inFlight = nil // what it brought is found out as after any failure
		return false
	default:
		return true
	}
}

var errBusy = errors.New("an earlier reload has not ended in Grafana yet")

// touched marks a failed call as one that may have changed something, except when it surely was
// not sent.
func touched(err error) error {
	var f *reload.Failure
	if !errors.As(err, &f) {
		return err
	}
	switch f.Class {
	case reload.ClassDNS, reload.ClassTLS, reload.ClassLocal, reload.ClassUnauthorized:
	default:
		f.Untouched = false
	}
	return f
}
