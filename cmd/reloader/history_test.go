package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reloader/internal/history"
	"reloader/internal/snapshot"
)

// Each entry of a history shows what a person needs to know about it, and control characters in it do not reach the terminal.
func TestPrintHistory(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 28, 10, 42, 7, 0, time.Local)
	var b bytes.Buffer
	printHistory(&b, history.Target{Target: "prometheus", Entries: []history.Entry{
		{Seen: at, Outcome: history.Rejected, Digest: snapshot.Digest{1}, Errors: 2, Findings: []string{"prometheus.yml:3:1: error: broken\x1b[31m\nreloader: ok"}, Reason: "2 errors"},
		{Seen: at, Outcome: history.Restarted, Reason: "the server was restarted"},
		{
			Seen: at, Outcome: history.Live, Changes: []string{`scrape job "node" added`}, Took: 84 * time.Millisecond, Failures: 1,
			Writer: &history.Writer{Object: "ConfigMap/prometheus-yml", Manager: "kubectl", Time: at}, FromWrite: 400 * time.Millisecond,
		},
	}})
	printHistory(&b, history.Target{Target: "grafana"})
	want := `prometheus:
  2026-11-28 10:42:07  rejected     files 010000000000
      prometheus.yml:3:1: error: broken [31m reloader: ok
      and 1 more
      2 errors
  2026-11-28 10:42:07  restarted    the server was restarted
  2026-11-28 10:42:07  live         scrape job "node" added (live after 84ms)
      failed attempts: 1
      ConfigMap/prometheus-yml was written by kubectl at 10:42:07, live 400ms later
grafana:
  nothing has changed since reloader started
`
	if got := b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// In a terminal the view is drawn in place, with the phase in color. Elsewhere it is printed only when
// something other than the time has changed.
func TestView(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	plain := &view{out: &b}
	for _, text := range []string{"p: InSync for 1s, wanted a\n", "p: InSync for 2s, wanted a\n", "p: Rejected for 0s, wanted b\n"} {
		if err := plain.show(text, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.String(); strings.Count(got, "InSync") != 1 || strings.Count(got, "Rejected") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("not on a terminal: %q", got)
	}
	b.Reset()
	terminal := &view{out: &b, terminal: true, color: true}
	for range 2 {
		if err := terminal.show("p: Rejected for 0s, wanted b\n  prometheus.yml:1: Rejected x\n", time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	got := b.String()
	if strings.Count(got, "\x1b[2J") != 1 || strings.Count(got, home) != 2 || !strings.Contains(got, "p: \x1b[1;31mRejected\x1b[0m for") {
		t.Errorf("on a terminal: %q", got)
	}
	if strings.Contains(got, "1: \x1b[1;31m") {
		t.Error("a finding was painted as a phase")
	}
}
