package app

import (
	"context"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"reloader/internal/reload"
)

// gcPercent trades a little CPU during a change for memory, which counts in every pod.
const gcPercent = 50

// idleRoom is how much garbage an idle program may make before it is collected: about as much as
// ten minutes of looking at files and servers leave.
const idleRoom = 2 << 20

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

// allProcessors lifts tuneRuntime's bound until done is called, for work that can be shared.
func allProcessors() (done func()) {
	if os.Getenv("GOMAXPROCS") != "" || runtime.GOMAXPROCS(0) > 1 {
		return func() {}
	}
	runtime.SetDefaultGOMAXPROCS()
	return func() { runtime.GOMAXPROCS(1) }
}

// quietBefore is how long nothing must happen before memory is handed back.
const quietBefore = 2 * time.Second

// scavenger hands the memory of a change back to the system once things are quiet again.
type scavenger struct {
	wake chan struct{}
	// tuned says that the collector is ours to set: nobody set it in the environment.
	tuned bool
	idle  atomic.Bool
}

func newScavenger() *scavenger {
	return &scavenger{wake: make(chan struct{}, 1), tuned: os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == ""}
}

// Transition implements reload.Observer: any change of phase used memory.
func (s *scavenger) Transition(from, to reload.Status) {
	if from.Phase == to.Phase {
		return
	}
	if s.idle.Swap(false) && s.tuned {
		debug.SetMemoryLimit(math.MaxInt64)
		debug.SetGCPercent(gcPercent)
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
			s.rest()
		}
	}
}

// rest hands memory back. Until the next change, garbage is collected by its amount alone: the runtime's
// collection every two minutes would cost more CPU than everything else that an idle program does.
func (s *scavenger) rest() {
	debug.FreeOSMemory()
	releaseCode()
	if !s.tuned {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetMemoryLimit(int64(m.Sys - m.HeapReleased + max(idleRoom, m.HeapAlloc*gcPercent/100)))
	debug.SetGCPercent(-1)
	s.idle.Store(true)
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
