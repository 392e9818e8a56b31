package driver

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/grafana/validator"
	"reloader/internal/reload"
)

// An expectation that is too large to pass on is not compared. The verdict says so, the files are loaded at the start, and no
// difference is invented.
func TestTooMuchToCompare(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{})
	s.write(t, "datasources/ds.yaml", oneDatasource)
	r := newRig(t, s.url, s.password, nil)
	set := s.read(t, "datasources")
	seen, err := r.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := &Expected{Facts: factsOf(seen.Facts), Files: expect(set, seen.Facts)}
	e.Files.Unread = []unreadFile{{File: strings.Repeat("x", maxExpected)}}
	b, err := json.Marshal(e)
	if err != nil || len(b) > 10_000 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	var small Expected
	if err := json.Unmarshal(b, &small); err != nil {
		t.Fatal(err)
	}
	p, err := r.Plan(t.Context(), reload.Change{New: set, Contents: true, Server: seen, Expected: &small})
	if err != nil {
		t.Fatal(err)
	}
	own := p.Data.(plan) // as if the live verdict's expectation had been too large as well
	own.files = small.Files
	p.Data = own
	if v, err := r.Confirm(t.Context(), p, reload.Proof{Before: seen}); err != nil || v.Proven || v.Mismatch {
		t.Errorf("without a call: %+v %v", v, err)
	}
	if err := r.Reload(t.Context(), p); err != nil || len(g.Calls()) != 1 {
		t.Fatalf("%d calls, %v", len(g.Calls()), err)
	}
	v, err := r.Confirm(t.Context(), p, reload.Proof{Reloaded: true, Before: seen})
	if err != nil || !v.Proven || len(v.Differences) > 0 || !strings.Contains(strings.Join(v.NotCompared, " "), "32 MiB") {
		t.Errorf("after the call: %+v %v", v, err)
	}
}

// The validator's knowledge that Grafana skips a dashboard survives the way from the judging process to the driver.
func TestSkippedDashboardsCross(t *testing.T) {
	t.Parallel()
	_, s := fake(t, grafanatest.Options{})
	s.write(t, "dashboards/p.yaml", provider)
	s.write(t, "json/a.json", `{"title": "A", "uid": "a", "panels": []}`)
	r := newRig(t, s.url, s.password, nil)
	set := s.read(t, "dashboards", "json")
	seen, err := r.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := expect(set, seen.Facts)
	if len(files.Dashboards) != 1 {
		t.Fatalf("%d dashboards", len(files.Dashboards))
	}
	files.skip(&validator.Expected{Skipped: map[string]string{files.Dashboards[0].Path: "dashboard-v2-bare"}})
	b, err := json.Marshal(&Expected{Facts: factsOf(seen.Facts), Files: files})
	if err != nil {
		t.Fatal(err)
	}
	var got Expected
	if err := json.Unmarshal(b, &got); err != nil || len(got.Files.Dashboards) != 1 || got.Files.Dashboards[0].Skipped != "dashboard-v2-bare" {
		t.Errorf("%+v %v", got, err)
	}
}

// Fields that an entry does not set take no space in the judging process' answer, whose size is limited.
func TestExpectedIsSmall(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal([]any{datasource{File: "f", Key: key{Org: 1, ID: "A"}, Contents: contents{}}, dashboard{File: "f", Path: "/f", Org: 1, UID: "u", Title: "t", Checksum: "c", Providers: []int{0}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, nothing := range []string{":false", ":null", `:""`, ":0"} {
		if strings.Contains(string(b), nothing) {
			t.Errorf("%s in %s", nothing, b)
		}
	}
}

// FuzzExpected: any answer of the judging process is either refused or can be compared without a panic.
func FuzzExpected(f *testing.F) {
	f.Add([]byte(`{"Files": {"Dashboards": [{"Providers": [1]}], "Providers": [{}], "Kinds": {"dashboards": 1}}}`))
	f.Add([]byte(`{"Files": {"Dashboards": [{"Providers": [-1]}]}}`))
	f.Add([]byte(`{"Files": {"Datasources": [{"Contents": [{"n": "url", "l": {"": 0}}]}], "Kinds": {"datasources": 1}}}`))
	g := grafanatest.New(grafanatest.Options{Provisioning: f.TempDir()})
	f.Cleanup(g.Close)
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Expected
		if json.Unmarshal(b, &e) != nil {
			return
		}
		r := newRig(t, g.URL, "admin", nil)
		if _, err := r.Observe(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = r.compare(t.Context(), e.Files, newComparison(nil))
	})
}

// An answer longer than any that Grafana gives proves nothing, and is not read into memory. After our own reload, the answer to
// that is the proof.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{})
	s.write(t, "datasources/ds.yaml", oneDatasource)
	r := newRig(t, s.url, s.password, nil)
	set := s.read(t, "datasources")
	if _, v, err := r.apply(t.Context(), nil, set); err != nil || !v.Proven {
		t.Fatalf("%+v %v", v, err)
	}
	g.SetFaults(grafanatest.Faults{Refuse: grafanatest.Refusal{Path: "/api/datasources", Method: http.MethodGet, Status: 200, Body: "[" + strings.Repeat(" ", maxAnswer)}})
	for _, tt := range []struct {
		r      *rig
		proven bool // by our own reload alone
	}{{r, true}, {newRig(t, s.url, s.password, nil), false}} {
		_, v, err := tt.r.confirm(t, set, reload.Proof{})
		if err != nil || v.Proven != tt.proven || v.Mismatch || !strings.Contains(strings.Join(v.NotCompared, " "), "24 MiB") {
			t.Errorf("proven %t: %+v %v", tt.proven, v, err)
		}
	}
}
