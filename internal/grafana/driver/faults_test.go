package driver

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
	testrig "reloader/test/rig"
)

func fake(t *testing.T, o grafanatest.Options) (*grafanatest.Server, server) {
	t.Helper()
	if o.Provisioning == "" {
		o.Provisioning = t.TempDir()
	}
	g := grafanatest.New(o)
	t.Cleanup(g.Close)
	return g, server{url: g.URL, password: "admin", provisioning: o.Provisioning}
}

func kindsOf(calls []grafanatest.Call) []string {
	var out []string
	for _, c := range calls {
		out = append(out, c.Kind)
	}
	return out
}

// When all kinds change, each is reloaded once, in Grafana's own order, and never two at the same time.
func TestOrderOfKinds(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{Plugins: []string{"acme-app"}})
	s.write(t, "datasources/ds.yaml", oneDatasource)
	s.write(t, "plugins/p.yaml", "apiVersion: 1\napps: [{type: acme-app}]\n")
	s.write(t, "alerting/cp.yaml", contactPoint)
	s.write(t, "dashboards/p.yaml", provider)
	s.write(t, "json/a.json", `{"title": "A", "uid": "a"}`)
	r := newRig(t, s.url, s.password, nil)
	_, v, err := r.apply(t.Context(), nil, s.read(t, "dashboards", "json", "alerting", "plugins", "datasources"))
	if err != nil || !v.Proven {
		t.Fatalf("%+v %v", v, err)
	}
	if got, want := kindsOf(g.Calls()), []string{"datasources", "plugins", "alerting", "dashboards"}; !slices.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
	if g.Overlapped() {
		t.Error("two reloads were in flight at once")
	}
}

// A temporary "database is locked" is tried again within the same attempt; a permanent 500 ends it after three tries.
func TestLockedDatabase(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		locked, calls int
		ok            bool
	}{{2, 3, true}, {10, 3, false}} {
		g, s := fake(t, grafanatest.Options{})
		s.write(t, "datasources/ds.yaml", oneDatasource)
		g.SetFaults(grafanatest.Faults{Locked: tt.locked})
		r := newRig(t, s.url, s.password, nil)
		_, v, err := r.apply(t.Context(), nil, s.read(t, "datasources"))
		if (err == nil && v.Proven) != tt.ok {
			t.Errorf("locked %d times: %+v %v", tt.locked, v, err)
		}
		if err != nil {
			if f := failure(t, err); f.Class != reload.ClassPartial || !strings.Contains(f.Hint, "log") {
				t.Errorf("failure %+v", f)
			}
		}
		if got := len(g.Calls()); got != tt.calls {
			t.Errorf("locked %d times: %d calls, want %d", tt.locked, got, tt.calls)
		}
	}
}

// A reload that is answered with 200 but did nothing is not believed, and the kind is reloaded again.
func TestIgnoredReload(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{})
	s.write(t, "datasources/ds.yaml", oneDatasource)
	g.SetFaults(grafanatest.Faults{Ignore: true})
	r := newRig(t, s.url, s.password, nil)
	set := s.read(t, "datasources")
	_, v, err := r.apply(t.Context(), nil, set)
	if err != nil || v.Proven || !strings.Contains(v.Reason, "Prometheus") {
		t.Fatalf("%+v %v", v, err)
	}
	g.SetFaults(grafanatest.Faults{})
	if _, v, err = r.apply(t.Context(), nil, set); err != nil || !v.Proven {
		t.Fatalf("%+v %v", v, err)
	}
}

// When one kind fails, the kinds that were already answered with 200 are not reloaded again.
func TestFinishedKindsAreNotRepeated(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{Plugins: []string{"acme-app"}})
	s.write(t, "datasources/ds.yaml", oneDatasource)
	s.write(t, "alerting/cp.yaml", contactPoint)
	r := newRig(t, s.url, s.password, nil)
	set := s.read(t, "datasources", "alerting")
	seen, err := r.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Plan(t.Context(), reload.Change{New: set, Contents: true, Server: seen})
	if err != nil {
		t.Fatal(err)
	}
	g.OnReload(func(kind string) {
		if kind == "datasources" {
			g.SetFaults(grafanatest.Faults{Locked: 3}) // the next three calls fail
		}
	})
	if err := r.Reload(t.Context(), p); err == nil {
		t.Fatal("the alerting reload did not fail")
	}
	g.OnReload(nil)
	if err := r.Reload(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if got, want := kindsOf(g.Calls()), []string{"datasources", "alerting", "alerting", "alerting", "alerting"}; !slices.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
}

// After two tries with a wrong password nothing is sent until the password changes or Grafana's lock has expired.
func TestLockOutGuard(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{})
	s.write(t, "datasources/ds.yaml", oneDatasource)
	r := newRig(t, s.url, "wrong", nil)
	set := s.read(t, "datasources")
	for range 20 {
		_, _, err := r.apply(t.Context(), nil, set)
		if f := failure(t, err); f.Class != reload.ClassUnauthorized || !f.Permanent || f.Hint == "" {
			t.Fatalf("failure %+v", f)
		}
	}
	if got := g.Failures("admin"); got != maxTries {
		t.Errorf("%d failed sign-ins, want %d", got, maxTries)
	}
	r.ahead += lockOut + time.Second
	for range 20 {
		_, _, _ = r.apply(t.Context(), nil, set)
	}
	if got := g.Failures("admin"); got != maxTries+1 {
		t.Errorf("%d failed sign-ins after the lock has passed, want one more", got)
	}
	r.setPassword(t, "admin")
	if _, v, err := r.apply(t.Context(), nil, set); err != nil || !v.Proven {
		t.Errorf("with the right password: %+v %v", v, err)
	}
}

// With basic auth switched off, the driver signs in for a session, and again when the session ends.
func TestSession(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"9.3.2", "12.4.0"} {
		_, s := fake(t, grafanatest.Options{NoBasicAuth: true, Version: version})
		s.write(t, "datasources/ds.yaml", oneDatasource)
		r := newRig(t, s.url, s.password, nil)
		set := s.read(t, "datasources")
		if _, v, err := r.apply(t.Context(), nil, set); err != nil || !v.Proven {
			t.Errorf("%s: %+v %v", version, v, err)
		}
		r.api.session = "ended"
		if _, v, err := r.apply(t.Context(), nil, set); err != nil || !v.Proven {
			t.Errorf("%s: after the session has ended: %+v %v", version, v, err)
		}
	}
}

// The lock-out guard also counts failed sign-ins for a session.
func TestSessionLockOutGuard(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"9.3.2", "12.4.0"} {
		g, s := fake(t, grafanatest.Options{NoBasicAuth: true, Version: version})
		s.write(t, "datasources/ds.yaml", oneDatasource)
		r := newRig(t, s.url, "wrong", nil)
		set := s.read(t, "datasources")
		for range 20 {
			if _, _, err := r.apply(t.Context(), nil, set); err == nil {
				t.Fatal("a wrong password was accepted")
			}
		}
		if got := g.Failures("admin"); got != maxTries {
			t.Errorf("%s: %d failed sign-ins, want %d", version, got, maxTries)
		}
	}
}

// Stopping reloader does not cancel a reload in flight, which Grafana would leave half done.
func TestStopDoesNotCancelAReload(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{PerEntry: 20 * time.Millisecond})
	s.write(t, "datasources/ds.yaml", "apiVersion: 1\ndatasources: [{name: A, type: x}, {name: B, type: x}, {name: C, type: x}]\n")
	r := newRig(t, s.url, s.password, nil)
	seen, err := r.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Plan(t.Context(), reload.Change{New: s.read(t, "datasources"), Contents: true, Server: seen})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	g.OnReload(func(string) { cancel() })
	if err := r.Reload(ctx, p); err != nil {
		t.Fatal(err)
	}
	if calls := g.Calls(); len(calls) != 1 || calls[0].Cancelled {
		t.Errorf("calls %+v, want one that was not cancelled", calls)
	}
}

// A caller whose context never ends also gets the timeout failure, not an answer without a status.
func TestTimeoutWithoutAStop(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{})
	g.SetFaults(grafanatest.Faults{Hang: true})
	r := newRig(t, s.url, s.password, nil)
	_, err := r.uninterrupted(context.WithoutCancel(t.Context()), "/api/admin/provisioning/datasources/reload", time.Millisecond)
	g.SetFaults(grafanatest.Faults{})
	<-r.inFlight // the driver is closed after its request
	if f := failure(t, err); f.Class != reload.ClassTimeout {
		t.Errorf("failure %+v", f)
	}
}

// A reload that takes longer than the timeout is not cancelled, and no other is sent until it has ended.
func TestTimeoutDoesNotCancelAReload(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{})
	s.write(t, "datasources/ds.yaml", oneDatasource)
	g.SetFaults(grafanatest.Faults{Hang: true})
	r := newRig(t, s.url, s.password, nil)
	r.least = 50 * time.Millisecond
	set := s.read(t, "datasources")
	_, _, err := r.apply(t.Context(), nil, set)
	if f := failure(t, err); f.Class != reload.ClassTimeout || f.Untouched || f.Permanent {
		t.Fatalf("failure %+v", f)
	}
	if o, err := r.Observe(t.Context()); err != nil || o.Ready || o.Reason == "" {
		t.Errorf("while it runs: %+v %v, want not ready with a reason", o, err)
	}
	_, err = r.uninterrupted(t.Context(), "/api/admin/provisioning/datasources/reload", time.Second)
	if f := failure(t, err); f.Class != reload.ClassBusy {
		t.Errorf("a second call: %+v", f)
	}
	g.SetFaults(grafanatest.Faults{})
	r.least = minTimeout
	testrig.Eventually(t, "the request has ended", func() error {
		o, err := r.Observe(t.Context())
		if err == nil && !o.Ready {
			err = errors.New(o.Reason)
		}
		return err
	})
	if _, v, err := r.apply(t.Context(), nil, set); err != nil || !v.Proven {
		t.Errorf("%+v %v", v, err)
	}
	for _, c := range g.Calls() {
		if c.Cancelled {
			t.Error("a reload was cancelled")
		}
	}
	if g.Overlapped() {
		t.Error("two reloads were in flight at once")
	}
}

// A reload whose connection breaks may have been applied in part. A server that is down is not ready, and works again afterwards.
func TestConnectionLost(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{})
	s.write(t, "datasources/ds.yaml", oneDatasource)
	r := newRig(t, s.url, s.password, nil)
	set := s.read(t, "datasources")
	g.SetFaults(grafanatest.Faults{Reset: 1})
	_, _, err := r.apply(t.Context(), nil, set)
	if f := failure(t, err); f.Class != reload.ClassUnreachable || f.Untouched {
		t.Errorf("failure %+v, want unreachable and perhaps half done", f)
	}
	g.SetFaults(grafanatest.Faults{Down: true})
	if o, err := r.Observe(t.Context()); err != nil || o.Ready || o.Reason == "" {
		t.Errorf("a server that is down: %+v %v, want not ready with a reason", o, err)
	}
	g.SetFaults(grafanatest.Faults{})
	if _, v, err := r.apply(t.Context(), nil, set); err != nil || !v.Proven {
		t.Errorf("%+v %v", v, err)
	}
}

// The live server is asked before the reload. Files that name an organization or plugin that it does not have are refused, and
// nothing is sent.
func TestLiveFactsRefuse(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][2]string{
		"organization": {"datasources/ds.yaml", "apiVersion: 1\ndatasources: [{name: A, type: x, orgId: 7}]\n"},
		"plugin":       {"plugins/p.yaml", "apiVersion: 1\napps: [{type: not-installed}]\n"},
	} {
		g, s := fake(t, grafanatest.Options{Plugins: []string{"acme-app"}})
		s.write(t, file[0], file[1])
		r := newRig(t, s.url, s.password, nil)
		p, _, err := r.apply(t.Context(), nil, s.read(t, strings.Split(file[0], "/")[0]))
		if err != nil || len(p.Findings) == 0 {
			t.Errorf("%s: findings %v, %v", name, p.Findings, err)
		}
		if len(g.Calls()) != 0 {
			t.Errorf("%s: reload was called", name)
		}
	}
}
