package confine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// apart puts the process into a group of its own, so that it is killed with all that it started, and lets
// it die with us: its answer would go nowhere.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
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

// Within makes the calling process die when it has more private memory than bytes, and gives way to the
// process that started it: probes are answered while it works, however little CPU there is.
func Within(bytes int64) {
	if tasks, err := os.ReadDir("/proc/self/task"); err == nil {
		for _, t := range tasks {
			if tid, err := strconv.Atoi(t.Name()); err == nil {
				_ = unix.Setpriority(unix.PRIO_PROCESS, tid, 10)
			}
		}
	}
	// What is mapped and not used yet is no memory: it is added to the bound.
	mapped, private := status("VmData:"), status("RssAnon:")
	if bytes <= 0 || mapped < private {
		return
	}
	lim := uint64(bytes + mapped - private)
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: lim, Max: lim})
}

// status is a figure of this process, in bytes.
func status(key string) int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}
