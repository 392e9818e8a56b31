//go:build !linux

package process

import (
	"errors"
	"syscall"
	"time"
)

// list needs /proc, and a pod.
func list(string) ([]Process, error) {
	return nil, errors.New("finding a process by name works only on Linux")
}

// Age needs /proc.
func (p Process) Age() (time.Duration, error) { return 0, errors.ErrUnsupported }

// Catches needs /proc.
func (p Process) Catches(syscall.Signal) (bool, error) { return false, errors.ErrUnsupported }
