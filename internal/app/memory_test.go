package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"reloader/internal/reload"
)

// Memory is handed back once after the start and once after each stretch of changes, when it has been quiet for a while,
// and not while an idle target goes on as it is.
func TestMemoryIsHandedBackWhenQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		freed := 0
		m := newMemory()
		m.free = func() { freed++ }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { m.run(ctx); close(done) }()
		want := func(n int) {
			t.Helper()
			synctest.Wait()
			if freed != n {
				t.Errorf("freed %d times, want %d", freed, n)
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
