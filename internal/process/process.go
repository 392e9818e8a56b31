// Package process finds and signals a server's process in a shared process namespace.
package process

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"reloader/internal/reload"
)

// Process is one running process.
type Process struct {
	PID int
	// Start is when it started, in clock ticks since boot: with the PID it names one process for ever.
	Start uint64
	// UID is the effective user.
	UID int
}

// Epoch names one life of the process.
func (p Process) Epoch() string {
	return strconv.Itoa(p.PID) + "@" + strconv.FormatUint(p.Start, 10)
}

// Find returns the one process whose program has that name (the base name of its first argument, or
// what /proc/PID/comm says). None and several are failures: a signal to the wrong one may end it.
func Find(name string) (Process, error) {
	found, err := list(name)
	if err != nil {
		return Process{}, &reload.Failure{Class: reload.ClassLocal, Message: "look for process " + strconv.Quote(name) + ": " + err.Error(), Permanent: true, Untouched: true, Err: err}
	}
	switch len(found) {
	case 0:
		return Process{}, &reload.Failure{
			Class: reload.ClassLocal, Message: "no process " + strconv.Quote(name) + " is visible",
			Hint: "set shareProcessNamespace: true in the pod, and check the process name", Untouched: true,
		}
	case 1:
		return found[0], nil
	}
	pids := make([]string, len(found))
	for i, p := range found {
		pids[i] = strconv.Itoa(p.PID)
	}
	return Process{}, &reload.Failure{
		Class: reload.ClassLocal, Message: "more than one process " + strconv.Quote(name) + ": " + strings.Join(pids, ", "),
		Hint: "a signal could reach the wrong one; use a reload URL", Permanent: true, Untouched: true,
	}
}

// Signal sends sig to the process.
func (p Process) Signal(sig syscall.Signal) error {
	err := syscall.Kill(p.PID, sig)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EPERM):
		return &reload.Failure{
			Class:     reload.ClassLocal,
			Message:   fmt.Sprintf("send %s to process %d: not permitted: it runs as uid %d, reloader as uid %d", sig, p.PID, p.UID, os.Geteuid()),
			Hint:      "run both containers as the same uid (securityContext.runAsUser)",
			Permanent: true, Untouched: true, Err: err,
		}
	}
	return &reload.Failure{Class: reload.ClassLocal, Message: fmt.Sprintf("send %s to process %d: %v", sig, p.PID, err), Untouched: true, Err: err}
}
