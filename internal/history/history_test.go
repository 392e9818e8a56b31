package history

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// day makes transitions like those of a target.
type day struct {
	log *Log
	now reload.Status
}

func newDay(log *Log) *day {
	log.Add("prometheus", "prometheus", nil, nil)
	return &day{log: log, now: reload.Status{Target: "prometheus", Kind: "prometheus", Phase: reload.Starting, ServerLife: "1", ServerVersion: "3.15.0"}}
}

func (d *day) to(phase reload.Phase, change ...func(*reload.Status)) {
	next := d.now
	next.Phase = phase
	if phase == reload.InSync {
		next.Running, next.Failure, next.Reason = next.Wanted, nil, ""
		next.LastSuccess = time.Now()
	}
	for _, c := range change {
		c(&next)
	}
	d.log.Transition(d.now, next)
	d.now = next
}

func (d *day) files(n byte) {
	d.to(reload.Checking, func(s *reload.Status) {
		s.Wanted, s.Since, s.Findings, s.Reason = snapshot.Digest{n}, time.Now(), nil, ""
		s.WantedChanges = []string{fmt.Sprintf("scrape job %q added", fmt.Sprint("job", n))}
	})
}

func (d *day) entries() []Entry { return d.log.Report().Targets[0].Entries }

func outcomes(entries []Entry) string {
	var all []string
	for _, e := range entries {
		all = append(all, string(e.Outcome))
	}
	return strings.Join(all, " ")
}

// Each change is listed with its outcome and the details of that, newest first.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	calls := 0
	d := newDay(New(func() { calls++ }))
	d.files(1)
	d.to(reload.InSync)
	d.files(2)
	d.to(reload.Rejected, func(s *reload.Status) {
		s.Reason = "1 error in the newest files"
		s.Findings = []finding.Finding{{File: "prometheus.yml", Line: 3, Severity: finding.Error, Rule: "yaml", Message: "broken"}}
	})
	d.files(3)
	d.files(4) // before 3 was live
	d.to(reload.Retrying, func(s *reload.Status) {
		s.Counts.ReloadsFailed++
		s.Failure = &reload.FailureStatus{Class: reload.ClassUnreachable, Message: "nothing listens there", At: time.Now()}
	})
	d.to(reload.InSync, func(s *reload.Status) { s.ServerLife, s.ServerVersion = "2", "3.16.0" })
	d.files(5)
	d.to(reload.Retrying, func(s *reload.Status) {
		s.Counts.ReloadsFailed++
		s.Failure = &reload.FailureStatus{Class: reload.ClassRefused, Message: "refused", Body: "loading groups failed", At: time.Now()}
	})
	d.to(reload.RolledBack, func(s *reload.Status) { s.Reason = "the server said no" })
	d.files(6)
	d.to(reload.Mismatch, func(s *reload.Status) { s.Reason = "job a is missing" })

	got := d.entries()
	if want := "mismatch rolled back restarted live replaced rejected live"; outcomes(got) != want {
		t.Fatalf("outcomes %q, want %q", outcomes(got), want)
	}
	for i, check := range []bool{
		got[0].Reason == "job a is missing", got[1].Reason == "the server said no" && got[1].Answer == "loading groups failed",
		got[2].Reason == "the server was restarted: version 3.15.0 before, 3.16.0 now",
		got[3].Failures == 1 && got[3].Reason == "" && !got[3].Live.IsZero(), got[4].Changes[0] == `scrape job "job3" added`,
		got[5].Errors == 1 && got[5].Findings[0] == "prometheus.yml:3: error: broken [yaml]" && got[5].Live.IsZero(), got[6].Reason == "" && !got[6].Live.IsZero(),
	} {
		if !check {
			t.Errorf("entry %d: %+v", i, got[i])
		}
	}
	if calls == 0 {
		t.Error("the function for changes was not called")
	}
}

// A change that was live counts as a mismatch when a later proof fails, and as live again when one succeeds.
func TestALaterProofCounts(t *testing.T) {
	t.Parallel()
	d := newDay(New(nil))
	d.files(1)
	d.to(reload.InSync)
	live := d.entries()[0].Live
	d.to(reload.Mismatch, func(s *reload.Status) { s.Reason = "drift" })
	if got := d.entries(); outcomes(got) != "mismatch" {
		t.Errorf("%q", outcomes(got))
	}
	d.to(reload.InSync)
	if got := d.entries(); outcomes(got) != "live" || got[0].Reason != "" || !got[0].Live.Equal(live) {
		t.Errorf("%+v", got[0])
	}
}

// The history stays within its limit in bytes, and has space for at least 50 ordinary changes of each of
// five targets.
func TestBound(t *testing.T) {
	t.Parallel()
	l := New(nil)
	size := func() int {
		total := 0
		for _, t := range l.targets {
			for i := range t.entries {
				total += t.entries[i].size()
			}
		}
		return total
	}
	change := func(target string, n int, text string) {
		s := reload.Status{Target: target, Phase: reload.Rejected, Wanted: snapshot.Digest{byte(n), byte(n >> 8), 1}, WantedChanges: []string{text}, Reason: text}
		l.Transition(reload.Status{}, s)
	}
	for i := range 5 {
		l.Add(fmt.Sprint("t", i), "http", nil, nil)
		for n := range 60 {
			change(fmt.Sprint("t", i), n, "a short text")
		}
	}
	targets := l.Report().Targets
	if len(targets) != 5 {
		t.Fatalf("%d targets, want 5", len(targets))
	}
	for _, target := range targets {
		if len(target.Entries) < minKept {
			t.Errorf("%s has only %d entries", target.Target, len(target.Entries))
		}
	}
	for n := range 3000 {
		change("t0", n, strings.Repeat("long ", 2000))
		if size() > maxBytes {
			t.Fatalf("%d bytes after %d changes", size(), n)
		}
	}
}

// What is kept in a gate is read back after a restart, and the same files are no new change then. Bytes that are no
// history are ignored.
func TestKept(t *testing.T) {
	t.Parallel()
	l := New(nil)
	var saved []byte
	l.Add("prometheus", "prometheus", nil, func(b []byte) { saved = b })
	d := &day{log: l, now: reload.Status{Target: "prometheus", Phase: reload.Starting}}
	d.files(1)
	if saved != nil {
		t.Error("kept before any change had its outcome")
	}
	d.to(reload.InSync)
	d.files(2)
	d.to(reload.Rejected)
	next := New(nil)
	next.Add("prometheus", "prometheus", saved, nil)
	if got := outcomes(next.Report().Targets[0].Entries); got != "rejected live" {
		t.Errorf("after a restart: %q", got)
	}
	// The files from before the restart are no new change.
	e := &day{log: next, now: reload.Status{Target: "prometheus", Phase: reload.Starting}}
	e.to(reload.Rejected, func(s *reload.Status) { s.Wanted = snapshot.Digest{2} })
	if got := outcomes(e.entries()); got != "rejected live" {
		t.Errorf("after the first reading: %q", got)
	}
	for _, bad := range []string{"", "x", "{}", `{"version":2}`, "[]"} {
		if decode([]byte(bad)) != nil {
			t.Errorf("%q was read as a history", bad)
		}
	}
}

// If the object was written shortly before a change, the change is listed with the writer and the time since the write.
func TestWriter(t *testing.T) {
	t.Parallel()
	l := New(nil)
	d := newDay(l)
	l.WriterFrom(func(target string, since time.Time) *Writer {
		if target != "prometheus" || time.Since(since) > time.Hour {
			t.Errorf("asked for %s since %s", target, since)
		}
		return &Writer{Object: "ConfigMap/prometheus-yml", Manager: "kubectl", Time: time.Now().Add(-time.Minute)}
	})
	d.files(1)
	d.to(reload.InSync)
	if e := d.entries()[0]; e.Writer == nil || e.Writer.Manager != "kubectl" || e.FromWrite < 59*time.Second {
		t.Errorf("%+v", e)
	}
}

// FuzzDecode: whatever bytes were kept, the history stays within its limits.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":1,"entries":[{"seen":"2026-01-01T00:00:00Z","outcome":"live","changes":["a"]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries := decode(b)
		if len(entries) > minKept {
			t.Errorf("%d entries", len(entries))
		}
		for i := range entries {
			if n := entries[i].size(); n > 8<<10 && entries[i].Writer == nil {
				t.Errorf("an entry of %d bytes", n)
			}
		}
	})
}

// If the search for mistakes ended early, the history says that there are at least that many. If all were counted, it gives the exact
// number.
func TestCountsThatAreNotTheEnd(t *testing.T) {
	t.Parallel()
	one := finding.Finding{File: "prometheus.yml", Line: 3, Severity: finding.Error, Rule: "yaml", Message: "broken"}
	for name, c := range map[string]struct {
		more    finding.Finding
		errors  int
		atLeast bool
	}{
		"counted":               {finding.More("prometheus.yml", finding.Error, 7, false), 8, false},
		"the search ended":      {finding.More("prometheus.yml", finding.Error, 0, true), 1, true},
		"ended after some more": {finding.More("prometheus.yml", finding.Error, 7, true), 8, true},
		"ended in the warnings": {finding.More("prometheus.yml", finding.Warning, 0, true), 1, true},
		"infos are not counted": {finding.More("prometheus.yml", finding.Info, 0, true), 1, false},
	} {
		d := newDay(New(nil))
		d.files(1)
		d.to(reload.Rejected, func(s *reload.Status) { s.Findings = []finding.Finding{one, c.more} })
		if e := d.entries()[0]; e.Errors != c.errors || e.AtLeast != c.atLeast {
			t.Errorf("%s: %d errors, at least: %v", name, e.Errors, e.AtLeast)
		}
		d.to(reload.Rejected, func(s *reload.Status) { s.Findings = []finding.Finding{one} })
		if e := d.entries()[0]; e.Errors != 1 || e.AtLeast {
			t.Errorf("%s, then searched to the end: %d errors, at least: %v", name, e.Errors, e.AtLeast)
		}
	}
}
