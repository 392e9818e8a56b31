package app

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reloader/internal/reload"
)

// Memory is handed back once after the start and once after each stretch of changes, when it has been quiet for a while,
// and not while an idle target goes on as it is.
func TestMemoryIsHandedBackWhenQuiet(t *testing.T) {
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
