package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ticksPerSecond is USER_HZ, the unit of times in /proc. It is 100 on every architecture that Go supports.
const ticksPerSecond = 100

// Age is how long the process has been running.
func (p Process) Age() (time.Duration, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0, fmt.Errorf("read the time since boot: %w", err)
	}
	return time.Duration(now.Nano()) - time.Duration(p.Start)*(time.Second/ticksPerSecond), nil
}

// Catches reports whether the process handles or ignores the signal: SIGHUP kills one that does neither.
func (p Process) Catches(sig syscall.Signal) (bool, error) {
	status, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(p.PID), "status"))
	if err != nil {
		return false, fmt.Errorf("read the state of process %d: %w", p.PID, err)
	}
	caught, found := handled(string(status), sig)
	if !found {
		return false, fmt.Errorf("read the state of process %d: no signal masks", p.PID)
	}
	return caught, nil
}

// handled reads the masks of /proc/PID/status, see proc(5).
func handled(status string, sig syscall.Signal) (caught, found bool) {
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(line, ":")
		if key != "SigCgt" && key != "SigIgn" {
			continue
		}
		mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err != nil || sig < 1 || sig > 64 {
			return false, false
		}
		found = true
		caught = caught || mask>>(uint(sig)-1)&1 == 1
	}
	return caught, found
}
