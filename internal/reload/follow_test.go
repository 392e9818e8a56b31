package reload

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// writesBack makes the server write into its own directory at each reload, delay after it.
func writesBack(b *bench, delay time.Duration) {
	n := 0
	b.server.refuses = func(string) bool {
		n++
		text := fmt.Sprint("written at reload ", n)
		time.AfterFunc(delay, func() { b.src.set(text); b.src.hint() })
		return false
	}
}

// A server that writes into its own directory at each reload is reloaded less and less often: about 360 times in an hour, not
// thousands of times. Status and log say why. A change that someone else makes is still live at once, and when the server stops
// writing, the newest files are live.
func TestServerThatWritesBack(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Millisecond, time.Second} {
		var log bytes.Buffer
		change := func(b *bench, o *Options) {
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			b.src.atomic = false
		}
		bubble(t, fmt.Sprint("after ", delay), false, change, func(t *testing.T, b *bench) {
			b.lock(func(*prom) { writesBack(b, delay) })
			b.change("b")
			sleep(time.Hour)
			if n := len(b.reloads()); n < 300 || n > 380 {
				t.Errorf("%d reloads in an hour, want 300 to 380", n)
			}
			st := b.target.Status()
			if st.Phase != Settling || !strings.Contains(st.Reason, "changed right after each of the last reloads") || st.NextTry.IsZero() {
				t.Errorf("phase %s, next try %v: %s", st.Phase, st.NextTry, st.Reason)
			}
			if n := strings.Count(log.String(), "reloading ever less often"); n != 1 {
				t.Errorf("logged %d times, want once", n)
			}
			before := len(b.reloads())
			for i := range 3 {
				for time.Since(b.target.state.calledAt) < followWindow {
					sleep(time.Second)
				}
				mine := fmt.Sprint("mine ", i)
				b.change(mine)
				sleep(time.Second)
				if got := b.reloads()[before:]; !slices.Contains(got, mine) {
					t.Errorf("after %q: reloads %q", mine, got)
				}
				sleep(10 * time.Minute)
				before = len(b.reloads())
			}
			b.lock(func(p *prom) { p.refuses = nil })
			sleep(lastFollowWait + 10*time.Second)
			b.want(InSync, b.src.get(), b.reloads()...)
			if got := b.runs(); got != b.src.get() {
				t.Errorf("the server runs %q, the file holds %q", got, b.src.get())
			}
		})
	}
}

// Failing reloads are limited in the same way: the change after each of them must not reset the pauses between retries.
func TestFailingServerThatWritesBack(t *testing.T) {
	bubble(t, "a 500 and a write at each reload", false, func(b *bench, _ *Options) { b.src.atomic = false }, func(t *testing.T, b *bench) {
		b.lock(func(p *prom) {
			for range 10_000 {
				p.failures = append(p.failures, &Failure{Class: ClassServer, Message: "500"})
			}
			files, n := p.files, 0
			p.files = func() string {
				n++
				text := fmt.Sprint("written at reload ", n)
				time.AfterFunc(time.Millisecond, func() { b.src.set(text); b.src.hint() })
				return files()
			}
		})
		b.change("b")
		sleep(time.Hour)
		if n := len(b.reloads()); n < 2 || n > 400 {
			t.Errorf("%d reloads in an hour, want 2 to 400", n)
		}
		synctest.Wait()
	})
}

// Someone who changes the files all the time, even right after reloads, is not mistaken for a server that writes back: the last
// change is live within seconds.
func TestManyChangesAreNotDelayed(t *testing.T) {
	bubble(t, "a change every 700 ms", false, nil, func(t *testing.T, b *bench) {
		for i := range 60 {
			b.change(fmt.Sprint("change ", i))
			sleep(700 * time.Millisecond)
		}
		sleep(10 * time.Second)
		if got := b.runs(); got != "change 59" {
			t.Errorf("the server runs %q", got)
		}
	})
}

// A script that makes the next change as soon as the last one is live is not mistaken for a server that writes back, where the
// kubelet writes: each change is live at once. In a directory that is written to in place it may wait, but not long.
func TestChangesOneAfterTheOther(t *testing.T) {
	for _, atomic := range []bool{true, false} {
		most := defaultSpacing + 100*time.Millisecond // the pause after two changes within a short time
		if !atomic {
			most = lastFollowWait + time.Second
		}
		bubble(t, fmt.Sprint("atomic ", atomic), false, func(b *bench, _ *Options) { b.src.atomic = atomic }, func(t *testing.T, b *bench) {
			for i := range 30 {
				change := fmt.Sprint("change ", i)
				began := time.Now()
				b.change(change)
				for b.runs() != change || b.target.Status().Phase != InSync {
					if sleep(time.Millisecond); time.Since(began) > most {
						t.Fatalf("%q is not live after %s: %+v", change, most, b.target.Status())
					}
				}
			}
		})
	}
}
