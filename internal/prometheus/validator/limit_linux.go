package validator

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// confine puts the process into a group of its own, so that it is killed with all that it started.
func confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		if err := unix.Kill(-cmd.Process.Pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
		return nil
	}
}

// limitMemory bounds the private writable memory of the process (RLIMIT_DATA). RLIMIT_AS would
// count what the Go runtime only reserves, which is more than it uses by far. No byte of input
// is judged before: the process still waits for its question's end, or has only begun.
// A process that is over the limit dies alone; when the container's own limit is hit, the
// kernel may kill every process in it.
func limitMemory(pid int, bytes int64) error {
	lim := unix.Rlimit{Cur: uint64(bytes), Max: uint64(bytes)}
	if err := unix.Prlimit(pid, unix.RLIMIT_DATA, &lim, nil); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("prlimit: %w", err)
	}
	// If the kernel has to choose, then not us. Best effort: the file may be read-only.
	_ = os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("1000"), 0)
	return nil
}

// Bounds of what the process's garbage collector is told.
const (
	minSoft = 48 << 20
	maxSoft = 512 << 20
)

// softLimit is the heap above which the process begins to collect garbage: less than the
// container has.
func softLimit(hard int64) int64 {
	soft := min(hard/4*3, maxSoft)
	for _, f := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n > 0 {
			soft = min(soft, n/2)
		}
	}
	return max(soft, minSoft)
}
