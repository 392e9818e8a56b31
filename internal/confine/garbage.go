package confine

import (
	"os"
	"runtime"
	"runtime/debug"
)

// plenty is the heap up to which no garbage is collected, in bytes. Most questions are answered below it.
const plenty = 128 << 20

// collectLate collects garbage once the heap has plenty, and then whenever it has tripled. Without this, a program that was
// started with GOGC=off and with much room would keep all its garbage. With plenty as the only limit, one that has more in
// use would collect all the time.
func collectLate() {
	soft := debug.SetMemoryLimit(-1)
	if os.Getenv("GOGC") != "off" || soft <= plenty {
		return
	}
	debug.SetMemoryLimit(plenty)
	// The first collection finds this object unused, and then its finalizer runs.
	first := new([16]byte)
	runtime.SetFinalizer(first, func(*[16]byte) {
		debug.SetGCPercent(200)
		debug.SetMemoryLimit(soft)
	})
}
