package page

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"reloader/internal/finding"
	"reloader/internal/history"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/internal/status"
)

// hostile is a text that breaks out of every place of a page where it is not escaped.
const hostile = `</pre><script>alert(1)</script>"'><img src=x onerror=alert(2)>`

func hostileReport() status.Report {
	f := finding.Finding{File: hostile, Line: 3, Column: 7, Severity: finding.Error, Rule: hostile, Message: hostile, Hint: hostile, Excerpt: hostile}
	s := reload.Status{
		Target: hostile, Kind: hostile, Phase: reload.Rejected, Since: time.Unix(1700000010, 0), Wanted: snapshot.Digest{1}, Running: snapshot.Digest{4},
		Reason: hostile, Findings: []finding.Finding{f}, WantedChanges: []string{hostile}, RestartRequired: []string{hostile}, Differences: []string{hostile}, Cause: hostile, NotCompared: []string{hostile},
		ServerVersion: hostile, Proof: hostile, NextTry: time.Unix(1700000099, 0), LastSuccess: time.Unix(1700000000, 0), LastDuration: time.Second,
		Failure: &reload.FailureStatus{Class: reload.ClassRefused, Message: hostile, Hint: hostile, Body: hostile},
	}
	return status.Report{
		Version: hostile, NotReady: hostile, ConfigFile: &status.ConfigFile{Path: hostile, Error: hostile}, Notes: []finding.Finding{f}, Targets: []reload.Status{s},
	}
}

func hostileHistory() history.Report {
	e := history.Entry{
		Seen: time.Unix(1700000000, 0), Outcome: history.Live, Changes: []string{hostile}, Findings: []string{hostile}, Reason: hostile, Answer: hostile,
		Took: time.Second, Writer: &history.Writer{Object: hostile, Manager: hostile},
	}
	return history.Report{Targets: []history.Target{{Target: hostile, Kind: hostile, Entries: []history.Entry{e, e, {Outcome: hostile}}}}}
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func serve(t *testing.T, p *Page) string {
	t.Helper()
	mux := http.NewServeMux()
	p.Register(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(func() { p.Stop(); srv.Close() })
	return srv.URL
}

// No text from files, servers or the cluster breaks out of the page. The page loads nothing from other hosts, and has no
// inline scripts.
func TestPageEscapesEverything(t *testing.T) {
	t.Parallel()
	url := serve(t, New(hostileReport, hostileHistory))
	resp, body := get(t, url+"/") //nolint:bodyclose // get has closed it
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, body)
	}
	if strings.Contains(body, "alert(1)</script>") || strings.Contains(body, "<img") {
		t.Error("a text broke out")
	}
	if n := strings.Count(body, "alert(1)"); n < 15 {
		t.Errorf("only %d of the texts are shown", n)
	}
	if m := regexp.MustCompile(`(?i)(?:src|href)="(?:https?:)?//`).FindString(body); m != "" {
		t.Errorf("loads from elsewhere: %s", m)
	}
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	_, main, _ := strings.Cut(body, "<main")
	main, _, _ = strings.Cut(main, "</main>")
	if m := regexp.MustCompile(`(?i)<script|<style|<[^>]*\s(on[a-z]+|style|href|src)=`).FindString(main); m != "" {
		t.Errorf("a link, script or style in the part with foreign texts, where escaping is not enough: %s", m)
	}
	for _, asset := range []string{"/page.css", "/page.js"} {
		if resp, _ := get(t, url+asset); resp.StatusCode != http.StatusOK { //nolint:bodyclose // get has closed it
			t.Errorf("%s: %s", asset, resp.Status)
		}
	}
}

// The headline says the most important fact first, then what to do.
func TestHeadline(t *testing.T) {
	t.Parallel()
	inSync := reload.Status{Target: "prometheus", Kind: "prometheus", Phase: reload.InSync, Wanted: snapshot.Digest{1}, Running: snapshot.Digest{1}, LastSuccess: time.Unix(1700000000, 0)}
	grafana := inSync
	grafana.Target, grafana.Kind = "grafana", "grafana"
	rejected := inSync
	rejected.Phase, rejected.Wanted = reload.Rejected, snapshot.Digest{2}
	rejected.Findings = []finding.Finding{
		{File: "/etc/prometheus/rules.yml", Line: 2, Severity: finding.Warning, Message: "a warning"},
		{File: "/etc/prometheus/prometheus.yml", Line: 12, Severity: finding.Error, Message: "unknown field \"scrap\"", Hint: "did you mean scrape?"},
	}
	restart := grafana
	restart.RestartRequired = []string{"server.http_port"}
	other := inSync
	other.Phase, other.Reason = reload.Mismatch, "job a is missing"
	second := rejected
	second.Target = "second"
	unknown := rejected
	unknown.Running = snapshot.Digest{}
	for _, c := range []struct {
		targets            []reload.Status
		level, line, after string
	}{
		{nil, levelBusy, "No targets are configured.", ""},
		{[]reload.Status{inSync}, levelOK, "Prometheus runs the newest configuration since 22:13 UTC on 14 November.", ""},
		{[]reload.Status{grafana, inSync}, levelOK, "Grafana and Prometheus run the newest configuration since 22:13 UTC on 14 November.", ""},
		{
			[]reload.Status{grafana, rejected}, levelBad, `The newest prometheus.yml is refused: line 12: unknown field "scrap"`,
			"Prometheus keeps running the previous files. Did you mean scrape?",
		},
		{[]reload.Status{unknown}, levelBad, `The newest prometheus.yml is refused: line 12: unknown field "scrap"`, "What Prometheus runs now is not known. Did you mean scrape?"},
		{[]reload.Status{restart, inSync}, levelWarn, "Grafana and Prometheus run the newest configuration since 22:13 UTC on 14 November.", "Grafana needs a restart for server.http_port."},
		{[]reload.Status{other, second}, levelBad, "Prometheus does not run the files it was told to load.", "job a is missing (1 more below.)"},
	} {
		level, line, action := headline(c.targets)
		if level != c.level || line != c.line || action != c.after {
			t.Errorf("%s: %q / %q\nwant %s: %q / %q", level, line, action, c.level, c.line, c.after)
		}
	}
}

// Every phase has a sentence of its own, also one that is added later.
func TestEveryPhaseHasWords(t *testing.T) {
	t.Parallel()
	seen := map[string]reload.Phase{}
	for _, phase := range phases(t) {
		text := state(reload.Status{Kind: "prometheus", Target: "prometheus", Phase: phase})
		if text == string(phase) {
			t.Errorf("%s has no sentence", phase)
		}
		if other, ok := seen[text]; ok {
			t.Errorf("%s and %s say the same", phase, other)
		}
		seen[text] = phase
	}
}

// phases are all phases, as the metrics have them: a test of package status compares those with the source.
func phases(t *testing.T) (all []reload.Phase) {
	t.Helper()
	tracker := status.New(status.Build{})
	tracker.Add(status.Target{Name: "a"})
	w := httptest.NewRecorder()
	tracker.Handler(func() {}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, m := range regexp.MustCompile(`(?m)^reloader_phase\{phase="(\w+)"`).FindAllStringSubmatch(w.Body.String(), -1) {
		all = append(all, reload.Phase(m[1]))
	}
	if len(all) < 13 {
		t.Fatalf("only %d phases: %v", len(all), all)
	}
	return all
}

// A list that is too long says how many entries are left out.
func TestLongListsSayWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	s := reload.Status{Target: "a", Phase: reload.Mismatch, Differences: make([]string, maxShown+7), Findings: make([]finding.Finding, maxShown+9)}
	_, main := contents(status.Report{Ready: true, Targets: []reload.Status{s}}, history.Report{}, time.Unix(0, 0))
	for _, want := range []string{"and 7 more", "and 9 more"} {
		if !strings.Contains(string(main), want) {
			t.Errorf("no %q", want)
		}
	}
	if n := strings.Count(string(main), "<li>"); n != 2*maxShown {
		t.Errorf("%d items, want %d", n, 2*maxShown)
	}
}

// The memory that a page needs grows linearly with the number of targets: adding one does not copy all before it.
func TestManyTargets(t *testing.T) { //nolint:paralleltest // it measures what the process allocates
	perTarget := func(n int) uint64 {
		r := status.Report{Ready: true}
		for range n {
			r.Targets = append(r.Targets, reload.Status{Target: "a", Phase: reload.Rejected, Findings: make([]finding.Finding, 20)})
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		contents(r, history.Report{}, time.Unix(0, 0))
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) / uint64(n)
	}
	if few, many := perTarget(20), perTarget(400); many > 2*few {
		t.Errorf("%d bytes for each of 20 targets, %d for each of 400", few, many)
	}
}

// TestOneFailedAttempt: a count of one reads well.
func TestOneFailedAttempt(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := string(pastOf([]history.Entry{{Seen: now, Outcome: history.Refused, Failures: 1}}, now))
	if !strings.Contains(m, "failed attempts: 1") || strings.Contains(m, "1 failed attempts") {
		t.Error(m)
	}
}
