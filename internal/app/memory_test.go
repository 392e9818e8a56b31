package app

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reloader/internal/reload"
)

// Memory is returned to the system once after the start and once after each series of changes, when nothing has changed for a
// while. While a target is idle it is not.
func TestMemoryIsReturnedWhenQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var freed atomic.Int32
		m := newMemory()
		m.free = func() { freed.Add(1) }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { m.run(ctx); close(done) }()
		want := func(n int32) {
			t.Helper()
			synctest.Wait()
			if got := freed.Load(); got != n {
				t.Errorf("freed %d times, want %d", got, n)
			}
		}
		time.Sleep(quietBefore + time.Second)
		want(1)
		for range 10 {
			m.Transition(reload.Status{Phase: reload.InSync}, reload.Status{Phase: reload.Checking})
			time.Sleep(quietBefore / 2)
			want(1)
		}
		time.Sleep(quietBefore)
		want(2)
		m.Transition(reload.Status{Phase: reload.InSync}, reload.Status{Phase: reload.InSync})
		time.Sleep(time.Hour)
		want(2)
		cancel()
		<-done
	})
}
