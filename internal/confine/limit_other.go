//go:build !linux

package confine

import (
	"os/exec"
	"syscall"
)

// apart puts the process into a group of its own, so that it is killed with all that it started. When we are killed, it
// lives on until its deadline.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// limit cannot be done to another process here; the soft limit remains.
func limit(int, int64) error { return nil }

// Within does nothing here.
func Within(int64) {}
