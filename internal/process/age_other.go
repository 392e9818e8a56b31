//go:build !linux

package process

import (
	"errors"
	"syscall"
	"time"
)

// Age needs /proc.
func (p Process) Age() (time.Duration, error) { return 0, errors.ErrUnsupported }

// Catches needs /proc.
func (p Process) Catches(syscall.Signal) (bool, error) { return false, errors.ErrUnsupported }
