package rig

import "syscall"

// orphanDies lets the kernel end a child whose test program has died, so that nothing is left running.
func orphanDies() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
