package main

import "syscall"

// childAttr puts a child into its own process group and makes it die with the demo, even when that is killed.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
