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
	// minTimeout and perEntry set the timeout of a reload call: Grafana needs up to 0.1 s for each entry,
	// changed or not. Since version 8 it stops halfway when the client disconnects.
	minTimeout = 60 * time.Second
	perEntry   = 100 * time.Millisecond
	// maxTries500 is how often a call that gets a 500 is tried: it can be a temporary "database is locked".
	maxTries500 = 3
	retryPause  = time.Second
	// longest is when a request without an answer is finally given up: no working Grafana needs this long.
	longest = 30 * time.Minute
	// stopGrace is how long a stop waits for a call in flight before it leaves it.
	stopGrace = 5 * time.Second
)

// Reload makes the calls one at a time, in the order in which Grafana provisions.
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

// due are the kinds to reload now: those of the plan and those that a comparison found different since, except those
// that were answered already. If all were answered, this is a request to reload them again.
func (d *Driver) due(p plan) []string {
	all := slices.DeleteFunc(kindNames(), func(route string) bool { return !slices.Contains(p.routes, route) && !d.heal[route] })
	left := slices.DeleteFunc(slices.Clone(all), func(route string) bool { return d.done.routes[route] })
	if len(left) == 0 && !p.restart {
		return all
	}
	return left
}

// reloadKind reloads one kind. It skips a kind that this Grafana does not have.
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
			// reloader found the files valid, and Grafana fails on them: Grafana's verdict counts.
			f.Class = reload.ClassPartial
			return f
		case try == maxTries500:
			// Grafana sends the same answer when it refuses the files and when it cannot write its database, because the
			// disk is full or the file is read-only.
			f.Class, f.Unsure = reload.ClassPartial, true
			f.Message = fmt.Sprintf("POST %s: 500 on %d tries: Grafana refuses the files, or cannot write its database; it may have applied a part", path, try)
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
// stop of reloader cancels the request, because Grafana would then stop halfway. The request stays
// in flight, and nothing else is sent until it has ended.
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
				Message: fmt.Sprintf("POST %s: no answer within %s; reloader does not cancel the request, and sends nothing until it has ended", path, limit),
				Hint:    "see Grafana's log; it stops halfway when its client disconnects"}
		}
	}
}

// busy says whether a reload whose answer is overdue is still in flight.
func (d *Driver) busy() bool {
	if d.inFlight == nil {
		return false
	}
	select {
	case <-d.inFlight:
		d.inFlight = nil // the next comparison shows what it did, as after any failure
		return false
	default:
		return true
	}
}

var errBusy = errors.New("an earlier reload is still running in Grafana")

// touched marks a failed call as one that may have changed something, unless it certainly was not sent.
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
