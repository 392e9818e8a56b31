package driver

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/httpclient"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// confirm compares the server with the files, without a reload.
func (r *rig) confirm(t *testing.T, set *snapshot.Set, proof reload.Proof) (reload.Plan, reload.Verdict, error) {
	t.Helper()
	seen, err := r.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Plan(t.Context(), reload.Change{New: set, Contents: true, Server: seen})
	if err != nil {
		t.Fatal(err)
	}
	proof.Before = seen
	v, err := r.Confirm(t.Context(), p, proof)
	return p, v, err
}

var refusals = []grafanatest.Refusal{
	{Status: 403, Body: `{"accessErrorId": "ACE1", "message": "You'll need additional permissions"}`},
	{Status: 404, Body: `{"message": "Not found"}`},
	{Status: 500, Body: `{"message": "database is locked"}`},
	{Status: 200, Body: `<html>login`},
	{Status: 200, Body: `null`},
	{Status: 200, Body: `{"message": "hello"}`},
}

// What Grafana refuses to show never counts as proven: neither at the start, without a reload, nor after one that did nothing.
func TestRefusedAnswersProveNothing(t *testing.T) {
	t.Parallel()
	for path, files := range map[string]map[string]string{
		"/api/datasources":                      {"datasources/ds.yaml": oneDatasource},
		"/api/datasources/uid":                  {"datasources/ds.yaml": oneDatasource},
		"/api/ruler/grafana/api/v1/rules":       {"alerting/a.yaml": grafanatest.AlertFiles},
		"/api/v1/provisioning/policies":         {"alerting/a.yaml": grafanatest.AlertFiles},
		"/api/v1/provisioning/contact-points":   {"alerting/a.yaml": grafanatest.AlertFiles},
		"/apis/dashboard.grafana.app/v1beta1":   {"dashboards/p.yaml": provider, "json/a.json": `{"uid": "a", "title": "A"}`},
		"/api/search":                           {"dashboards/p.yaml": provider, "json/a.json": `{"uid": "a", "title": "A"}`},
		"/api/datasources/correlations?limit=1": {"datasources/ds.yaml": strings.ReplaceAll(grafanatest.TwoDatasources, "@PRUNE@", "false")},
	} {
		path, _, _ = strings.Cut(path, "?")
		for _, refusal := range refusals {
			refusal.Path, refusal.Method = path, http.MethodGet
			g, s := fake(t, grafanatest.Options{Version: map[bool]string{true: "12.3.0", false: "12.4.0"}[path == "/api/search"]})
			for name, text := range files {
				s.write(t, name, text)
			}
			r := newRig(t, s.url, s.password, nil)
			set := s.read(t, kindsIn(t, s.provisioning)...)
			g.SetFaults(grafanatest.Faults{Refuse: refusal, Ignore: true}) // and no reload does anything
			_, v, err := r.confirm(t, set, reload.Proof{})
			if err != nil || v.Proven {
				t.Errorf("%s answered %d %s: %+v %v, want no proof at the start", path, refusal.Status, refusal.Body, v, err)
			}
			_, v, err = r.apply(t.Context(), nil, set)
			if v.Proven {
				t.Errorf("%s answered %d %s: %+v %v, want no proof after a reload that did nothing", path, refusal.Status, refusal.Body, v, err)
			}
			g.SetFaults(grafanatest.Faults{})
			if _, v, err = r.apply(t.Context(), nil, set); err != nil || !v.Proven || len(v.NotCompared) > 0 {
				t.Errorf("%s: healed: %+v %v", path, v, err)
			}
		}
	}
}

// Only the answer to a reload of exactly these files proves secrets. It no longer does after a restart, after other files in
// between, or after someone else's reload.
func TestWhatProvesSecrets(t *testing.T) {
	t.Parallel()
	with := func(secret string) string {
		return oneDatasource + "    secureJsonData: {httpHeaderValue1: " + secret + "}\n"
	}
	for name, tt := range map[string]struct {
		faults  grafanatest.Faults
		between func(t *testing.T, g *grafanatest.Server, s server, r *rig)
		proof   reload.Proof
		proven  bool
	}{
		"nothing":                       {proof: reload.Proof{Unchanged: true}, proven: true},
		"other files, and no reload":    {proven: true},
		"other files during the reload": {proof: reload.Proof{Moved: true}},
		"other files, no metrics":       {faults: grafanatest.Faults{NoMetrics: true}},
		"nothing, no metrics":           {faults: grafanatest.Faults{NoMetrics: true}, proof: reload.Proof{Unchanged: true}, proven: true},
		"a restart on other files": {proof: reload.Proof{Unchanged: true}, between: func(t *testing.T, g *grafanatest.Server, s server, _ *rig) {
			s.write(t, "datasources/ds.yaml", with("B"))
			if err := g.Restart(); err != nil {
				t.Fatal(err)
			}
			s.write(t, "datasources/ds.yaml", with("A"))
		}},
		"a restart behind a proxy": {proof: reload.Proof{Unchanged: true}, between: func(t *testing.T, g *grafanatest.Server, _ server, _ *rig) {
			if err := g.RestartQuietly(); err != nil {
				t.Fatal(err)
			}
		}},
		"a restart, no metrics": {faults: grafanatest.Faults{NoMetrics: true}, proof: reload.Proof{Unchanged: true}, between: func(t *testing.T, g *grafanatest.Server, _ server, _ *rig) {
			if err := g.Restart(); err != nil {
				t.Fatal(err)
			}
		}},
		"someone else's reload": {proof: reload.Proof{Unchanged: true}, between: func(t *testing.T, g *grafanatest.Server, s server, _ *rig) {
			s.write(t, "datasources/ds.yaml", with("B"))
			other := newRig(t, s.url, s.password, nil)
			if a := post(t, other, "datasources"); a.status != http.StatusOK {
				t.Fatal(a.status)
			}
			s.write(t, "datasources/ds.yaml", with("A"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, s := fake(t, grafanatest.Options{})
			g.SetFaults(tt.faults)
			s.write(t, "datasources/ds.yaml", with("A"))
			r := newRig(t, s.url, s.password, nil)
			set := s.read(t, "datasources")
			if _, v, err := r.confirm(t, set, reload.Proof{}); err != nil || v.Proven || v.Mismatch && len(v.Differences) == 0 {
				t.Errorf("before any reload: %+v %v", v, err)
			}
			if _, v, err := r.apply(t.Context(), nil, set); err != nil || !v.Proven || !strings.Contains(v.By, "secret values of 1 datasource") {
				t.Fatalf("after the reload: %+v %v", v, err)
			}
			if tt.between != nil {
				tt.between(t, g, s, r)
			}
			if _, v, err := r.confirm(t, set, tt.proof); err != nil || v.Proven != tt.proven || v.Mismatch {
				t.Errorf("%+v %v, want proven: %t", v, err, tt.proven)
			}
			if _, v, err := r.apply(t.Context(), set, set); err != nil || !tt.proven && !v.Proven {
				t.Errorf("after another reload: %+v %v", v, err)
			}
		})
	}
}

// Two programs that each reload after the other would never stop: after a few times the driver leaves it at that.
func TestPatienceWithOtherReloaders(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{})
	s.write(t, "datasources/ds.yaml", oneDatasource+"    secureJsonData: {httpHeaderValue1: x}\n")
	r, other := newRig(t, s.url, s.password, nil), newRig(t, s.url, s.password, nil)
	set := s.read(t, "datasources")
	for range 20 {
		if _, v, err := r.confirm(t, set, reload.Proof{Unchanged: true}); err != nil || !v.Proven {
			if _, _, err := r.apply(t.Context(), nil, set); err != nil {
				t.Fatal(err)
			}
		}
		post(t, other, "datasources")
	}
	if n := len(g.Calls()) - 20; n < patientTimes || n > patientTimes+2 {
		t.Errorf("%d reloads after someone else's, want about %d", n, patientTimes)
	}
}

// A broken connection is not a restart if Grafana's start time is the same.
func TestBrokenConnectionIsNoRestart(t *testing.T) {
	t.Parallel()
	_, s := fake(t, grafanatest.Options{})
	r := newRig(t, s.url, s.password, nil)
	before, err := r.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.o.Client.Close()
	after, err := r.Observe(t.Context())
	if err != nil || after.Epoch != before.Epoch {
		t.Errorf("epoch %q, then %q, %v", before.Epoch, after.Epoch, err)
	}
}

// If only a digest is known, as after a gate rolled back to files from before our start, all kinds are reloaded.
func TestDigestAloneCallsAllKinds(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{})
	r := newRig(t, s.url, s.password, nil)
	seen, err := r.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Plan(t.Context(), reload.Change{Server: seen})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := r.Confirm(t.Context(), p, reload.Proof{Before: seen}); err != nil || v.Proven {
		t.Errorf("without a call: %+v %v", v, err)
	}
	if err := r.Reload(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if got, want := kindsOf(g.Calls()), []string{"datasources", "plugins", "alerting", "dashboards"}; !slices.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
	if v, err := r.Confirm(t.Context(), p, reload.Proof{Reloaded: true, Before: seen}); err != nil || !v.Proven || len(v.NotCompared) == 0 {
		t.Errorf("after the calls: %+v %v", v, err)
	}
}

// A failure shows the server's answer without the credentials that the answer repeats.
func TestFailuresHoldNoCredentials(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("glsa_topsecret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bearer := range []bool{false, true} {
		g, s := fake(t, grafanatest.Options{Token: "glsa_topsecret"})
		s.write(t, "datasources/ds.yaml", oneDatasource)
		r := newRig(t, s.url, s.password, func(o *Options) {
			if bearer {
				c, err := httpclient.New(httpclient.Options{URL: s.url, BearerTokenFile: token})
				if err != nil {
					t.Fatal(err)
				}
				o.Client = c
			}
		})
		if _, v, err := r.apply(t.Context(), nil, s.read(t, "datasources")); err != nil || !v.Proven {
			t.Errorf("with a bearer token: %t: %+v %v", bearer, v, err)
		}
		for _, status := range []int{400, 401, 403, 418, 500, 502} {
			g.SetFaults(grafanatest.Faults{Refuse: grafanatest.Refusal{Path: "/api/admin", Status: status, Body: `"error": no, you sent `}})
			_, _, err := r.apply(t.Context(), nil, s.read(t, "datasources"))
			f := failure(t, err)
			all := f.Error() + f.Body
			for _, secret := range []string{base64.StdEncoding.EncodeToString([]byte("admin:admin")), "glsa_topsecret"} {
				if strings.Contains(all, secret) {
					t.Errorf("%d: %q is in %q", status, secret, all)
				}
			}
			if want := map[bool]string{true: "Bearer <secret>", false: "Basic <secret>"}[bearer]; status != 401 && !strings.Contains(f.Body, want) {
				t.Errorf("%d: the body %q does not show that %s was sent", status, f.Body, want)
			}
		}
	}
}
