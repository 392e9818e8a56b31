//go:build !linux

package main

import "syscall"

// childAttr puts a child into its own process group, so that Ctrl-C reaches only the demo.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
