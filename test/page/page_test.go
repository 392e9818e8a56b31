// Package page looks at the status page with a real browser, as an operator does.
package page

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reloader/internal/finding"
	"reloader/internal/history"
	"reloader/internal/page"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/internal/status"
	"reloader/test/rig"
)

// site is the real page with statuses that the test sets.
type site struct {
	stop    func() // as when reloader ends
	tracker *status.Tracker
	history *history.Log
	url     string
	last    map[string]reload.Status
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{tracker: status.New(status.Build{Version: "v1.0.0"}), last: map[string]reload.Status{}}
	var p *page.Page
	s.history = history.New(func() { p.Changed() })
	p = page.New(s.tracker.Report, s.history.Report)
	srv := httptest.NewServer(s.tracker.Handler(func() {}, p.Register, s.history.Register))
	s.stop = func() { p.Stop(); srv.CloseClientConnections(); srv.Close() }
	t.Cleanup(s.stop)
	s.tracker.Started()
	s.url = srv.URL
	return s
}

func (s *site) set(next reload.Status) {
	from, ok := s.last[next.Target]
	if !ok {
		s.tracker.Add(status.Target{Name: next.Target, Kind: next.Kind})
		s.history.Add(next.Target, next.Kind, nil, nil)
	}
	s.tracker.Transition(from, next)
	s.history.Transition(from, next)
	s.last[next.Target] = next
}

var start = time.Date(2026, 11, 28, 10, 42, 7, 0, time.UTC)

func inSync(target, kind string, n byte) reload.Status {
	return reload.Status{
		Target: target, Kind: kind, Phase: reload.InSync, Since: start, Wanted: snapshot.Digest{n, 0x7e, 0xd1}, Running: snapshot.Digest{n, 0x7e, 0xd1}, Applied: true,
		ServerVersion: map[string]string{"prometheus": "3.16.0", "grafana": "12.4.0"}[kind], LastSuccess: start, LastDuration: 84 * time.Millisecond,
		Proof:         map[string]string{"prometheus": "the server shows this configuration and the rules of 12 files", "grafana": "the API shows 3 data sources and 14 dashboards as the files have them"}[kind],
		WantedChanges: []string{`scrape job "node" added`},
	}
}

func rejected() reload.Status {
	s := inSync("prometheus", "prometheus", 1)
	s.Phase, s.Wanted, s.Applied = reload.Rejected, snapshot.Digest{9, 9, 9}, false
	s.Reason = "1 error in the newest files; the last good ones stay"
	s.WantedChanges = []string{`file "prometheus.yml" changed`}
	s.Findings = []finding.Finding{{
		File: "/etc/prometheus/prometheus.yml", Line: 12, Column: 5, Severity: finding.Error, Rule: "prometheus-unknown-field", Message: `unknown field "scrape_intervall"`,
		Hint:    "did you mean scrape_interval?",
		Excerpt: "  10 | - job_name: node\n  11 |   static_configs: [{targets: [localhost:9100]}]\n  12 |     scrape_intervall: 15s\n     |     ^\n  13 | - job_name: api\n",
	}}
	return s
}

func rolledBack() reload.Status {
	s := inSync("prometheus", "prometheus", 1)
	s.Phase, s.Wanted, s.Applied = reload.RolledBack, snapshot.Digest{8, 8, 8}, false
	s.Reason = "POST http://127.0.0.1:9090/-/reload: 500: Prometheus applied only part of the new configuration"
	s.Failure = &reload.FailureStatus{
		Class: reload.ClassPartial, Message: s.Reason, Hint: "its log names the part that failed; a restart with these files would fail too",
		Body: "failed to reload config: one or more errors occurred while applying the new configuration (--config.file=\"/gate/prometheus.yml\")", At: start,
	}
	return s
}

func mismatch() reload.Status {
	s := inSync("prometheus", "prometheus", 1)
	s.Phase, s.Wanted, s.Running, s.Applied = reload.Mismatch, snapshot.Digest{7, 7, 7}, snapshot.Digest{}, false
	s.Reason = "the server runs something else: " + `scrape job "node" is in the files and not in the server`
	s.Cause = "The server still runs the previous prometheus.yml. Its container probably mounts this one file (subPath): mount the directory /etc/prometheus instead."
	s.Differences = []string{`scrape job "node" is in the files and not in the server`}
	return s
}

func waiting() reload.Status {
	s := inSync("prometheus", "prometheus", 1)
	s.Phase, s.Wanted, s.Running, s.LastProven, s.Applied = reload.Waiting, snapshot.Digest{6, 6, 6}, snapshot.Digest{}, s.Running, false
	s.Reason = "GET http://127.0.0.1:9090/api/v1/status/runtimeinfo: nothing listens there (is the server up, and is the port correct?)"
	s.NextTry = time.Now().Add(42 * time.Second)
	return s
}

// down is a server that no longer answers, as the state machine shows it: what it runs now is not known.
func down() reload.Status {
	s := waiting()
	s.Wanted = s.LastProven
	return s
}

func restartNeeded() reload.Status {
	s := inSync("grafana", "grafana", 2)
	s.RestartRequired = []string{"server.http_port", "users.default_theme"}
	return s
}

// scene is what an operator may find, and what the page must say about it.
type scene struct {
	name     string
	statuses []reload.Status
	first    string // the line at the top
	says     []string
}

// site is a page with the scene, whose next try is always some seconds away.
func (c scene) site(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	for _, one := range c.statuses {
		if !one.NextTry.IsZero() {
			one.NextTry = time.Now().Add(42 * time.Second)
		}
		s.set(one)
	}
	return s
}

var scenes = []scene{
	{"in-sync", []reload.Status{inSync("prometheus", "prometheus", 1), inSync("grafana", "grafana", 2)},
		"Grafana and Prometheus run the newest configuration since 10:42 UTC on 28 November.", []string{"live after 84 ms", "the server shows this configuration"}},
	{"rejected", []reload.Status{inSync("prometheus", "prometheus", 1), rejected()}, `The newest prometheus.yml is refused: line 12: unknown field "scrape_intervall"`,
		[]string{"Prometheus keeps running the previous files.", "12 |     scrape_intervall: 15s", "Did you mean scrape_interval?", "previous files"}},
	{"rolled-back", []reload.Status{inSync("prometheus", "prometheus", 1), rolledBack()}, "Prometheus refused the newest files and runs the last good ones.",
		[]string{"The server's answer", "while applying the new configuration"}},
	{"mismatch", []reload.Status{inSync("prometheus", "prometheus", 1), mismatch()}, "Prometheus does not run the files it was told to load.",
		[]string{"subPath", `scrape job "node" is in the files`}},
	{"waiting", []reload.Status{inSync("prometheus", "prometheus", 1), waiting()}, "reloader is waiting for Prometheus.", []string{"nothing listens there", "Next try\nin "}},
	{"down", []reload.Status{inSync("prometheus", "prometheus", 1), down()}, "Prometheus does not answer. It ran the newest files when it last did.", []string{"nothing listens there", "not known; last proven: the newest files"}},
	{"restart-needed", []reload.Status{restartNeeded()}, "Grafana runs the newest configuration since 10:42 UTC on 28 November.",
		[]string{"Grafana needs a restart for server.http_port and users.default_theme."}},
	{"five-targets", []reload.Status{
		inSync("prometheus", "prometheus", 1), inSync("grafana", "grafana", 2), inSync("alertmanager", "http", 3), inSync("loki", "http", 4),
		func() reload.Status { s := mismatch(); s.Target = "prometheus-long-term"; return s }(),
	}, "Prometheus (prometheus-long-term) does not run the files it was told to load.", []string{"alertmanager", "loki"}},
}

// shot writes a picture if RELOADER_SCREENSHOTS names a directory for them.
func shot(b *rig.Browser, name string) {
	if dir := os.Getenv("RELOADER_SCREENSHOTS"); dir != "" {
		b.Screenshot(filepath.Join(dir, name+".png"))
	}
}

// Each scene is readable, light, dark and on a phone: the first line says what matters, everything fits in the window, and the
// browser logs no error.
func TestScenes(t *testing.T) {
	t.Parallel()
	b := rig.NewBrowser(t)
	for _, scene := range scenes {
		for _, window := range []struct {
			name, scheme  string
			width, height int
		}{{"light", "light", 1100, 900}, {"dark", "dark", 1100, 900}, {"phone", "light", 390, 844}} {
			s := scene.site(t)
			b.Window(window.width, window.height, window.scheme)
			b.Open(s.url)
			rig.Until(t, "the page is connected", func() bool { return strings.Contains(b.Text(), "updates automatically") })
			var first string
			b.Eval("return document.querySelector('.headline .first').innerText", &first)
			if first != scene.first {
				t.Errorf("%s: first line %q, want %q", scene.name, first, scene.first)
			}
			text := b.Text()
			for _, want := range scene.says {
				if !strings.Contains(text, want) {
					t.Errorf("%s %s: no %q in\n%s", scene.name, window.name, want, text)
				}
			}
			var wide bool
			b.Eval("return document.documentElement.scrollWidth > innerWidth", &wide)
			if wide {
				t.Errorf("%s %s: wider than the window", scene.name, window.name)
			}
			shot(b, scene.name+"-"+window.name)
		}
		if errors := b.Console(); len(errors) > 0 {
			t.Errorf("%s: the browser logs %q", scene.name, errors)
		}
	}
}

// A change appears on an open page without loading it again. When reloader ends, the page says that it is out of date.
func TestUpdatesByItself(t *testing.T) {
	t.Parallel()
	b := rig.NewBrowser(t)
	s := newSite(t)
	s.set(inSync("prometheus", "prometheus", 1))
	b.Open(s.url)
	b.Eval("window.sameDocument = true", nil)
	rig.Until(t, "the page is connected", func() bool { return strings.Contains(b.Text(), "updates automatically") })
	s.set(rejected())
	rig.Until(t, "the rejection appears", func() bool { return strings.Contains(b.Text(), "is refused: line 12") })
	var same bool
	b.Eval("return window.sameDocument === true", &same)
	if !same {
		t.Error("the page was loaded again")
	}
	var title string
	b.Eval("return document.title", &title)
	if title != "! reloader" {
		t.Errorf("title %q: a tab in the background does not show it", title)
	}
	s.stop()
	rig.Until(t, "the page says that it is out of date", func() bool { return strings.Contains(b.Text(), "reloader does not answer") })
}

// Without JavaScript the page is complete, and loads itself again every 30 s.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.set(inSync("prometheus", "prometheus", 1))
	s.set(waiting())
	b := rig.NewBrowser(t)
	b.DevTools("Emulation.setScriptExecutionDisabled", map[string]any{"value": true})
	b.Open(s.url)
	shot(b, "no-javascript")
	b.DevTools("Emulation.setScriptExecutionDisabled", map[string]any{"value": false})
	text := b.Text()
	for _, want := range []string{"reloader is waiting for Prometheus.", "nothing listens there", "as of ", "Next try"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	var refresh string
	b.Eval("return document.querySelector('noscript').innerHTML", &refresh)
	if !strings.Contains(refresh, `content="30"`) {
		t.Errorf("no refresh after 30 s: %q", refresh)
	}
}

// axe-core finds nothing on any scene, light and dark.
func TestAccessible(t *testing.T) {
	t.Parallel()
	file := os.Getenv("RELOADER_AXE")
	script, err := os.ReadFile(file)
	if err != nil {
		t.Skip("no axe-core: \"make axe\" installs it")
	}
	b := rig.NewBrowser(t)
	for _, scene := range scenes {
		s := scene.site(t)
		for _, scheme := range []string{"light", "dark"} {
			b.Window(1100, 900, scheme)
			b.Open(s.url)
			// The page's policy forbids inline scripts, but not those of the driver.
			b.Eval(string(script), nil)
			var found struct {
				Passes     int
				Violations []struct{ ID, Impact, Help string }
			}
			b.Eval("return axe.run().then(r => ({passes: r.passes.length, violations: r.violations.map(v => ({id: v.id, impact: v.impact, help: v.help + ' ' + v.nodes.map(n => n.html).join(' ')}))}))", &found)
			if found.Passes == 0 {
				t.Errorf("%s %s: axe-core checked nothing", scene.name, scheme)
			}
			for _, v := range found.Violations {
				t.Errorf("%s %s: %s: %s: %s", scene.name, scheme, v.Impact, v.ID, v.Help)
			}
		}
	}
}
