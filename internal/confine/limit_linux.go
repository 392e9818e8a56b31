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

// apart puts the process into a group of its own, so that it is killed together with everything that it started. The
// kernel also kills it when we die, however that happens, because its answer would go nowhere; what it started itself is
// not killed then. For the kernel, "we" is the thread that starts it: this thread must live as long as the process.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	cmd.Cancel = func() error {
		if err := unix.Kill(-cmd.Process.Pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
		return nil
	}
}

// died says that a child of ours has ended, also while Wait does not know yet.
func died(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return errors.Is(err, unix.ECHILD) || info.Signo != 0
}

// untouched is how much a Go program maps at most without ever using it: tables of the runtime, and zeroed variables.
const untouched = 128 << 20

// limit limits the private writable memory of the process (RLIMIT_DATA). RLIMIT_AS would also count what the
// runtime only reserves, which is far more than it uses. Our own programs lower the limit further before they
// read their input: see Within.
func limit(pid int, bytes int64) error {
	lim := unix.Rlimit{Cur: uint64(bytes + untouched), Max: uint64(bytes + untouched)}
	if err := unix.Prlimit(pid, unix.RLIMIT_DATA, &lim, nil); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("prlimit: %w", err)
	}
	// If memory runs out, the kernel should kill the child, not us. Best effort: the file may be read-only.
	_ = os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("1000"), 0)
	return nil
}

// Within makes the calling process die when it has more private memory than most bytes. It also lowers the process's
// priority, so that the process that started it can answer probes, however little CPU there is.
func Within(most int64) {
	giveWay()
	collectLate()
	if most <= 0 || !bound(most) {
		return
	}
	// The runtime keeps the address space of memory that it returns. Without updating the limit, work that nearly fills
	// its room would be killed early.
	go func() {
		for range time.Tick(boundEvery) {
			bound(most)
		}
	}()
}

// giveWay lowers the priority of all threads below that of the process that started this one, which may be low itself. A
// new thread has the priority of the thread that made it, so the list is read again until it has no new one.
func giveWay() {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, os.Getpid())
	if err != nil {
		return
	}
	nice := min(20-raw+10, 19) // the system call returns 20 minus the nice value
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
				_ = unix.Setpriority(unix.PRIO_PROCESS, tid, nice)
			}
		}
	}
}

// boundEvery is well below the time that one of our programs needs to fill 10 MiB.
const boundEvery = 5 * time.Millisecond

// bound sets the limit so that private memory can grow to most bytes. What is mapped but not used is not
// memory yet, so it is added to the limit.
func bound(most int64) bool {
	var lim unix.Rlimit
	mapped, private, ok := data()
	if !ok || unix.Getrlimit(unix.RLIMIT_DATA, &lim) != nil {
		return false
	}
	lim.Cur = min(uint64(most+mapped-private), lim.Max)
	return unix.Setrlimit(unix.RLIMIT_DATA, &lim) == nil
}

// data returns how much private memory this process has mapped, and how much of it is used, in bytes.
func data() (mapped, private int64, ok bool) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, false
	}
	mapped, private = figure(b, "\nVmData:"), figure(b, "\nRssAnon:")
	return mapped, private, mapped >= private && private > 0
}

// figure returns one value of the kernel's status file, in bytes.
func figure(status []byte, key string) int64 {
	_, rest, _ := bytes.Cut(status, []byte(key))
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	n, _ := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	return n << 10
}
