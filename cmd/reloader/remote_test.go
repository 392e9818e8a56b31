package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/internal/status"
)

// Whatever a server answers is refused or can be shown, and nothing counts as live without a
// digest.
func FuzzReport(f *testing.F) {
	f.Add(`{"ready":true,"targets":[{"target":"prometheus","phase":"InSync","applied":true,"wanted":"` + strings.Repeat("ab", 32) + `","running":"` + strings.Repeat("ab", 32) + `"}]}`)
	f.Add(`{"targets":[{"phase":"Rejected","findings":[{"file":"a","line":-1,"severity":"error","message":"x\ny","hint":"z"}],"failure":{"message":"m"}}]}`)
	f.Add(`{"targets":[{"wanted":"12"}]}`)
	f.Add("[]")
	f.Fuzz(func(t *testing.T, body string) {
		report, err := readAnswer[status.Report](strings.NewReader(body), "status")
		if err != nil {
			if len(report.Targets) > 0 {
				t.Errorf("targets %+v and an error: %v", report, err)
			}
			return
		}
		for _, s := range report.Targets {
			var out bytes.Buffer
			printStatus(&out, s, time.Unix(0, 0))
			if out.Len() == 0 {
				t.Error("nothing is shown")
			}
			if live(s) && s.Running.IsZero() {
				t.Errorf("live without a digest: %+v", s)
			}
		}
	})
}

// The text shows when the next try is. It shows the digest of each directory only if that differs from the digest of all files:
// users compare it with what reloader digest prints.
func TestStatusNamesDirectoriesAndTheNextTry(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	s := reload.Status{
		Target: "grafana", Phase: reload.Retrying, Since: now.Add(-2 * time.Second), NextTry: now.Add(4400 * time.Millisecond),
		Wanted: snapshot.Digest{1}, Reason: "no answer", Sources: map[string]snapshot.Digest{"provisioning": {2}, "datasources": {1}},
	}
	shows := func(want string) {
		t.Helper()
		var out bytes.Buffer
		printStatus(&out, s, now)
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", out.String(), want)
		}
	}
	shows("grafana: Retrying for 2s, wanted 010000000000, running unknown\n  no answer\n" +
		"  directories: datasources 010000000000, provisioning 020000000000\n  next try: in 4s\n")
	s.Sources = map[string]snapshot.Digest{"prometheus": {1}}
	s.Phase, s.Running, s.Reason = reload.InSync, snapshot.Digest{1}, ""
	shows("grafana: InSync for 2s, wanted 010000000000, running 010000000000\n")
}
