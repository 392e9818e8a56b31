//go:build !linux

package validator

import (
	"os/exec"
	"syscall"
)

// confine puts the process into a group of its own, so that it is killed with all that it started.
func confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// limitMemory cannot be done to another process here; the soft limit remains.
func limitMemory(int, int64) error { return nil }

func softLimit(hard int64) int64 { return min(hard/4*3, 512<<20) }
