package driver

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
)

const folderProvider = `apiVersion: 1
providers:
  - name: one
    type: file
    folder: Team
    updateIntervalSeconds: 3600
    options:
      path: @DIR@/json
`

// Nothing changes, but Grafana no longer shows what it showed when the files were proven. For each kind of object and each
// unusable answer, the next comparison does not call the files live, and names what was not compared and why, or what
// differs. Once Grafana answers again, they are live.
func TestNoLongerShownIsNotLive(t *testing.T) {
	t.Parallel()
	datasources := map[string]string{"datasources/ds.yaml": strings.ReplaceAll(grafanatest.TwoDatasources, "@PRUNE@", "false")}
	alerting := map[string]string{"alerting/a.yaml": grafanatest.AlertFiles}
	dashboards := map[string]string{"dashboards/p.yaml": folderProvider, "json/a.json": `{"uid": "a", "title": "A"}`}
	for _, tt := range []struct {
		path, version string
		files         map[string]string
	}{
		{"/api/datasources", "12.4.0", datasources},
		{"/api/datasources/uid", "12.4.0", datasources},
		{"/api/datasources/correlations", "12.4.0", datasources},
		{"/api/ruler/grafana/api/v1/rules", "12.4.0", alerting},
		{"/api/v1/provisioning/policies", "12.4.0", alerting},
		{"/api/v1/provisioning/contact-points", "12.4.0", alerting},
		{"/api/v1/provisioning/mute-timings", "12.4.0", alerting},
		{"/api/v1/provisioning/templates", "12.4.0", alerting},
		{"/apis/dashboard.grafana.app/v1beta1", "12.4.0", dashboards},
		{"/api/folders", "12.4.0", dashboards},
		{"/api/search", "12.3.0", dashboards},
		{"/api/dashboards/uid", "12.3.0", dashboards},
	} {
		for _, refusal := range refusals {
			refusal.Path, refusal.Method = tt.path, http.MethodGet
			g, s := fake(t, grafanatest.Options{Version: tt.version})
			for name, text := range tt.files {
				s.write(t, name, text)
			}
			r := newRig(t, s.url, s.password, nil)
			set := s.read(t, kindsIn(t, s.provisioning)...)
			_, v, err := r.apply(t.Context(), nil, set)
			if err != nil || !v.Proven {
				t.Fatalf("%s: %+v %v", tt.path, v, err)
			}
			proof := reload.Proof{Unchanged: true, Then: v.After}
			g.SetFaults(grafanatest.Faults{Refuse: refusal})
			_, v, err = r.confirm(t, set, proof)
			f, failed := errors.AsType[*reload.Failure](err)
			if v.Proven || !v.Mismatch && (!failed || len(v.NotCompared) == 0 || !strings.Contains(f.Message, refusal.Path)) {
				t.Errorf("%s answered %d %s: %+v %v, want a difference, or what is not compared and why", tt.path, refusal.Status, refusal.Body, v, err)
			}
			g.SetFaults(grafanatest.Faults{})
			if _, v, err = r.confirm(t, set, proof); err != nil || !v.Proven || len(v.NotCompared) > 0 {
				t.Errorf("%s answered %d %s: healed: %+v %v", tt.path, refusal.Status, refusal.Body, v, err)
			}
		}
	}
}

// The same holds for a proxy that answers because it cannot reach Grafana: the failure itself is reported.
func TestProxyWithoutGrafanaIsNotLive(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{})
	s.write(t, "datasources/ds.yaml", oneDatasource)
	r := newRig(t, s.url, s.password, nil)
	set := s.read(t, "datasources")
	p, v, err := r.apply(t.Context(), nil, set)
	if err != nil || !v.Proven {
		t.Fatalf("%+v %v", v, err)
	}
	g.SetFaults(grafanatest.Faults{Refuse: grafanatest.Refusal{Path: "/api/datasources", Method: http.MethodGet, Status: 502, Body: "bad gateway"}})
	v, err = r.Confirm(t.Context(), p, reload.Proof{Unchanged: true, Before: v.After, Then: v.After})
	if f := failure(t, err); f.Class != reload.ClassUnavailable || v.Proven || len(v.NotCompared) != 1 {
		t.Errorf("%+v %v", v, err)
	}
}

// The same holds for files that were proven without a reload of ours: there is no answer of 200 that could stand in for what
// Grafana does not show.
func TestNoLongerShownIsNotLiveWithoutAReload(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{})
	s.write(t, "datasources/ds.yaml", oneDatasource)
	if err := g.Restart(); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, s.url, s.password, nil)
	set := s.read(t, "datasources")
	_, v, err := r.confirm(t, set, reload.Proof{})
	if err != nil || !v.Proven {
		t.Fatalf("%+v %v", v, err)
	}
	g.SetFaults(grafanatest.Faults{Refuse: grafanatest.Refusal{Path: "/api/datasources", Method: http.MethodGet, Status: 403, Body: "{}"}})
	_, v, err = r.confirm(t, set, reload.Proof{Unchanged: true, Then: v.After})
	if f := failure(t, err); f.Class != reload.ClassForbidden || len(v.NotCompared) != 1 || !strings.HasPrefix(f.Message, "datasources not compared: GET /api/datasources: 403") {
		t.Errorf("%+v %v", v, err)
	}
}
