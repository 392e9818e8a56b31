//go:build !linux

package confine

import (
	"os/exec"
	"syscall"
)

// apart puts the process into a group of its own, so that it is killed together with everything that it started. If we
// are killed, it runs on until its deadline.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// limit does nothing: here another process cannot be limited. The soft limit remains.
func limit(int, int64) error { return nil }

// died says that a child of ours has ended and Wait knows it.
func died(pid int) bool { return syscall.Kill(pid, 0) != nil }

// Within does nothing here.
func Within(int64) {}
