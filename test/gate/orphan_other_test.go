//go:build !linux

package gate

import "syscall"

func orphanDies() *syscall.SysProcAttr { return nil }
