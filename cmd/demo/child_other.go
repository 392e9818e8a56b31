//go:build !linux

package main

import "syscall"

// childAttr puts a child into a group of its own, so that Ctrl-C reaches the demo alone.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
