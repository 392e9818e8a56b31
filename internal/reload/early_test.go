package reload

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// Files are judged while they settle, so the verdict costs no extra time. It counts only if the files and the server are
// still the same when they have settled.
func TestEarlyVerdict(t *testing.T) {
	t.Parallel()
	plain := func(b *bench, _ *Options) { b.src.atomic, b.judge.takes = false, 40*time.Millisecond }
	change := func(b *bench, text string) {
		b.judge.asked = nil
		b.change(text)
	}
	bubble(t, "it is ready when the files have settled", false, plain, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		change(b, "b")
		sleep(100 * time.Millisecond)
		b.want(InSync, "b", "b")
		if n := len(b.requests()); n != 1 {
			t.Errorf("%d verdicts, want one", n)
		}
	})
	bubble(t, "files that changed after it are judged again", false, plain, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		change(b, "b")
		sleep(90 * time.Millisecond)
		b.src.set("bad") // without a hint
		sleep(time.Second)
		b.want(Rejected, "a")
	})
	bubble(t, "an invalid state in between is never reported", false, plain, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		change(b, "bad")
		sleep(80 * time.Millisecond) // it has been judged by now
		b.change("b")
		synctest.Wait()
		b.want(Settling, "a")
		sleep(100 * time.Millisecond)
		b.want(InSync, "b", "b")
		if st := b.target.Status(); st.Counts.ChangesFailed != 0 || len(st.Findings) != 0 {
			t.Errorf("%d changes failed, findings %v", st.Counts.ChangesFailed, st.Findings)
		}
	})
	bubble(t, "another version of the server is another question", false, plain, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		change(b, "b")
		sleep(80 * time.Millisecond)
		b.lock(func(p *prom) { p.version = "3.16.0" })
		sleep(time.Second)
		b.want(InSync, "b", "b")
		all := b.requests()
		if last := all[len(all)-1]; last.Facts.Version != "3.16.0" {
			t.Errorf("judged for version %q", last.Facts.Version)
		}
	})
	bubble(t, "a verdict that failed is asked for again", false, plain, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		b.judge.mu.Lock()
		b.judge.broken = true
		b.judge.mu.Unlock()
		change(b, "b")
		sleep(90 * time.Millisecond)
		b.judge.mu.Lock()
		b.judge.broken = false
		b.judge.mu.Unlock()
		sleep(time.Second)
		b.want(InSync, "b", "b")
		if n := b.target.Status().Counts.Unjudged; n != 0 {
			t.Errorf("%d unjudged", n)
		}
	})
	bubble(t, "a long verdict continues after the files have settled", false, plain, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		b.judge.takes = 500 * time.Millisecond
		change(b, "b")
		sleep(530 * time.Millisecond)
		b.want(InSync, "b", "b")
		if n := len(b.requests()); n != 1 {
			t.Errorf("%d verdicts, want one", n)
		}
	})
	bubble(t, "a writer that never rests causes few verdicts", false, plain, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		change(b, "text")
		for i := range 18 {
			sleep(50 * time.Millisecond)
			b.change("text " + string(rune('a'+i)))
		}
		sleep(time.Second)
		b.want(InSync, "text r", "text r")
		if n := len(b.requests()); n > maxEarly+1 {
			t.Errorf("%d verdicts", n)
		}
	})
	bubble(t, "a stop does not wait for a verdict", false, plain, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		b.judge.takes = 40 * time.Second
		change(b, "b")
		sleep(90 * time.Millisecond)
		if n := len(b.requests()); n != 1 {
			t.Errorf("%d verdicts are under way at the stop, want 1", n)
		}
	}) // bench.stop allows the stop no time
}

// A validator that hangs delays newer files by seconds, not until its deadline. Files that never rest are still judged
// in the end.
func TestVerdictThatTakesLong(t *testing.T) {
	t.Parallel()
	bubble(t, "newer files get their turn", false, nil, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		b.judge.set(time.Hour)
		b.change("b")
		sleep(4 * time.Second)
		b.judge.set(0)
		b.change("c")
		sleep(2 * time.Second)
		b.want(InSync, "c", "c")
		if n := b.target.Status().Counts.Unjudged; n != 0 {
			t.Errorf("%d verdicts failed", n)
		}
	})
	bubble(t, "without newer files it has its whole time", false, nil, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		b.judge.set(40 * time.Second)
		b.change("b")
		sleep(45 * time.Second)
		b.want(InSync, "b", "b")
	})
	bubble(t, "files that never rest are judged", false, nil, func(t *testing.T, b *bench) {
		sleep(time.Minute)
		b.judge.set(20 * time.Second)
		for i := range 60 {
			b.change(strconv.Itoa(i))
			sleep(6 * time.Second)
		}
		if st := b.target.Status(); st.Counts.Reloads < 2 {
			t.Errorf("%d reloads in six minutes of changes", st.Counts.Reloads)
		}
	})
}
