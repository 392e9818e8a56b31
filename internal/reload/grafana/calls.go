package grafana

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
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
	// stopGrace is how long a stop waits for a call in flight before it lets go of it.
	stopGrace = 5 * time.Second
)

// Reload makes the calls, one at a time, in Grafana's own order.
func (d *Driver) Reload(ctx context.Context, p reload.Plan) error {
	own, ok := p.Data.(plan)
	if !ok {
		return &reload.Failure{Class: reload.ClassLocal, Message: errNoPlan.Error(), Untouched: true, Err: errNoPlan}
	}
	if d.done.digest != own.digest || d.done.epoch != d.api.lives {
		d.done = progress{digest: own.digest, epoch: d.api.lives, routes: map[string]bool{}}
	}
	limit := max(minTimeout, d.o.Timeout, time.Duration(own.files.entries)*perEntry)
	for _, route := range own.routes {
		if d.done.routes[route] {
			continue
		}
		if err := d.reloadKind(ctx, route, limit); err != nil {
			return err
		}
		d.done.routes[route] = true
	}
	if own.restart {
		return d.restart(ctx, own)
	}
	return nil
}

// reloadKind reloads one kind; a kind that this Grafana does not have is skipped.
func (d *Driver) reloadKind(ctx context.Context, route string, limit time.Duration) error {
	path := "/api/admin/provisioning/" + route + "/reload"
	for try := 1; ; try++ {
		a, err := d.uninterrupted(ctx, path, limit)
		if err != nil {
			return touched(err)
		}
		switch {
		case a.status == http.StatusOK:
			return nil
		case a.status == http.StatusNotFound && bytes.Contains(a.body, []byte("message")):
			d.o.Logger.Debug("this Grafana has no such kind", "kind", route)
			return nil
		}
		f := classify("POST "+path, a)
		panicked := bytes.Contains(a.body, []byte(`"error"`))
		if a.status != http.StatusInternalServerError {
			return f
		}
		if panicked || try == maxTries500 {
			// The files were judged before and Grafana still refuses: it is the better judge.
			f.Class = reload.ClassPartial
			if !panicked {
				f.Message = fmt.Sprintf("POST %s: 500 at %d tries: Grafana refuses the files and may have applied a part", path, try)
			}
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

// uninterrupted sends a reload that a stop of this process does not cut short at once, because
// Grafana would then stop half way.
func (d *Driver) uninterrupted(ctx context.Context, path string, limit time.Duration) (answer, error) {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	type outcome struct {
		a   answer
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		defer cancel()
		a, err := d.api.do(detached, http.MethodPost, path, nil, nil)
		done <- outcome{a, err}
	}()
	select {
	case o := <-done:
		return o.a, o.err
	case <-ctx.Done():
	}
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case o := <-done:
		return o.a, o.err
	case <-grace.C:
		return answer{}, ctx.Err()
	}
}

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
