//go:build !linux

package rig

import "syscall"

func orphanDies() *syscall.SysProcAttr { return nil }
