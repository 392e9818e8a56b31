package reload

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reloader/internal/finding"
)

// A server that accepts reloads and still runs something else is asked again and again, and reloaded seldom. Any change is
// handled at once.
func TestMismatch(t *testing.T) {
	t.Parallel()
	bubble(t, "it is reloaded once more, then asked", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.lies = true })
		b.change("b")
		b.want(Mismatch, "", "b")
		sleep(9 * time.Minute)
		b.want(Mismatch, "", b.reloads()...)
		if n := len(b.reloads()); n != 6 {
			t.Errorf("%d reloads in nine minutes, want 6", n)
		}
		st := b.target.Status()
		if st.Applied || st.Counts.Mismatches < 10 || len(st.Differences) != 1 || st.Cause != "a stale mount" || st.NextTry.IsZero() {
			t.Errorf("status %+v", st)
		}
		b.rec.take()
		sleep(time.Hour)
		before := len(b.reloads())
		sleep(time.Hour)
		if n := len(b.reloads()) - before; n < 5 || n > 6 {
			t.Errorf("%d reloads in an hour, want 5 or 6", n)
		}
		b.lock(func(p *prom) { p.runs = "b" }) // the cause is gone
		sleep(40 * time.Second)
		if st := b.target.Status(); st.Phase != InSync || len(st.Differences) > 0 || st.Cause != "" || !st.Applied {
			t.Errorf("status %+v", st)
		}
	})
	bubble(t, "a mount that catches up later is loaded soon after", false, nil, func(t *testing.T, b *bench) {
		for _, late := range []time.Duration{20 * time.Second, 90 * time.Second, 4 * time.Minute} {
			b.lock(func(p *prom) { p.files = func() string { return "old" } })
			b.change(late.String())
			sleep(late)
			b.lock(func(p *prom) { p.files = b.src.get })
			sleep(late + 40*time.Second)
			if st := b.target.Status(); st.Phase != InSync || b.runs() != late.String() {
				t.Errorf("%s after a mount that was %s late: %s, runs %q", late+40*time.Second, late, st.Phase, b.runs())
			}
		}
	})
	bubble(t, "asking again is no change of phase", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.lies = true })
		b.change("b")
		sleep(10 * time.Minute) // the reload of the eighth minute is over, and the next follows eight minutes later
		b.rec.take()
		sleep(5 * time.Minute)
		b.wantPhases()
	})
	bubble(t, "a newer change, a request by a person and a restart are handled at once", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.lies = true })
		b.change("b")
		sleep(5 * time.Minute)
		b.change("c")
		if got := b.reloads(); got[len(got)-1] != "c" {
			t.Errorf("reloads %q", got)
		}
		sleep(5 * time.Minute)
		before := len(b.reloads())
		b.target.Recheck()
		synctest.Wait()
		if n := len(b.reloads()); n != before+1 {
			t.Errorf("%d reloads after a request by a person, want 1", n-before)
		}
		b.server.start()
		sleep(40 * time.Second)
		b.want(InSync, "c", b.reloads()...)
	})
	bubble(t, "with a gate it is no reason for a rollback", true, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.lies = true })
		b.change("b")
		sleep(5 * time.Minute)
		b.want(Mismatch, "", b.reloads()...)
		if b.gate.text() != "b" {
			t.Errorf("the gate holds %q", b.gate.text())
		}
	})
	bubble(t, "a verdict that is proven and names differences is a mismatch", false, func(b *bench, o *Options) {
		o.Driver = boasting{b.server}
	}, func(t *testing.T, b *bench) {
		b.change("b")
		if st := b.target.Status(); st.Phase != Mismatch {
			t.Errorf("phase %s with the differences %q, want %s", st.Phase, st.Differences, Mismatch)
		}
	})
}

// boasting calls everything proven, although it names a difference.
type boasting struct{ *prom }

func (d boasting) Confirm(ctx context.Context, p Plan, proof Proof) (Verdict, error) {
	v, err := d.prom.Confirm(ctx, p, proof)
	v.Differences = []string{"another main file"}
	return v, err
}

// The server is looked at regularly and on request, and only what the newest look showed counts as live.
func TestLooks(t *testing.T) {
	t.Parallel()
	edit := func(p *prom) { p.runs = "by hand" } // without a load, which would show
	bubble(t, "what someone edits by hand is found, reported and undone", false, nil, func(t *testing.T, b *bench) {
		b.lock(edit)
		b.rec.take()
		sleep(6 * time.Minute)
		b.want(InSync, "a", "a")
		b.wantPhases(Mismatch, Checking, Reloading, Confirming, InSync)
		if st := b.target.Status(); st.Counts.Mismatches != 1 {
			t.Errorf("%d mismatches", st.Counts.Mismatches)
		}
	})
	bubble(t, "a caller who waits gets an answer that is newer than the question", false, nil, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		b.lock(edit)
		b.server.mu.Lock()
		b.server.takes = time.Hour // so that what the look shows is not repaired at once
		b.server.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		b.target.Look(ctx)
		if st := b.target.Status(); st.Phase == InSync {
			t.Errorf("in sync: %+v", st)
		}
	})
	bubble(t, "many callers who wait share a look", false, nil, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		before := b.target.Status().Looked
		b.lock(func(p *prom) { p.compared = 0 })
		done := make(chan struct{})
		for range 50 {
			go func() { b.target.Look(t.Context()); done <- struct{}{} }()
		}
		for range 50 {
			<-done
		}
		if now := b.target.Status().Looked; !now.After(before) || time.Since(now) > lookSpacing {
			t.Errorf("looked at %s, before that at %s", now, before)
		}
		if n := b.server.compared; n < 1 || n > 2 { // the second for those who asked during the first
			t.Errorf("%d looks for 50 callers, want 1 or 2", n)
		}
	})
	bubble(t, "a target that claims nothing answers callers at once", false, func(b *bench, _ *Options) { b.server.down = true }, func(t *testing.T, b *bench) {
		began := time.Now()
		b.target.Look(t.Context())
		if took := time.Since(began); took > 0 {
			t.Errorf("the look took %s", took)
		}
	})
	bubble(t, "a load by someone else voids the proof", false, nil, func(t *testing.T, b *bench) {
		b.change("bad")
		b.lock(func(p *prom) { p.load++; p.runs = "half" })
		b.change("a")
		b.want(InSync, "a", "a")
		if b.runs() != "a" {
			t.Errorf("runs %q", b.runs())
		}
	})
}

// While the server does not answer a request, the status says so, and a change that waits for it counts as not applied
// (https://github.com/prometheus-operator/prometheus-operator/issues/4705, https://github.com/prometheus-operator/prometheus-operator/issues/4708).
func TestWaitingForTheServer(t *testing.T) {
	t.Parallel()
	withAddress := func(_ *bench, o *Options) { o.Address = "http://127.0.0.1:9090" }
	bubble(t, "a request without an answer", false, withAddress, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.takes = time.Minute })
		b.change("b")
		sleep(time.Second)
		if st := b.target.Status(); st.Reason != "" || !st.Applied {
			t.Errorf("after a second: %+v", st)
		}
		sleep(time.Second)
		if st := b.target.Status(); !strings.Contains(st.Reason, "no answer from http://127.0.0.1:9090 to POST /-/reload for 2s") || !st.Applied {
			t.Errorf("after two seconds: %+v", st)
		}
		sleep(9 * time.Second)
		if st := b.target.Status(); st.Applied {
			t.Errorf("after eleven seconds: %+v", st)
		}
		sleep(time.Minute)
		if st := b.target.Status(); st.Phase != InSync || st.Reason != "" || !st.Applied {
			t.Errorf("in the end: %+v", st)
		}
	})
	bubble(t, "changes do not hide that the server is down", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.down = true })
		for i := range 6 {
			b.change("text " + string(rune('a'+i)))
			sleep(3 * time.Second)
		}
		if st := b.target.Status(); st.Applied {
			t.Errorf("after 18 s: %+v", st)
		}
	})
}

// When the files are rejected and the server is down, the status says both, and does not claim that the server runs anything.
func TestRejectedWhileTheServerIsDown(t *testing.T) {
	t.Parallel()
	bubble(t, "the reason names both", false, nil, func(t *testing.T, b *bench) {
		b.change("bad")
		b.want(Rejected, "a")
		b.lock(func(p *prom) { p.down = true })
		sleep(40 * time.Second)
		b.want(Rejected, "")
		if st := b.target.Status(); !strings.Contains(st.Reason, "1 error in the newest files; they are not applied; and the server does not answer: connection refused") {
			t.Errorf("reason %q", st.Reason)
		}
	})
}

// After a refusal the status says that the old files still run, with the server's own answer.
func TestRefusalSaysWhatRuns(t *testing.T) {
	t.Parallel()
	for kept, name := range map[bool]string{true: "the answer says that the old files stay", false: "the answer does not say"} {
		bubble(t, name, false, nil, func(t *testing.T, b *bench) {
			b.lock(func(p *prom) {
				p.failures = []error{&Failure{Class: ClassRefused, Message: "500", Body: "unknown field", Untouched: kept}}
			})
			b.change("b")
			b.want(Retrying, "a", "b")
			if f := b.target.Status().Failure; f == nil || f.Body != "unknown field" {
				t.Errorf("failure %+v", f)
			}
		})
	}
}

// A retry is made at once when someone asks for it, but no one who can reach reloader's port can cause a storm of them.
func TestManualRetriesAreSpaced(t *testing.T) {
	t.Parallel()
	bubble(t, "200 in two seconds", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.refuses = func(text string) bool { return text == "b" } })
		b.change("b")
		sleep(10 * time.Minute)
		before := len(b.reloads())
		for range 200 {
			b.target.Recheck()
			sleep(10 * time.Millisecond)
		}
		if n := len(b.reloads()) - before; n < 1 || n > 4 {
			t.Errorf("%d reloads after 200 requests, want 1 to 4", n)
		}
	})
}

// When a server answers several tries with nothing but a server error, the gate goes back to the last good files.
func TestGateGoesBackAfterServerErrors(t *testing.T) {
	t.Parallel()
	bubble(t, "5xx three times", true, nil, func(t *testing.T, b *bench) {
		f := &Failure{Class: ClassServer, Message: "503"}
		b.lock(func(p *prom) { p.failures = []error{f, f, f} })
		b.change("b")
		sleep(10 * time.Second)
		st := b.target.Status()
		if st.Phase != RolledBack || b.gate.text() != "a" || st.Counts.Failures[ClassServer] != 3 {
			t.Errorf("gate %q, status %+v", b.gate.text(), st)
		}
	})
	bubble(t, "twice is no refusal", true, nil, func(t *testing.T, b *bench) {
		f := &Failure{Class: ClassServer, Message: "503"}
		b.lock(func(p *prom) { p.failures = []error{f, f} })
		b.change("b")
		sleep(10 * time.Second)
		b.want(InSync, "b", b.reloads()...)
	})
}

// As long as nothing is proven, guards compare with what the server says that it runs.
func TestOutlineOfTheServer(t *testing.T) {
	t.Parallel()
	known := &finding.Outline{Items: []finding.Item{{Kind: "scrape job", Name: "told"}}}
	bubble(t, "when reloader starts", false, func(b *bench, o *Options) {
		b.server.proves, b.src.text = false, "bad"
		o.Driver = telling{b.server, known}
	}, func(t *testing.T, b *bench) {
		if r := b.requests(); len(r) == 0 || r[0].Running != known {
			t.Errorf("requests %+v", r)
		}
	})
}

// telling is a server that says what it runs.
type telling struct {
	*prom
	outline *finding.Outline
}

func (d telling) Observe(ctx context.Context) (Observation, error) {
	o, err := d.prom.Observe(ctx)
	o.Outline = d.outline
	return o, err
}

// What a proof does not cover, and warnings that come only from the server's answers, are in the status, and once in the log.
func TestWhatAProofDoesNotCover(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	bubble(t, "logged once", false, func(b *bench, o *Options) {
		logs.Reset()
		o.Driver, o.Logger = halfBlind{b.server}, slog.New(slog.NewTextHandler(&logs, nil))
	}, func(t *testing.T, b *bench) {
		b.change("b")
		sleep(20 * time.Minute) // some looks
		st := b.target.Status()
		if st.Phase != InSync || len(st.NotCompared) != 1 || len(st.Findings) != 1 || st.Findings[0].Rule != "invisible" {
			t.Errorf("status %+v", st)
		}
		for _, word := range []string{"rules: not told", "rule=invisible"} {
			if n := strings.Count(logs.String(), word); n != 1 {
				t.Errorf("%q is logged %d times:\n%s", word, n, logs.String())
			}
		}
	})
}

// halfBlind does not see everything that its server runs.
type halfBlind struct{ *prom }

func (d halfBlind) Confirm(ctx context.Context, p Plan, proof Proof) (Verdict, error) {
	v, err := d.prom.Confirm(ctx, p, proof)
	v.NotCompared = []string{"rules: not told"}
	v.Findings = []finding.Finding{{File: "a.yml", Severity: finding.Warning, Rule: "invisible", Message: "not visible"}}
	return v, err
}
