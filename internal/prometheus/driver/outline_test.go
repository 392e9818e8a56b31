package driver_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"reloader/internal/httpclient"
	"reloader/internal/prometheus/prometheustest"
	"reloader/internal/prometheus/validator"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// The first observation reads the jobs and rule groups from the server, so that guards work after a restart of reloader. If the server
// does not show them, they are unknown.
func TestOutlineOfTheServer(t *testing.T) {
	t.Parallel()
	both(t, "shows", options{}, func(t *testing.T, s server) {
		s.write(t, rulesFile)
		if err := newDriver(t, httpclient.Options{URL: s.url}).Reload(t.Context(), reload.Plan{}); err != nil {
			t.Fatal(err)
		}
		rig.Until(t, "a scrape pool", func() bool { // the server makes it some seconds after the load
			body, err := rig.Get(t, s.url+"/api/v1/scrape_pools")
			return err == nil && strings.Contains(body, "self")
		})
		d := newDriver(t, httpclient.Options{URL: s.url})
		o := observe(t, d).Outline
		if o.Count(validator.KindJob) != 1 || o.Count(validator.KindGroup) != 1 {
			t.Errorf("outline %+v", o)
		}
		if o := observe(t, d).Outline; o != nil {
			t.Errorf("asked again: %+v", o)
		}
	})
	denied := prometheustest.New(t, prometheustest.Options{})
	denied.Deny("/api/v1/scrape_pools", http.StatusForbidden)
	denied.Deny("/api/v1/status/config", http.StatusForbidden)
	denied.Deny("/api/v1/rules", http.StatusForbidden)
	if o := observe(t, newDriver(t, httpclient.Options{URL: denied.URL()})).Outline; o != nil {
		t.Errorf("made up: %+v", o)
	}
}

// A driver that takes over while a reload is running waits for the end of that reload: a second one would only be queued behind
// it.
func TestInherit(t *testing.T) {
	t.Parallel()
	server := prometheustest.New(t, prometheustest.Options{})
	server.Hang()
	old := newDriver(t, httpclient.Options{URL: server.URL()})
	observe(t, old)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- old.Reload(ctx, reload.Plan{}) }()
	rig.Until(t, "the request", func() bool { return len(server.Requests()) == 1 })
	stop()
	wantClass(t, <-ended, reload.ClassUnreachable, "stopped")
	next := newDriver(t, httpclient.Options{URL: server.URL()})
	next.Inherit(old)
	observe(t, next)
	wantClass(t, next.Reload(t.Context(), reload.Plan{}), reload.ClassBusy)
	if got := server.Requests(); len(got) != 1 {
		t.Errorf("requests %q", got)
	}
	server.Release()
}
