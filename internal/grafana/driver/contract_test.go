package driver

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"reloader/internal/finding"
	"reloader/internal/reload"
)

// The tests of this file run with the fake and, where one is available, with a real Grafana.

func post(t *testing.T, r *rig, kind string) answer {
	t.Helper()
	a, err := r.api.do(t.Context(), http.MethodPost, "/api/admin/provisioning/"+kind+"/reload", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The reload routes answer as the driver expects: 200 for good files, 404 for a kind that this version lacks, and 500 without a
// reason for files that Grafana refuses.
func TestContractReloads(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, s server) {
		r := newRig(t, s.url, s.password, nil)
		for _, kind := range []string{"datasources", "plugins", "alerting", "dashboards"} {
			if a := post(t, r, kind); a.status != http.StatusOK {
				t.Errorf("reload of %s without files: %d %s", kind, a.status, a.body)
			}
		}
		if a := post(t, r, "notifications"); a.status != http.StatusNotFound || !strings.Contains(string(a.body), "message") {
			t.Errorf("reload of notifications: %d %s, want the 404 of a kind that is gone", a.status, a.body)
		}
		s.write(t, "datasources/ds.yaml", "datasources: [")
		if a := post(t, r, "datasources"); a.status != http.StatusInternalServerError || strings.Contains(string(a.body), "yaml") {
			t.Errorf("reload of a broken file: %d %s, want a 500 that does not say why", a.status, a.body)
		}
		s.write(t, "datasources/ds.yaml", "apiVersion: 1\ndatasources: [{name: A, type: x, isDefault: true}, {name: B, type: x, isDefault: true}]\n")
		if a := post(t, r, "datasources"); a.status != http.StatusInternalServerError {
			t.Errorf("two defaults: %d, want 500", a.status)
		}
		s.write(t, "plugins/p.yaml", "apiVersion: 1\napps: [{type: not-installed}]\n")
		if a := post(t, r, "plugins"); a.status != http.StatusInternalServerError || !strings.Contains(string(a.body), "Failed to reload plugins config") {
			t.Errorf("a plugin that is not installed: %d %s", a.status, a.body)
		}
		s.write(t, "datasources/ds.yaml", oneDatasource)
		if a := post(t, r, "datasources"); a.status != http.StatusOK {
			t.Errorf("a good file: %d %s", a.status, a.body)
		}
		s.write(t, "datasources/ds.yaml", strings.ReplaceAll(oneDatasource, "uid: prom", "uid: other"))
		if a := post(t, r, "datasources"); a.status != http.StatusInternalServerError {
			t.Errorf("a changed uid: %d, want 500", a.status)
		}
		s.write(t, "datasources/ds.yaml", "apiVersion: 1\ndeleteDatasources: [{name: Prometheus, orgId: 1}]\n")
		if a := post(t, r, "datasources"); a.status != http.StatusOK {
			t.Errorf("a delete: %d %s", a.status, a.body)
		}
	})
}

// Wrong and missing credentials are told apart, and /api/health answers without any.
func TestContractCredentials(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, s server) {
		wrong := newRig(t, s.url, "wrong", nil)
		a := post(t, wrong, "datasources")
		if id, _ := a.message(); a.status != http.StatusUnauthorized || id != "password-auth.failed" {
			t.Errorf("wrong password: %d %s", a.status, a.body)
		}
		if f := classify("x", a); f.Class != reload.ClassUnauthorized || !f.Permanent || f.Hint == "" {
			t.Errorf("classified as %+v", f)
		}
		none := newRigAs(t, s.url, "", "", nil)
		a = post(t, none, "datasources")
		if id, _ := a.message(); a.status != http.StatusUnauthorized || id != "auth.unauthorized" {
			t.Errorf("no credentials: %d %s", a.status, a.body)
		}
		if o, err := none.Observe(t.Context()); err != nil || !o.Ready || !strings.HasPrefix(o.Facts.Version, "1") {
			t.Errorf("health without credentials: %+v %v", o, err)
		}
	})
}

// Only the kinds with changes are reloaded, each change is proven, and files that were not loaded are found to differ.
func TestContractProof(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, s server) {
		r := newRig(t, s.url, s.password, nil)
		s.write(t, "datasources/ds.yaml", oneDatasource)
		s.write(t, "dashboards/p.yaml", provider)
		s.write(t, "alerting/cp.yaml", contactPoint)
		s.write(t, "json/a.json", `{"title": "A", "uid": "a", "panels": []}`)
		all := []string{"datasources", "alerting", "dashboards", "json"}
		first := s.read(t, all...)
		p, v, err := r.apply(t.Context(), nil, first)
		if err != nil || !v.Proven || len(v.Differences) != 0 {
			t.Fatalf("first files: %+v %v", v, err)
		}
		if len(p.Calls) != 3 || !strings.Contains(v.By, "1 datasource") || !strings.Contains(v.By, "1 dashboard") || !strings.Contains(v.By, "1 contact point") {
			t.Errorf("calls %v, proof %q", p.Calls, v.By)
		}

		s.write(t, "json/a.json", `{"title": "A2", "uid": "a", "panels": []}`)
		second := s.read(t, all...)
		p, v, err = r.apply(t.Context(), first, second)
		if err != nil || !v.Proven {
			t.Fatalf("changed dashboard: %+v %v", v, err)
		}
		if want := []string{"POST /api/admin/provisioning/dashboards/reload"}; !slices.Equal(p.Calls, want) {
			t.Errorf("calls %v, want %v", p.Calls, want)
		}

		s.write(t, "datasources/ds.yaml", strings.ReplaceAll(oneDatasource, ":9090", ":9091"))
		third := s.read(t, all...)
		p, v, err = r.apply(t.Context(), second, third)
		if err != nil || !v.Proven {
			t.Fatalf("changed url: %+v %v", v, err)
		}
		if want := []string{"POST /api/admin/provisioning/datasources/reload"}; !slices.Equal(p.Calls, want) {
			t.Errorf("calls %v, want %v", p.Calls, want)
		}

		// The files change without a reload: all three differences are found.
		s.write(t, "datasources/ds.yaml", strings.ReplaceAll(oneDatasource, "15s", "20s"))
		s.write(t, "json/a.json", `{"title": "A3", "uid": "a", "panels": []}`)
		fourth := s.read(t, all...)
		seen, err := r.Observe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		plan, err := r.Plan(t.Context(), reload.Change{New: fourth, Contents: true, Server: seen})
		if err != nil {
			t.Fatal(err)
		}
		v, err = r.Confirm(t.Context(), plan, reload.Proof{Reloaded: true, Before: seen})
		if err != nil || v.Proven || len(v.Differences) != 3 {
			t.Errorf("files that were not loaded: %+v %v", v, err)
		}
	})
}

// A restart is noticed by the new start time of the process. Where Grafana shows everything, what it then runs is proven
// without a reload.
func TestContractRestart(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, s server) {
		r := newRig(t, s.url, s.password, nil)
		s.write(t, "datasources/ds.yaml", oneDatasource)
		set := s.read(t, "datasources")
		p, v, err := r.apply(t.Context(), nil, set)
		if err != nil || !v.Proven {
			t.Fatalf("%+v %v", v, err)
		}
		began := time.Now().Add(-2 * time.Second)
		s.restart(t)
		after, err := r.Observe(t.Context())
		if err != nil || !after.Ready || after.Epoch == v.After.Epoch {
			t.Fatalf("%+v %v", after, err)
		}
		if r.life.start == 0 || !r.startedAfter(began) || r.startedAfter(time.Now().Add(time.Minute)) {
			t.Error("the metrics do not show when the server started")
		}
		v, err = r.Confirm(t.Context(), p, reload.Proof{Before: after, Unchanged: true, Then: v.After})
		if err != nil || !v.Proven {
			t.Errorf("after the restart: %+v %v", v, err)
		}
	})
}

func failure(t *testing.T, err error) *reload.Failure {
	t.Helper()
	var f *reload.Failure
	if !errors.As(err, &f) {
		t.Fatalf("error %v is not a reload.Failure", err)
	}
	return f
}

// Before valid files are loaded, there is a warning about what only the server knows: which data source stops being the
// default, and which existing ones the files take over.
func TestContractLiveFindings(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, s server) {
		r := newRig(t, s.url, s.password, nil)
		const two = "apiVersion: 1\ndatasources:\n- {name: Old default, uid: contract-old, type: x, isDefault: true}\n- {name: New default, uid: contract-new, type: x, editable: true}\n"
		s.write(t, "datasources/ds.yaml", two)
		first := s.read(t, "datasources")
		if _, v, err := r.apply(t.Context(), nil, first); err != nil || !v.Proven {
			t.Fatalf("%+v %v", v, err)
		}
		live, err := r.live(t.Context(), []string{"datasources"})
		if err != nil {
			t.Fatal(err)
		}
		defaults := map[string]bool{}
		for _, ds := range live.Datasources {
			if ds.OrgID == 1 {
				defaults[ds.Name] = ds.Default
			}
		}
		if !defaults["Old default"] || defaults["New default"] {
			t.Errorf("the server shows these defaults: %v", defaults)
		}

		s.write(t, "datasources/ds.yaml", strings.ReplaceAll(strings.ReplaceAll(two, ", isDefault: true", ""), "contract-new,", "contract-new, isDefault: true,"))
		second := s.read(t, "datasources")
		p, v, err := r.apply(t.Context(), first, second)
		if err != nil || !v.Proven {
			t.Fatalf("%+v %v", v, err)
		}
		found := slices.ContainsFunc(p.Findings, func(f finding.Finding) bool {
			return f.Rule == "datasource-default-moves" && strings.Contains(f.Message, `"Old default"`)
		})
		if !found {
			t.Errorf("findings %v", p.Findings)
		}

		// To this driver the data sources are not its own: its proven outline has none of them.
		seen, err := r.Observe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p, err = r.Plan(t.Context(), reload.Change{New: second, Contents: true, Server: seen, Running: &finding.Outline{}})
		if err != nil {
			t.Fatal(err)
		}
		found = slices.ContainsFunc(p.Findings, func(f finding.Finding) bool { return f.Rule == "datasource-takes-over" })
		if !found {
			t.Errorf("findings %v", p.Findings)
		}
		s.write(t, "datasources/ds.yaml", "apiVersion: 1\ndeleteDatasources: [{name: Old default, orgId: 1}, {name: New default, orgId: 1}]\n")
		if a := post(t, r, "datasources"); a.status != http.StatusOK {
			t.Errorf("a delete: %d %s", a.status, a.body)
		}
	})
}

// A contact point whose keys have another case is proven: Grafana stores its secrets under their own names, and a change
// of it too.
func TestContractKeysInAnotherCase(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, s server) {
		r := newRig(t, s.url, s.password, nil)
		odd := contactPoint + "          PASSWORD: s\n          HMACCONFIG: {secret: x, header: H}\n"
		s.write(t, "alerting/cp.yaml", odd)
		set := s.read(t, "alerting")
		if _, v, err := r.apply(t.Context(), nil, set); err != nil || !v.Proven || len(v.Differences) != 0 {
			t.Fatalf("%+v %v", v, err)
		}
		s.write(t, "alerting/cp.yaml", strings.Replace(odd, "header: H", "header: I", 1))
		changed := s.read(t, "alerting")
		if _, v, err := r.apply(t.Context(), set, changed); err != nil || !v.Proven || len(v.Differences) != 0 {
			t.Fatalf("%+v %v", v, err)
		}
	})
}
