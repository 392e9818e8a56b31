package driver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

const (
	// restartDistance is the minimum time between two restarts that we ask for. With every exit,
	// the kubelet delays the next start longer (10, 20, 40 ... 300 s); it resets this after 10 minutes.
	restartDistance = 10 * time.Minute
	// restartLimit is how long Grafana may take to come back: the longest back-off of the kubelet,
	// plus a start with many files.
	restartLimit = 10 * time.Minute
)

// restarts remembers the restarts that were made, so that none is made needlessly or too early.
type restarts struct {
	last  time.Time
	made  snapshot.Digest // the grafana.ini of the last restart
	dueAt time.Time       // when a delayed restart may be made; zero when none is delayed
	count int
}

// wanted says whether a restart for this grafana.ini may be made now. Keys that still differ after a
// restart are set by the environment or the command line: another restart would not change them.
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

// due returns another number when a delayed restart has become possible. The number is part of the
// observation, so that the target then looks at the server again.
func (r *restarts) due(now time.Time) int {
	if !r.dueAt.IsZero() && !now.Before(r.dueAt) {
		r.dueAt = time.Time{}
		r.count++
	}
	return r.count
}

// settled is what is known about one grafana.ini in one life of the server.
type settled struct {
	digest snapshot.Digest
	life   int
	// since is when these contents were first seen.
	since time.Time
	// waiting are the keys that may take effect with a restart.
	waiting []string
	// stale are the keys of a change of which none took effect with a restart: the server's file is an old copy,
	// unless all of them are set elsewhere. elsewhere are keys that the environment or the command line sets,
	// because other keys of the same change did take effect.
	stale, elsewhere []string
	// ambiguous says that the server may already have started with this file: it is not restarted for it.
	ambiguous bool
}

// IniTimes say since when a starting server could have read the present grafana.ini.
type IniTimes struct {
	// Written is when these contents were written, Placed when they arrived where the server reads them. The two
	// differ in a gate, where a file remains the same over many publications.
	Written, Placed time.Time
}

// ended is a process that was asked to end.
type ended struct {
	life int
	at   time.Time
}

// restart asks the process to end. It does not wait for the next one: the files may change in the meantime, and
// the target looks at the server anyway.
func (d *Driver) restart(ctx context.Context, p plan) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	d.look(ctx)
	if err := d.o.Restarter.Terminate(ctx); err != nil {
		return &reload.Failure{Class: reload.ClassLocal, Message: fmt.Sprintf("restart Grafana: %v", err), Permanent: true, Untouched: true, Err: err,
			Hint: "the pod needs shareProcessNamespace: true, and reloader needs the same user id as Grafana"}
	}
	d.restarts.last, d.restarts.made = d.o.Clock(), p.files.IniDigest
	d.ended = &ended{life: d.life.number, at: d.o.Clock()}
	d.o.Logger.Info("Grafana was asked to end, so that it starts with the new grafana.ini", "digest", p.files.IniDigest.Short())
	return nil
}

// awaitEnd returns a failure while the process that was asked to end may still be the one that answers.
func (d *Driver) awaitEnd() error {
	if d.ended == nil {
		return nil
	}
	waited := d.o.Clock().Sub(d.ended.at)
	switch {
	case d.life.number != d.ended.life:
		d.ended = nil
		return nil
	case waited < restartLimit:
		return &reload.Failure{Class: reload.ClassUnavailable, RetryAfter: time.Second,
			Message: "Grafana was asked to end, so that it starts with the new grafana.ini, and has not started again yet",
			Hint:    "if it takes long, see its log: kubectl logs --previous"}
	}
	d.ended = nil
	return &reload.Failure{Class: reload.ClassTimeout, Message: "restart Grafana: it did not come back in " + restartLimit.String(),
		Hint: "see its log: kubectl logs --previous"}
}

// waiting names the keys of grafana.ini that the running server does not have yet.
func (d *Driver) waiting(ctx context.Context, e expectation) ([]string, error) {
	if e.Ini == nil {
		return nil, nil
	}
	if d.settled.digest == e.IniDigest && d.settled.life == d.life.number {
		return d.settled.waiting, nil // settings change only with a restart
	}
	var running map[string]map[string]string
	if err := d.api.list(ctx, "/api/admin/settings", nil, &running); err != nil {
		return nil, err
	}
	next := settled{digest: e.IniDigest, life: d.life.number, waiting: e.Ini.Waiting(running), since: d.o.Clock()}
	if before := d.settled; before.digest == e.IniDigest {
		next.since = before.since
		before.waiting = slices.Concat(before.waiting, before.stale)
		switch {
		case !d.startedAfter(next.since):
		case len(before.waiting) > 0 && !slices.ContainsFunc(before.waiting, func(key string) bool { return !slices.Contains(next.waiting, key) }):
			next.stale, next.elsewhere = before.waiting, before.elsewhere
			next.waiting = nil
		default:
			next.elsewhere, next.waiting = next.waiting, nil
		}
	} else if len(next.waiting) > 0 {
		d.judgeUnseen(&next)
	}
	d.settled = next
	return next.waiting, nil
}

// judgeUnseen judges a file that reloader sees for the first time: the server may have read it before reloader started.
// If the server started after the file was placed, and has other values, they are set elsewhere. There is no restart
// then, and none if it is not known which came first.
func (d *Driver) judgeUnseen(s *settled) {
	if d.o.IniTimes == nil {
		return
	}
	times := d.o.IniTimes()
	started, known := d.processStart()
	switch {
	case times.Placed.IsZero() || !known:
		s.ambiguous = true
	case started.After(times.Placed):
		s.elsewhere, s.waiting = s.waiting, nil
	case started.After(times.Written):
		s.ambiguous = true
	}
}

// processStart is when the process that answers started, if that is known.
func (d *Driver) processStart() (time.Time, bool) {
	if d.life.start > 0 {
		return d.life.started(), true
	}
	if d.o.ProcessStart != nil {
		t, err := d.o.ProcessStart()
		return t, err == nil
	}
	return time.Time{}, false
}

// startedAfter says whether the process that answers now, which is not the one of that moment, started after it: then
// it has read the file that was there at that moment.
func (d *Driver) startedAfter(moment time.Time) bool {
	return d.life.start == 0 || d.life.started().Unix() > moment.Unix()
}

// confirmIni adds the state of grafana.ini to a verdict.
func (d *Driver) confirmIni(ctx context.Context, p plan, v *reload.Verdict) error {
	keys, err := d.waiting(ctx, p.files)
	if err != nil {
		return err
	}
	v.RestartRequired = keys
	if p.files.Ini == nil {
		return nil
	}
	if stale := d.settled.stale; len(stale) > 0 {
		v.Proven, v.Mismatch = false, true
		v.Differences = append(v.Differences, "grafana.ini: still different after a restart: "+listed(stale, 5))
		v.Cause = strings.TrimSpace(v.Cause + " Grafana was started after grafana.ini changed, and none of the changes took effect. Either its container has an old copy of the file: mount the directory, not a subPath or a single file. " +
			"Or GF_ variables or the command line set the same keys.")
		v.Reason = "Grafana shows something other than the files: " + shorten(v.Differences)
	}
	if elsewhere := d.settled.elsewhere; len(elsewhere) > 0 {
		v.NotCompared = append(v.NotCompared, "grafana.ini: set by the environment or the command line: "+listed(elsewhere, 5))
	}
	return nil
}
