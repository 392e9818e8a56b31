package driver_test

import (
	"strings"
	"testing"
	"time"

	"reloader/internal/httpclient"
	"reloader/internal/prometheus/prometheustest"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// offsets are how far a server's clock may differ from ours.
var offsets = []time.Duration{time.Minute, -time.Minute, time.Hour, -time.Hour, 30 * 24 * time.Hour}

// rest waits for the next second. The server reports the time of a load in whole seconds, so two loads in one second look like one.
func (r *site) rest() {
	r.t.Helper()
	second := time.Now().Unix()
	rig.Until(r.t, "another second", func() bool { return time.Now().Unix() > second })
}

// A server whose clock is off by a minute, an hour or a month is followed like any other: each change takes one reload, a load by
// someone else is noticed, a 200 without a load is not believed, and a restart is seen.
func TestClockOfTheServerIsOff(t *testing.T) {
	t.Parallel()
	for _, ahead := range offsets {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			f := newFiles(t, "first")
			server := prometheustest.New(t, prometheustest.Options{Files: f.read})
			server.Stop()
			server.SetClock(ahead)
			server.Start(t)
			r := start(t, f, server, httpclient.Options{}, 0)
			r.live("first")
			r.wantRequests(0)
			r.rest()
			r.swap("second")
			r.live("second")
			r.wantRequests(1)
			r.rest()
			server.Run("foreign")
			r.live("second")
			r.rest()
			before := len(server.Requests())
			server.Lie(true)
			r.swap("third")
			r.failing(reload.ClassUnproven)
			if s := r.target.Status(); !strings.Contains(s.Reason, "lastConfigTime did not change") || !s.Running.IsZero() {
				t.Errorf("%+v", s)
			}
			server.Lie(false)
			r.live("third")
			if len(server.Requests()) < before+2 {
				t.Error("the lie was not followed by a reload")
			}
			r.rest()
			server.Stop()
			server.Start(t)
			r.live("third")
		})
	}
}

// The server's clock is set in both directions while nothing else happens. It stays InSync without a reload. After that, one change
// takes one reload and a 200 without a load is not believed, even if the time of the newest load is in the future.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	for _, by := range offsets {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			r := newSite(t, prometheustest.Options{})
			r.rest()
			r.server.SetClock(by)
			since := r.target.Status().Since
			r.rest() // usually several looks
			r.target.Look(t.Context())
			if s := r.target.Status(); s.Phase != reload.InSync || s.Since != since {
				t.Errorf("the clock was set: %+v", s)
			}
			r.wantRequests(0)
			r.server.Lie(true)
			r.swap("second")
			r.failing(reload.ClassUnproven)
			if s := r.target.Status(); !strings.Contains(s.Reason, "lastConfigTime did not change") {
				t.Errorf("%+v", s)
			}
			r.server.Lie(false)
			r.live("second")
			r.rest()
			n := len(r.server.Requests())
			r.server.SetClock(0)
			r.swap("third")
			r.live("third")
			r.wantRequests(n + 1)
			r.server.SetClock(by) // right after a load
			r.rest()
			r.live("third")
			r.wantRequests(n + 1)
		})
	}
}

// The server's clock is set during a reload, so that its load may have an earlier time than the previous one. The load counts, and
// there is only one reload.
func TestClockIsSetDuringAReload(t *testing.T) {
	t.Parallel()
	for _, by := range offsets {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			r := newSite(t, prometheustest.Options{})
			r.rest()
			r.server.Hang()
			r.swap("second")
			rig.Until(t, "the request", func() bool { return len(r.server.Requests()) == 1 })
			r.server.SetClock(by)
			r.server.Release()
			r.live("second")
			r.wantRequests(1)
			if s := r.target.Status(); s.Counts.ReloadsFailed != 0 {
				t.Errorf("the load was not seen at once: %+v", s.Counts)
			}
		})
	}
}
