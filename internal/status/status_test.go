package status

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

func newTracker(t *testing.T) (*Tracker, *httptest.Server, *int) {
	t.Helper()
	tracker := New(Build{Version: "v1", Revision: "abc", GoVersion: "go"})
	tracker.Add(Target{Name: "prometheus", Kind: "prometheus"})
	rereads := 0
	srv := httptest.NewServer(tracker.Handler(func() { rereads++ }))
	t.Cleanup(srv.Close)
	return tracker, srv, &rereads
}

func request(t *testing.T, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// rejected is a status with all fields set, and with texts that try to break out of HTML.
func rejected() reload.Status {
	return reload.Status{
		Target: "prometheus", Kind: "prometheus", Phase: reload.Rejected, Since: time.Unix(1700000010, 0),
		Wanted: snapshot.Digest{1, 2, 3}, Running: snapshot.Digest{4},
		Reason:   "<script>alert(1)</script>",
		Findings: []finding.Finding{{File: "/etc/prometheus/prometheus.yml", Line: 3, Column: 7, Severity: finding.Error, Rule: "yaml", Message: "bad <b> & \"x\"", Hint: "<i>"}},
		Changes:  []string{"<u>job"}, RestartRequired: []string{"[server] <port>"}, Differences: []string{"<d>"},
		ServerVersion: "3.15.0\xff", Proof: "<p>", LastSuccess: time.Unix(1700000000, 0), LastDuration: time.Second,
		Failure: &reload.FailureStatus{Class: reload.ClassRefused, Message: "<m>", Hint: "<h>", Body: "</pre><x>"},
		Counts:  reload.Counts{Changes: 3, ChangesFailed: 1, Reloads: 2, ReloadsFailed: 1},
	}
}

// The metrics of a target have the values of its status, pass Prometheus' linter, and end with the target.
func TestMetrics(t *testing.T) {
	t.Parallel()
	tracker, srv, _ := newTracker(t)
	tracker.Started()
	// The success is in both, because a target stores it before it reports the transition.
	from := rejected()
	from.Phase, from.Since = reload.Checking, time.Unix(1700000009, 0)
	tracker.Transition(from, rejected())
	// Another proof of the same change does not count as another duration.
	again := rejected()
	again.LastSuccess = again.LastSuccess.Add(time.Second)
	tracker.Transition(again, again)
	tracker.WatchedBy(func() Watch { return Watch{Watches: 2, Events: 5, Errors: 1, Polling: true} })
	tracker.CallsBy(func() []Call { return []Call{{"patch", "403", 7}} })

	problems, err := promlint.New(bytes.NewReader(tracker.exposition())).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}

	_, body := request(t, http.MethodGet, srv.URL+"/metrics")
	for _, line := range []string{
		`reloader_last_reload_successful{target="prometheus"} 0`,
		`reloader_last_reload_success_timestamp_seconds{target="prometheus"} 1.700000001e+09`,
		`reloader_reloads_total{target="prometheus"} 2`,
		`reloader_reloads_failed_total{class="refused",target="prometheus"} 1`,
		`reloader_reloads_failed_total{class="timeout",target="prometheus"} 0`,
		`reloader_config_apply_operations_total{target="prometheus"} 3`,
		`reloader_config_apply_operations_failed_total{target="prometheus"} 1`,
		`reloader_watch_events_total 5`,
		`reloader_watch_errors_total 1`,
		`reloader_watches 2`,
		`reloader_kubernetes_requests_total{code="403",verb="patch"} 7`,
		`reloader_watch_polling 1`,
		`reloader_phase{phase="Rejected",target="prometheus"} 1`,
		`reloader_phase{phase="InSync",target="prometheus"} 0`,
		`reloader_phase_start_timestamp_seconds{target="prometheus"} 1.70000001e+09`,
		`reloader_findings{severity="error",target="prometheus"} 1`,
		`reloader_findings{severity="warning",target="prometheus"} 0`,
		`reloader_restart_required{target="prometheus"} 1`,
		`reloader_differences{target="prometheus"} 1`,
		`reloader_validation_duration_seconds_sum{target="prometheus"} 1`,
		`reloader_change_to_live_seconds_count{target="prometheus"} 1`,
		`reloader_reload_duration_seconds_count{target="prometheus"} 0`,
		`reloader_info{kind="prometheus",server_version="3.15.0?",target="prometheus"} 1`,
		`reloader_config_file_last_load_successful 1`,
		"go_goroutines ", "process_resident_memory_bytes ", "reloader_build_info{",
	} {
		if !strings.Contains(body, line) {
			t.Errorf("no %s", line)
		}
	}
	if strings.Contains(body, "reloader_gate_digest") {
		t.Error("there is a metric of the gate, and no gate")
	}
	tracker.Remove("prometheus")
	if _, body := request(t, http.MethodGet, srv.URL+"/metrics"); strings.Contains(body, `target="prometheus"`) {
		t.Error("a removed target still has metrics")
	}
}

// Every phase and class that package reload declares is a label value here.
func TestLabelValuesAreComplete(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, p := range phases {
		have[string(p)] = true
	}
	for _, c := range classes {
		have[string(c)] = true
	}
	files, err := filepath.Glob("../reload/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	found := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			kind, ok := spec.Type.(*ast.Ident)
			if !ok || kind.Name != "Phase" && kind.Name != "Class" || len(spec.Values) != 1 {
				return true
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
				found++
				if value, _ := strconv.Unquote(lit.Value); !have[value] {
					t.Errorf("%s %s is missing", kind.Name, value)
				}
			}
			return true
		})
	}
	if found != len(phases)+len(classes) {
		t.Errorf("%d values in the source, %d here", found, len(phases)+len(classes))
	}
}

// Ready means that each target has read its files. With ?startup a gated target also needs a generation that is up to date.
func TestReadiness(t *testing.T) {
	t.Parallel()
	tracker, srv, _ := newTracker(t)
	var gate snapshot.Digest
	tracker.Add(Target{Name: "gated", Gate: func() snapshot.Digest { return gate }})
	expect := func(path string, code int, part string) {
		t.Helper()
		if got, body := request(t, http.MethodGet, srv.URL+path); got != code || !strings.Contains(body, part) {
			t.Errorf("GET %s: %d %q, want %d %q", path, got, body, code, part)
		}
	}
	expect("/readyz", 503, "starting")
	tracker.Started()
	expect("/-/ready", 503, "gated has not read its files yet, prometheus has not read")
	expect("/healthz", 200, "healthy")
	expect("/-/healthy", 200, "healthy")
	for _, name := range []string{"gated", "prometheus"} {
		tracker.Transition(reload.Status{}, reload.Status{Target: name, Phase: reload.Rejected})
	}
	expect("/readyz", 200, "ready")
	expect("/readyz?startup", 503, "gated has no generation yet")
	gate = snapshot.Digest{1}
	expect("/readyz?startup", 200, "ready")
	// The generation of an earlier pod does not count while newer files are still being checked.
	for _, phase := range []reload.Phase{reload.Settling, reload.Checking, reload.Publishing} {
		tracker.Transition(reload.Status{}, reload.Status{Target: "gated", Phase: phase})
		expect("/readyz?startup", 503, "gated is still checking its files")
		expect("/readyz", 200, "ready")
	}
	tracker.Transition(reload.Status{}, reload.Status{Target: "gated", Phase: reload.Waiting})
	expect("/readyz?startup", 200, "ready")
	tracker.Stopping()
	expect("/readyz", 503, "stopping")
	expect("/healthz", 200, "healthy")
}

// The API reports the status, accepts only the right methods, and keeps browsers from guessing content types.
func TestAPI(t *testing.T) {
	t.Parallel()
	tracker, srv, rereads := newTracker(t)
	tracker.Transition(reload.Status{}, rejected())
	tracker.Transition(reload.Status{}, reload.Status{Target: "unknown"})
	code, body := request(t, http.MethodGet, srv.URL+"/api/v1/status")
	var r Report
	if err := json.Unmarshal([]byte(body), &r); err != nil || code != http.StatusOK {
		t.Fatal(code, err)
	}
	if len(r.Targets) != 1 || r.Targets[0].Wanted != (snapshot.Digest{1, 2, 3}) || r.Targets[0].Findings[0].Line != 3 || r.Ready {
		t.Errorf("report: %+v", r)
	}
	for _, c := range []struct {
		method, path string
		code         int
	}{
		{http.MethodPost, "/-/reload", 202},
		{http.MethodGet, "/-/reload", 405},
		{http.MethodPost, "/metrics", 405},
		{http.MethodGet, "/nothing", 404},
		{http.MethodHead, "/healthz", 200},
	} {
		if code, _ := request(t, c.method, srv.URL+c.path); code != c.code {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, code, c.code)
		}
	}
	if *rereads != 1 {
		t.Errorf("%d rereads, want 1", *rereads)
	}
	// These contain answers of servers, which a browser must not read as HTML.
	for _, path := range []string{"/api/v1/status", "/readyz"} {
		w := httptest.NewRecorder()
		tracker.Handler(func() {}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed: %v", path, w.Header())
		}
	}
}

// While a gate does not answer, the scrape that asks it waits, but no transition, no note and no stop does.
func TestTrackerIsNotHeldUp(t *testing.T) {
	t.Parallel()
	tr := New(Build{})
	hang, asked := make(chan struct{}), make(chan struct{}, 10)
	tr.Add(Target{Name: "a", Kind: "prometheus", Gate: func() snapshot.Digest { asked <- struct{}{}; <-hang; return snapshot.Digest{} }})
	tr.Add(Target{Name: "b", Kind: "grafana"})
	tr.Started()
	scraped := make(chan struct{})
	go func() {
		_ = tr.exposition()
		close(scraped)
	}()
	<-asked
	done := make(chan struct{})
	go func() {
		tr.Transition(reload.Status{Target: "b"}, reload.Status{Target: "b", Phase: reload.Reloading})
		tr.OwnFile(ConfigFile{})
		tr.Note(nil)
		tr.Stopping()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("a transition, a note or the stop waits for the gate")
	}
	close(hang)
	<-scraped
}
