package confine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// apart puts the process into a group of its own, so that it is killed with all that it started. The kernel kills it
// when we die, however that happens: its answer would go nowhere. What it started itself is not killed then. The kernel
// means the thread that starts it, so that this thread must live as long as the process.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	cmd.Cancel = func() error {
		if err := unix.Kill(-cmd.Process.Pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
		return nil
	}
}

// untouched is what a Go program maps and never uses, at most: tables of the runtime, and zeroed variables.
const untouched = 128 << 20

// limit bounds the private writable memory of the process (RLIMIT_DATA). RLIMIT_AS would count what the
// runtime only reserves, which is more than it uses by far. A program of ours narrows it down before it
// reads its question: see Within.
func limit(pid int, bytes int64) error {
	lim := unix.Rlimit{Cur: uint64(bytes + untouched), Max: uint64(bytes + untouched)}
	if err := unix.Prlimit(pid, unix.RLIMIT_DATA, &lim, nil); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("prlimit: %w", err)
	}
	// If the kernel has to choose, then not us. Best effort: the file may be read-only.
	_ = os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("1000"), 0)
	return nil
}

// Within makes the calling process die when it has more private memory than most bytes, and gives way to the
// process that started it: probes are answered while it works, however little CPU there is.
func Within(most int64) {
	giveWay()
	collectLate()
	if most <= 0 || !bound(most) {
		return
	}
	// The runtime keeps the address space of what it gives back. Work that nearly fills its room would end
	// early were this not looked at again.
	go func() {
		for range time.Tick(boundEvery) {
			bound(most)
		}
	}()
}

// giveWay lowers the priority of all threads. One that begins meanwhile has that of the thread that made it, so that all are
// listed again until there is no new one.
func giveWay() {
	known := map[string]bool{}
	for more := true; more; {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return
		}
		more = false
		for _, t := range tasks {
			if tid, err := strconv.Atoi(t.Name()); err == nil && !known[t.Name()] {
				known[t.Name()], more = true, true
				_ = unix.Setpriority(unix.PRIO_PROCESS, tid, 10)
			}
		}
	}
}

// boundEvery is well below what a program of ours takes to fill 10 MiB.
const boundEvery = 5 * time.Millisecond

// bound sets the limit so that private memory can grow to most bytes. What is mapped and not used is no memory:
// it is added.
func bound(most int64) bool {
	var lim unix.Rlimit
	mapped, private, ok := data()
	if !ok || unix.Getrlimit(unix.RLIMIT_DATA, &lim) != nil {
		return false
	}
	lim.Cur = min(uint64(most+mapped-private), lim.Max)
	return unix.Setrlimit(unix.RLIMIT_DATA, &lim) == nil
}

// data is the private memory that this process has mapped, and what of it is used, in bytes.
func data() (mapped, private int64, ok bool) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, false
	}
	mapped, private = figure(b, "\nVmData:"), figure(b, "\nRssAnon:")
	return mapped, private, mapped >= private && private > 0
}

// figure is a line of the kernel's status, in bytes.
func figure(status []byte, key string) int64 {
	_, rest, _ := bytes.Cut(status, []byte(key))
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	n, _ := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	return n << 10
}
