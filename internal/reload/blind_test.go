package reload

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

// While nothing changes, the server stops saying what it runs, but answers everything else. After the second look the target is
// no longer in sync, and says what was not compared and why. The server is asked again, not reloaded, until it answers.
func TestLooksThatCannotCompare(t *testing.T) {
	t.Parallel()
	for gated, name := range map[bool]string{false: "direct", true: "gated"} {
		var secretive *mute
		bubble(t, name, gated, func(b *bench, o *Options) {
			secretive = &mute{prom: b.server}
			o.Driver = secretive
		}, func(t *testing.T, b *bench) {
			b.rec.take()
			secretive.set(true)
			sleep(5*time.Minute + 40*time.Second)
			b.want(Retrying, "")
			b.wantPhases(Retrying)
			st := b.target.Status()
			if st.Applied || !strings.Contains(st.Reason, "could not be compared with the files: dashboards not compared: 403") || len(st.NotCompared) != 1 || st.Failure == nil || st.NextTry.IsZero() {
				t.Errorf("status %+v", st)
			}
			before := secretive.asked()
			sleep(10 * time.Minute)
			b.want(Retrying, "")
			b.wantPhases()
			if n := secretive.asked() - before; n < 10 || n > 25 {
				t.Errorf("asked %d times in ten minutes", n)
			}
			secretive.set(false)
			sleep(40 * time.Second)
			b.want(InSync, "a")
			if st := b.target.Status(); !st.Applied || len(st.NotCompared) > 0 || st.Failure != nil || st.Reason != "" {
				t.Errorf("status %+v", st)
			}
		})
	}
	muted := func(name string, f func(*testing.T, *bench, *mute)) {
		var secretive *mute // of this bubble alone: they run side by side
		bubble(t, name, false, func(b *bench, o *Options) {
			secretive = &mute{prom: b.server}
			o.Driver = secretive
		}, func(t *testing.T, b *bench) { f(t, b, secretive) })
	}
	muted("a caller who waits gets the second look", func(t *testing.T, b *bench, secretive *mute) {
		sleep(time.Minute)
		secretive.set(true)
		b.target.Look(t.Context())
		if st := b.target.Status(); st.Phase != Retrying || !st.Running.IsZero() {
			t.Errorf("status %+v", st)
		}
	})
	muted("one look without an answer changes nothing", func(t *testing.T, b *bench, secretive *mute) {
		sleep(time.Minute)
		b.rec.take()
		secretive.set(true)
		go b.target.Look(t.Context())
		sleep(500 * time.Millisecond)
		secretive.set(false)
		sleep(10 * time.Second)
		b.want(InSync, "a")
		b.wantPhases()
		if st := b.target.Status(); !st.Applied {
			t.Errorf("status %+v", st)
		}
	})
	muted("a change is applied at once", func(t *testing.T, b *bench, secretive *mute) {
		secretive.set(true)
		sleep(6 * time.Minute)
		b.change("b")
		secretive.set(false)
		sleep(40 * time.Second)
		b.want(InSync, "b", "b")
	})
}

// mute does not say what its server runs while it is silent.
type mute struct {
	*prom
	mu     sync.Mutex
	silent bool
	times  int
}

func (d *mute) set(silent bool) { d.mu.Lock(); defer d.mu.Unlock(); d.silent = silent }

func (d *mute) asked() int { d.mu.Lock(); defer d.mu.Unlock(); return d.times }

func (d *mute) Confirm(ctx context.Context, p Plan, proof Proof) (Verdict, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.times++
	if d.silent {
		return Verdict{NotCompared: []string{"dashboards: 403"}}, &Failure{Class: ClassForbidden, Permanent: true, Message: "dashboards not compared: 403"}
	}
	return d.prom.Confirm(ctx, p, proof)
}
