package app

import (
	"context"
	"runtime/debug"
	"time"

	"reloader/internal/reload"
)

// quietBefore is how long nothing must happen before memory is returned.
const quietBefore = 2 * time.Second

// memory returns the memory that a change used to the system once things are quiet again. No other tuning lowers
// what the kubelet counts; docs/benchmarks.md has the figures of what else was tried.
type memory struct {
	wake chan struct{}
	free func() // debug.FreeOSMemory; tests replace it
}

func newMemory() *memory {
	return &memory{wake: make(chan struct{}, 1), free: debug.FreeOSMemory}
}

// Transition implements reload.Observer: any change of phase used memory.
func (m *memory) Transition(from, to reload.Status) {
	if from.Phase == to.Phase {
		return
	}
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *memory) run(ctx context.Context) {
	quiet := time.NewTimer(quietBefore)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
			quiet.Reset(quietBefore)
		case <-quiet.C:
			m.free()
		}
	}
}

// observers passes each transition on to all.
type observers []reload.Observer

// Transition implements reload.Observer.
func (o observers) Transition(from, to reload.Status) {
	for _, each := range o {
		if each != nil {
			each.Transition(from, to)
		}
	}
}
