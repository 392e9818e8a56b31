package driver

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

const (
	// restartDistance is the least time between two restarts that we ask for. The kubelet counts
	// every exit and makes a container wait for 10, 20, 40 ... 300 s; it forgets after 10 minutes.
	restartDistance = 10 * time.Minute
	// restartLimit is how long Grafana may take to come back: the longest back-off of the kubelet
	// and a start with many files.
	restartLimit = 10 * time.Minute
	restartPoll  = 250 * time.Millisecond
)

// restarts remembers which restarts were made, so that none is made in vain or too early.
type restarts struct {
	last  time.Time
	made  snapshot.Digest // the grafana.ini for which the last one was made
	dueAt time.Time       // when a restart that came too early may be made; zero when none waits
	count int
}

// wanted says whether a restart for this grafana.ini may be made now. Keys that differ after a
// restart are set by the environment or the command line, and no other restart changes them.
func (r *restarts) wanted(o Options, ini snapshot.Digest, now time.Time) bool {
	if o.Restarter == nil || r.made == ini {
		return false
	}
	if !r.last.IsZero() && now.Sub(r.last) < restartDistance {
		r.dueAt = r.last.Add(restartDistance)
		return false
	}
	return true
}

// due changes its answer when a restart that waited has become possible. It is part of what is
// observed, so that the target looks at the server anew.
func (r *restarts) due(now time.Time) int {
	if !r.dueAt.IsZero() && !now.Before(r.dueAt) {
		r.dueAt = time.Time{}
		r.count++
	}
	return r.count
}

// settled is which keys of one grafana.ini one life of the server lacks.
type settled struct {
	digest snapshot.Digest
	life   int
	keys   []string
	// since is when this file was first seen, and fixed are the keys that a restart since then
	// has not changed.
	since time.Time
	fixed []string
}

// restart ends the process and waits until its successor answers.
func (d *Driver) restart(ctx context.Context, p plan) error {
	ctx, cancel := context.WithTimeout(ctx, restartLimit)
	defer cancel()
	before := d.api.lives
	if err := d.o.Restarter.Terminate(ctx); err != nil {
		return &reload.Failure{Class: reload.ClassLocal, Message: fmt.Sprintf("restart Grafana: %v", err), Permanent: true, Untouched: true, Err: err,
			Hint: "the pod needs shareProcessNamespace: true, and reloader the same user id as Grafana"}
	}
	d.restarts.last, d.restarts.made = d.o.Clock(), p.files.iniDigest
	d.o.Logger.Info("Grafana was asked to end, so that it starts with the new grafana.ini", "digest", p.files.iniDigest.Short())
	tick := time.NewTicker(restartPoll)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return &reload.Failure{Class: reload.ClassTimeout, Message: "restart Grafana: it did not come back in " + restartLimit.String(),
				Hint: "see its log: kubectl logs --previous"}
		}
		o, err := d.Observe(ctx)
		if err == nil && o.Ready && d.api.lives != before {
			// A start provisions everything, so that every kind is done in the new life.
			d.done.epoch = d.api.lives
			return nil
		}
	}
}

// waiting names the keys of grafana.ini that the running server does not have yet.
func (d *Driver) waiting(ctx context.Context, e expectation) ([]string, error) {
	if e.ini == nil {
		return nil, nil
	}
	if d.settled.digest == e.iniDigest && d.settled.life == d.api.lives {
		return d.settled.keys, nil // settings change only with a restart
	}
	var running map[string]map[string]string
	if err := d.api.get(ctx, "/api/admin/settings", nil, &running); err != nil {
		return nil, err
	}
	next := settled{digest: e.iniDigest, life: d.api.lives, keys: e.ini.Waiting(running), since: d.o.Clock()}
	if d.settled.digest == e.iniDigest {
		next.since, next.fixed = d.settled.since, d.settled.fixed
		if len(next.keys) > 0 && d.startedAfter(ctx, next.since) {
			next.fixed = next.keys
		}
	}
	next.keys = slices.DeleteFunc(slices.Clone(next.keys), func(key string) bool { return slices.Contains(next.fixed, key) })
	d.settled = next
	return next.keys, nil
}

// startedAfter says whether the server's process surely is younger than a moment: its start has
// read the file that was there then, and what still differs is set by the environment or the command line.
func (d *Driver) startedAfter(ctx context.Context, moment time.Time) bool {
	ctx, cancel := context.WithTimeout(ctx, quickTimeout)
	defer cancel()
	req, err := d.api.request(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return false
	}
	resp, err := d.api.roundTrip(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil || resp.StatusCode != http.StatusOK {
		return false
	}
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(line, "process_start_time_seconds "); ok {
			seconds, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return err == nil && int64(seconds) > moment.Unix()
		}
	}
	return false
}
