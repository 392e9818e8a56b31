package reload

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// bubble runs f as a parallel subtest with a target in a synctest bubble of its own.
func bubble(t *testing.T, name string, gated bool, change func(*bench, *Options), f func(*testing.T, *bench)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, gated, change)
			defer b.stop()
			f(t, b)
		})
	})
}

// sleep lets time pass, and waits until everything that is due has happened.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// quiet lets the spacing after an earlier reload pass.
func quiet() { sleep(time.Second) }

// Without a gate: what a start, a change, a bad file, its fix and a hint lead to, and with how many reloads.
func TestDirect(t *testing.T) {
	t.Parallel()
	bubble(t, "start proves what runs without a call", false, nil, func(t *testing.T, b *bench) {
		b.want(InSync, "a")
		b.wantPhases(Checking, Confirming, InSync)
	})
	bubble(t, "start without proof reloads once", false, func(b *bench, _ *Options) { b.server.proves = false }, func(t *testing.T, b *bench) {
		b.want(InSync, "a", "a")
	})
	bubble(t, "a change is live at once, with one reload", false, nil, func(t *testing.T, b *bench) {
		b.rec.take()
		b.change("b")
		b.want(InSync, "b", "b")
		b.wantPhases(Checking, Reloading, Confirming, InSync)
		st := b.target.Status()
		if st.LastSuccess.IsZero() || !st.Applied || st.Counts.Reloads != 1 || st.Proof != "test" || st.ServerVersion != "3.15.0" {
			t.Errorf("status %+v", st)
		}
	})
	bubble(t, "a hint without a change does nothing", false, nil, func(t *testing.T, b *bench) {
		b.src.hint()
		synctest.Wait()
		b.target.Recheck()
		synctest.Wait()
		b.want(InSync, "a")
		if n := len(b.requests()); n != 1 {
			t.Errorf("%d verdicts, want only the first", n)
		}
	})
	bubble(t, "bad files cause no call, the fix is live at once", false, nil, func(t *testing.T, b *bench) {
		b.change("bad")
		b.want(Rejected, "a")
		st := b.target.Status()
		if len(st.Findings) != 1 || st.Applied || !strings.Contains(st.Reason, "1 error") || st.Counts.ChangesFailed != 1 {
			t.Errorf("status %+v", st)
		}
		before := time.Now()
		b.change("c")
		b.want(InSync, "c", "c")
		if took := time.Since(before); took != 0 {
			t.Errorf("the fix waited %s", took)
		}
		if st := b.target.Status(); len(st.Findings) != 0 || !st.Applied {
			t.Errorf("status after the fix %+v", st)
		}
	})
	bubble(t, "back to what runs needs no call", false, nil, func(t *testing.T, b *bench) {
		b.change("bad")
		b.change("a")
		b.want(InSync, "a")
	})
	bubble(t, "a change that needs no reload is live without one", false, func(b *bench, _ *Options) { b.server.irrelevant = true }, func(t *testing.T, b *bench) {
		b.change("b")
		b.want(InSync, "b")
	})
	bubble(t, "the running outline goes to the validator", false, nil, func(t *testing.T, b *bench) {
		b.change("b")
		quiet()
		b.change("c")
		last := b.requests()[len(b.requests())-1]
		if last.Running == nil || last.Running.Items[0].Name != "b" || last.Facts.Version != "3.15.0" {
			t.Errorf("request %+v", last)
		}
	})
	bubble(t, "the running outline is known after a retry too", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.failures = []error{&Failure{Class: ClassServer, Message: "500"}} })
		b.change("b")
		sleep(5 * time.Second)
		b.want(InSync, "b", "b", "b")
		quiet()
		b.change("c")
		if last := b.requests()[len(b.requests())-1]; last.Running == nil || last.Running.Items[0].Name != "b" {
			t.Errorf("request %+v: guards cannot tell what would be lost", last)
		}
	})
}

// A warning does not hold a change up, so someone may only see it in the log. It is logged once while it lasts.
func TestWarningsAreLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	withLog := func(_ *bench, o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) }
	bubble(t, "once while it stays the same", false, withLog, func(t *testing.T, b *bench) {
		for _, step := range []struct {
			text string
			want int
		}{{"odd 1", 1}, {"odd 2", 1}, {"c", 1}, {"odd 1", 2}} {
			b.change(step.text)
			quiet()
			b.want(InSync, step.text, b.reloads()...)
			got := strings.Count(log.String(), `level=WARN msg=finding target=prometheus at=/etc/prometheus/prometheus.yml:2:3 rule=odd message="looks odd"`)
			if got != step.want {
				t.Errorf("after %q the warning was logged %d times, want %d:\n%s", step.text, got, step.want, &log)
			}
		}
	})
}

// Whatever happens at the same time, the newest files run in the end, after few reloads.
func TestNewestWins(t *testing.T) {
	t.Parallel()
	bubble(t, "a change during a reload follows it", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.takes = 40 * time.Second })
		b.change("b")
		sleep(10 * time.Second)
		b.change("c")
		b.change("d")
		b.want(Reloading, "a", "b")
		sleep(2 * time.Minute)
		b.want(InSync, "d", "b", "d")
	})
	bubble(t, "a reload that may have read newer files than intended proves nothing", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.takes = time.Second })
		b.src.set("b")
		b.src.hint()
		synctest.Wait()
		b.src.set("c") // without a hint: the reading after the reload finds it
		sleep(time.Minute)
		b.want(InSync, "c", "b", "c")
	})
	bubble(t, "a burst makes few reloads and ends with the last", false, nil, func(t *testing.T, b *bench) {
		for i := range 20 {
			b.change("burst " + string(rune('a'+i)))
			sleep(50 * time.Millisecond)
		}
		quiet()
		if n := len(b.reloads()); n > 3 || n < 1 {
			t.Errorf("%d reloads for 20 changes in one second", n)
		}
		st := b.target.Status()
		if st.Phase != InSync || st.Running != digestOf("burst t") {
			t.Errorf("ends in %s with %s", st.Phase, b.runs())
		}
	})
	bubble(t, "something newer drops a waiting retry", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) {
			p.failures = []error{&Failure{Class: ClassServer, Message: "500", Permanent: true}}
		})
		b.change("b")
		b.want(Retrying, "a", "b") // it said so when it was asked after the failure
		if b.target.Status().NextTry.IsZero() {
			t.Error("no next try")
		}
		b.change("c")
		b.want(InSync, "c", "b", "c")
	})
}

// during runs something in the middle of each verdict.
type during struct {
	*judge
	do func()
}

func (d during) Validate(ctx context.Context, req finding.Request) (finding.Result, error) {
	d.do()
	return d.judge.Validate(ctx, req)
}

// volume is a source that can tell whether it was swapped since it was read.
type volume struct {
	*source
	swapped *bool
}

func (v volume) SameCommit() bool { return !*v.swapped }

// Unchanged is always false, so that each check is a reading, which the test counts.
func (volume) Unchanged(context.Context) bool { return false }

// TestHintDuringVerdict: a swap causes hints after its commit too. They must not delay the reload of that same swap; a newer
// swap must.
func TestHintDuringVerdict(t *testing.T) {
	t.Parallel()
	for swapped, readsBefore := range map[bool]int{false: 1, true: 2} {
		before := 0
		hinting := func(b *bench, o *Options) {
			o.Reader = volume{b.src, &swapped}
			reads := 0
			o.Validator = during{b.judge, func() {
				if b.src.get() == "a" {
					return
				}
				if reads == 0 {
					reads = b.src.reads
					b.src.hint()
				}
			}}
			b.server.files = func() string {
				if b.src.get() != "a" {
					before = b.src.reads - reads + 1
				}
				return b.src.get()
			}
		}
		bubble(t, fmt.Sprintf("swapped again: %v", swapped), false, hinting, func(t *testing.T, b *bench) {
			b.change("b")
			b.want(InSync, "b", "b")
			if before != readsBefore {
				t.Errorf("%d readings until the reload, want %d", before, readsBefore)
			}
			if b.src.reads <= before {
				t.Error("nothing was read after the reload")
			}
		})
	}
}

// TestChangeDuringReload: the server reads files that changed after they were judged, and the hint about it is late or lost.
// One reload of the newer files follows, and none of files that are no longer there.
func TestChangeDuringReload(t *testing.T) {
	t.Parallel()
	bubble(t, "no hint", false, nil, func(t *testing.T, b *bench) {
		quiet()
		b.server.mu.Lock()
		b.server.files = func() string {
			if b.src.get() == "b" {
				b.src.set("c")
			}
			return b.src.get()
		}
		before := len(b.server.reloads)
		b.server.mu.Unlock()
		b.change("b")
		quiet()
		b.want(InSync, "c", "c")
		if made := len(b.server.reloads) - before; made > 2 {
			t.Errorf("%d reloads, want one for each of two contents at most", made)
		}
	})
}

// TestOneWakeUp: whenever the last reload was, an idle target looks at its server exactly when its files are polled, so that it
// wakes up once, not twice. Without polling it still looks.
func TestOneWakeUp(t *testing.T) {
	t.Parallel()
	const poll = 30 * time.Second
	asked := func(_ *bench, o *Options) { o.ObserveInterval = poll + poll/4 }
	for _, offset := range []time.Duration{0, time.Second, 8 * time.Second, 16 * time.Second, 29 * time.Second} {
		bubble(t, fmt.Sprint("reload before the poll: ", offset), false, asked, func(t *testing.T, b *bench) {
			b.change("b")
			time.Sleep(offset)
			polls := map[time.Time]bool{}
			for i := range 20 {
				b.src.hint()
				synctest.Wait()
				polls[time.Now()] = true
				if i == 2 {
					b.lock(func(p *prom) { p.looks = nil })
				}
				sleep(poll)
			}
			if n := len(b.server.looks); n != 17 {
				t.Errorf("%d looks in 17 polls", n)
			}
			for _, at := range b.server.looks {
				if !polls[at] {
					t.Errorf("woken up at %s to look at the server alone", at)
				}
			}
			b.lock(func(p *prom) { p.looks = nil })
			if sleep(10 * poll); len(b.server.looks) != 8 {
				t.Errorf("%d looks in 5 min without polls", len(b.server.looks))
			}
		})
	}
}

// Files that are written in place are applied once they have been at rest for the settle time, but after ten settle times at
// the latest.
func TestSettling(t *testing.T) {
	t.Parallel()
	plain := func(b *bench, _ *Options) { b.src.atomic = false }
	bubble(t, "a plain directory gets its settle time", false, plain, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		b.change("half")
		b.want(Settling, "a")
		sleep(80 * time.Millisecond)
		b.change("whole")
		sleep(80 * time.Millisecond)
		synctest.Wait()
		b.want(Settling, "a")
		sleep(21 * time.Millisecond)
		synctest.Wait()
		b.want(InSync, "whole", "whole")
	})
	bubble(t, "a writer that never rests is read after ten settle times", false, plain, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		for i := range 25 {
			b.change("text " + string(rune('a'+i)))
			sleep(50 * time.Millisecond)
		}
		synctest.Wait()
		if n := len(b.reloads()); n != 1 {
			t.Errorf("%d reloads after 1.25 s of changes, want 1", n)
		}
		sleep(2 * time.Second)
		if b.target.Status().Running != digestOf("text y") {
			t.Errorf("runs %q", b.runs())
		}
	})
}

// Each fault of the files, the server or the validator has its own phase and pace of retries, and ends by itself.
func TestFaults(t *testing.T) {
	t.Parallel()
	bubble(t, "a missing source is waited for", false, func(b *bench, _ *Options) { b.src.text = "" }, func(t *testing.T, b *bench) {
		b.want(Waiting, "")
		if st := b.target.Status(); !strings.Contains(st.Reason, "not exist") || st.Failure != nil {
			t.Errorf("status %+v", st)
		}
		b.src.set("b")
		sleep(7 * time.Second) // without a hint
		b.want(InSync, "b", "b")
	})
	bubble(t, "a server that is not ready is no failure", false, func(b *bench, _ *Options) { b.server.down = true }, func(t *testing.T, b *bench) {
		sleep(10 * time.Minute)
		b.want(Waiting, "")
		st := b.target.Status()
		if st.Failure != nil || st.Counts.ReloadsFailed != 0 || st.Reason != "connection refused" {
			t.Errorf("status %+v", st)
		}
		b.change("bad")
		b.want(Rejected, "")
		b.change("b")
		b.lock(func(p *prom) { p.down = false })
		sleep(7 * time.Second)
		b.want(InSync, "b", "b")
	})
	bubble(t, "500 twice, then 200", false, nil, func(t *testing.T, b *bench) {
		fail := &Failure{Class: ClassServer, Message: "500"}
		b.lock(func(p *prom) { p.failures = []error{fail, fail} })
		b.change("b")
		if st := b.target.Status(); st.Phase != Retrying || st.Failure == nil || st.Failure.Class != ClassServer || st.Applied {
			t.Errorf("status %+v", st)
		}
		sleep(5 * time.Second)
		b.want(InSync, "b", "b", "b", "b")
		if st := b.target.Status(); st.Failure != nil || st.Counts.ReloadsFailed != 2 {
			t.Errorf("status %+v", st)
		}
	})
	bubble(t, "a refusal in direct mode is retried forever, more and more slowly", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.refuses = func(text string) bool { return text == "b" } })
		b.change("b")
		b.want(Retrying, "a", "b") // the server still runs a
		sleep(time.Hour)
		if n := len(b.reloads()); n < 100 || n > 160 {
			t.Errorf("%d tries in an hour", n)
		}
		b.change("a") // the server's own last load failed: it must load again
		b.lock(func(p *prom) { p.refuses = nil })
		if st := b.target.Status(); st.Phase != InSync || b.runs() != "a" || b.reloads()[len(b.reloads())-1] != "a" {
			t.Errorf("%s, last reload %q", st.Phase, b.reloads()[len(b.reloads())-1])
		}
	})
	bubble(t, "a failure that does not go away by itself is retried slowly", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) {
			p.failures = []error{&Failure{Class: ClassUnauthorized, Message: "401", Hint: "check the password", Permanent: true, Untouched: true}}
		})
		b.change("b")
		sleep(29 * time.Second)
		b.want(Retrying, "a", "b")
		sleep(2 * time.Second)
		b.want(InSync, "b", "b", "b")
	})
	bubble(t, "a request by a person makes the retry at once", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) {
			p.failures = []error{&Failure{Class: ClassUnauthorized, Permanent: true, Untouched: true}}
		})
		b.change("b")
		b.target.Recheck()
		synctest.Wait()
		b.want(InSync, "b", "b", "b")
	})
	bubble(t, "no verdict, nothing applied", false, nil, func(t *testing.T, b *bench) {
		b.judge.mu.Lock()
		b.judge.broken = true
		b.judge.mu.Unlock()
		b.change("b")
		b.want(Unjudged, "a")
		sleep(time.Minute)
		b.want(Unjudged, "a")
		if st := b.target.Status(); st.Counts.Unjudged < 3 || !strings.Contains(st.Reason, "promcheck was killed") {
			t.Errorf("status %+v", st)
		}
		b.judge.mu.Lock()
		b.judge.broken = false
		b.judge.mu.Unlock()
		sleep(40 * time.Second)
		b.want(InSync, "b", "b")
	})
	bubble(t, "an answer that did nothing is no proof", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.lies = true })
		b.change("b")
		st := b.target.Status()
		if st.Phase != Mismatch || !st.Running.IsZero() || st.Failure.Class != ClassUnproven || len(st.Differences) != 1 || st.Cause == "" || st.Applied {
			t.Errorf("status %+v", st)
		}
		b.lock(func(p *prom) { p.lies = false })
		sleep(40 * time.Second)
		b.want(InSync, "b", "b", "b")
	})
}

// Restarts of the server: what it runs afterwards is asked, and it is reloaded only if it runs other files.
func TestServerLife(t *testing.T) {
	t.Parallel()
	bubble(t, "a restart with the same files is proven without a call", false, nil, func(t *testing.T, b *bench) {
		b.server.start()
		b.rec.take()
		sleep(31 * time.Second)
		b.want(InSync, "a")
		b.wantPhases(Confirming, Checking, Confirming, InSync)
	})
	bubble(t, "a server that turns out to run older files is reloaded", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.epoch++; p.runs = "old" })
		sleep(31 * time.Second)
		b.want(InSync, "a", "a")
	})
	bubble(t, "after a restart with rejected files the server is not reported to run the last good ones", false, nil, func(t *testing.T, b *bench) {
		b.change("bad")
		b.want(Rejected, "a")
		b.server.start()
		sleep(31 * time.Second)
		b.want(Rejected, "")
		b.change("a")
		b.want(InSync, "a", "a")
	})
	bubble(t, "a server that goes away is waited for", false, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.down = true })
		sleep(40 * time.Second)
		b.want(Waiting, "") // a server that is down runs nothing
		b.lock(func(p *prom) { p.down = false })
		sleep(10 * time.Second)
		b.want(InSync, "a")
		if st := b.target.Status(); st.Failure != nil || !st.Applied {
			t.Errorf("status %+v", st)
		}
	})
	bubble(t, "reloader stops during its first reload", false, func(b *bench, _ *Options) { b.server.takes = time.Hour; b.server.proves = false }, func(t *testing.T, b *bench) {
		b.want(Reloading, "", "a")
	})
}

// With a gate: only valid files are published, refused ones are rolled back, and a server can always start on what the gate
// holds.
func TestGate(t *testing.T) {
	t.Parallel()
	refusing := func(b *bench, _ *Options) {
		b.server.refuses = func(text string) bool { return text == "refused" }
	}
	bubble(t, "valid files are published, then loaded", true, nil, func(t *testing.T, b *bench) {
		b.rec.take()
		b.change("b")
		b.want(InSync, "b", "b")
		b.wantPhases(Checking, Publishing, Reloading, Confirming, InSync)
		if b.gate.good() != digestOf("b") {
			t.Error("the gate does not know that the files are good")
		}
	})
	bubble(t, "bad files are never published", true, nil, func(t *testing.T, b *bench) {
		b.change("bad")
		b.server.start()
		sleep(31 * time.Second)
		b.want(Rejected, "a")
		if b.gate.text() != "a" {
			t.Errorf("the gate holds %q", b.gate.text())
		}
	})
	bubble(t, "refused files are rolled back and left alone", true, refusing, func(t *testing.T, b *bench) {
		b.change("refused")
		b.want(RolledBack, "a", "refused", "a")
		if st := b.target.Status(); !strings.Contains(st.Reason, "refused the files") || st.Counts.RollBacks != 1 || st.Counts.ChangesFailed != 1 {
			t.Errorf("status %+v", st)
		}
		sleep(time.Hour)
		b.target.Recheck()
		synctest.Wait()
		b.want(RolledBack, "a", "refused", "a")
		b.change("c")
		b.want(InSync, "c", "refused", "a", "c")
	})
	bubble(t, "another server version gets the refused files again", true, refusing, func(t *testing.T, b *bench) {
		b.change("refused")
		b.lock(func(p *prom) { p.version, p.refuses = "3.16.0", nil; p.epoch++ })
		sleep(31 * time.Second)
		b.want(InSync, "refused", "refused", "a", "refused")
		if n := b.target.Status().Counts.ChangesFailed; n != 1 {
			t.Errorf("%d changes failed, want only the refusal", n)
		}
	})
	bubble(t, "refused files are left alone after a restart of reloader too", true, refusing, func(t *testing.T, b *bench) {
		b.change("refused")
		b.want(RolledBack, "a", "refused", "a")
		b.stop()
		b.begin()
		sleep(time.Hour)
		b.want(RolledBack, "a", "refused", "a")
		if st := b.target.Status(); !strings.Contains(st.Reason, "before reloader restarted") {
			t.Errorf("reason %q", st.Reason)
		}
		b.change("c")
		b.want(InSync, "c", "refused", "a", "c")
	})
	bubble(t, "after a restart of reloader and of the server they are tried again, with a reload", true, refusing, func(t *testing.T, b *bench) {
		b.change("refused")
		b.stop()
		b.lock(func(p *prom) { p.down = true })
		b.begin()
		sleep(time.Minute)
		if b.gate.text() != "a" {
			t.Fatalf("the gate of a server that is about to start holds %q", b.gate.text())
		}
		b.server.start()
		b.lock(func(p *prom) { p.down, p.refuses = false, nil })
		sleep(31 * time.Second)
		b.want(InSync, "refused", "refused", "a", "refused")
		if _, _, digests := b.gate.Refused(); len(digests) > 0 {
			t.Error("what the server accepted is still noted as refused")
		}
	})
	bubble(t, "after a downgrade the server refuses accepted files, and gets the ones before them", true, nil, func(t *testing.T, b *bench) {
		b.change("b")
		b.want(InSync, "b", "b")
		b.lock(func(p *prom) {
			p.version = "3.14.0"
			p.refuses = func(text string) bool { return text == "b" }
			p.runs, p.epoch = "", p.epoch+1 // it could not use the files at its start
		})
		sleep(31 * time.Second)
		b.want(RolledBack, "a", "b", "b")
		if b.gate.text() != "a" {
			t.Errorf("the gate holds %q", b.gate.text())
		}
	})
	bubble(t, "files without proof are rolled back after some tries", true, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.lies, p.vague = true, true })
		b.change("b")
		sleep(9 * time.Second)
		st := b.target.Status()
		if b.gate.text() != "a" || st.Phase != RolledBack || st.Running != digestOf("a") {
			t.Errorf("gate %q, %s, running %s: %q", b.gate.text(), st.Phase, st.Running.Short(), b.reloads())
		}
		b.lock(func(p *prom) { p.lies = false })
		sleep(11 * time.Minute)
		if st := b.target.Status(); st.Phase != InSync || st.Running != digestOf("b") {
			t.Errorf("ten minutes later: %s %s", st.Phase, st.Reason)
		}
	})
	bubble(t, "a full disk is waited out", true, nil, func(t *testing.T, b *bench) {
		b.gate.mu.Lock()
		b.gate.full = true
		b.gate.mu.Unlock()
		b.change("b")
		b.want(Retrying, "a")
		if st := b.target.Status(); !strings.Contains(st.Reason, "no space left") || st.Failure.Class != ClassLocal {
			t.Errorf("status %+v", st)
		}
		b.gate.mu.Lock()
		b.gate.full = false
		b.gate.mu.Unlock()
		sleep(40 * time.Second)
		b.want(InSync, "b", "b")
	})
	bubble(t, "the first generation is published before the server is up", true, func(b *bench, _ *Options) {
		b.gate.texts, b.gate.current, b.gate.accepted = map[snapshot.Digest]string{}, snapshot.Digest{}, nil
		b.server.down = true
	}, func(t *testing.T, b *bench) {
		b.want(Waiting, "")
		if b.gate.text() != "a" {
			t.Fatalf("the gate holds %q", b.gate.text())
		}
		b.server.start()
		b.lock(func(p *prom) { p.down = false })
		sleep(6 * time.Second)
		b.want(InSync, "a")
	})
	bubble(t, "a server that does not start on new files gets the good ones, and then refuses the new ones itself", true, refusing, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.down = true })
		b.change("refused")
		sleep(time.Minute)
		b.want(Waiting, "")
		if b.gate.text() != "refused" {
			t.Fatalf("the gate holds %q", b.gate.text())
		}
		sleep(2 * time.Minute)
		b.want(RolledBack, "")
		if st := b.target.Status(); b.gate.text() != "a" || !strings.Contains(st.Reason, "did not start within 2m0s") {
			t.Fatalf("the gate holds %q: %s", b.gate.text(), st.Reason)
		}
		b.server.start()
		b.lock(func(p *prom) { p.down = false })
		sleep(31 * time.Second)
		b.want(RolledBack, "a", "refused") // it says that it still runs the good ones
		if st := b.target.Status(); b.gate.text() != "a" || !strings.Contains(st.Reason, "refused the files") {
			t.Errorf("the gate holds %q: %s", b.gate.text(), st.Reason)
		}
	})
	bubble(t, "a server that was only slow to start gets the new files with a reload", true, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.down = true })
		b.change("b")
		sleep(3 * time.Minute)
		b.want(RolledBack, "")
		b.server.start()
		b.lock(func(p *prom) { p.down = false })
		sleep(31 * time.Second)
		b.want(InSync, "b", "b")
	})
	bubble(t, "with nothing to go back to, a server is waited for", true, func(b *bench, _ *Options) {
		b.gate.texts, b.gate.current, b.gate.accepted = map[snapshot.Digest]string{}, snapshot.Digest{}, nil
		b.server.down = true
	}, func(t *testing.T, b *bench) {
		sleep(time.Hour)
		b.want(Waiting, "")
		if b.gate.text() != "a" {
			t.Errorf("the gate holds %q", b.gate.text())
		}
	})
	bubble(t, "back to what runs: the gate goes back too", true, nil, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) { p.down = true })
		b.change("b") // published, and never loaded
		b.want(Waiting, "a")
		b.change("a")
		if b.gate.text() != "a" {
			t.Errorf("a start of the server would read %q", b.gate.text())
		}
		b.lock(func(p *prom) { p.down = false })
		sleep(10 * time.Second)
		b.want(InSync, "a")
	})
	bubble(t, "a new pod with only bad files uses the last good ones", true, func(b *bench, _ *Options) { b.src.text = "bad" }, func(t *testing.T, b *bench) {
		b.want(Rejected, "a")
	})
}
