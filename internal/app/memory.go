package app

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"reloader/internal/reload"
)

// gcPercent trades a little CPU during a change for memory, which counts in every pod.
const gcPercent = 50

// tuneRuntime fits the runtime to a program that sleeps nearly always and never does two things at
// once: more processors only wake threads in vain. GOGC and GOMAXPROCS in the environment win.
func tuneRuntime() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}

// quietBefore is how long nothing must happen before memory is handed back.
const quietBefore = 2 * time.Second

// scavenger hands the memory of a change back to the system once things are quiet again.
type scavenger struct{ wake chan struct{} }

func newScavenger() *scavenger { return &scavenger{wake: make(chan struct{}, 1)} }

// Transition implements reload.Observer: any change of phase used memory.
func (s *scavenger) Transition(from, to reload.Status) {
	if from.Phase == to.Phase {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *scavenger) run(ctx context.Context) {
	quiet := time.NewTimer(quietBefore)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			quiet.Reset(quietBefore)
		case <-quiet.C:
			debug.FreeOSMemory()
			releaseCode()
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
