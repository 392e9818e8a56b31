package rig

import "syscall"

// orphanDies makes the kernel kill a child when its test program dies, so that nothing keeps running.
func orphanDies() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
