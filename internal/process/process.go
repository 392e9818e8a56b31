// Package process finds a server's process in a shared process namespace and sends it signals.
package process

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"reloader/internal/reload"
)

// Process is one running process.
type Process struct {
	PID int
	// Start is when it started, in clock ticks since boot: with the PID it identifies one process.
	Start uint64
	// UID is the effective user.
	UID int
	// Parent is the PID of the process that started it.
	Parent int
}

// Epoch identifies the process, even when its PID is used again.
func (p Process) Epoch() string {
	return strconv.Itoa(p.PID) + "@" + strconv.FormatUint(p.Start, 10)
}

// Find returns the one process whose program has that name: that of /proc/PID/comm or, where the kernel cut it
// there, the base name of the first argument. Of a process and its children with the same name, it is the parent.
// None and several are failures: a signal to the wrong one may end it.
func Find(name string) (Process, error) {
	found, err := list(name)
	if err != nil {
		return Process{}, &reload.Failure{Class: reload.ClassLocal, Message: "find process " + strconv.Quote(name) + ": " + err.Error(), Permanent: true, Untouched: true, Err: err}
	}
	found = withoutChildren(found)
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

// withoutChildren leaves out each process whose parent is another of them: a worker that serves for it (nginx), or the copy
// of itself that any program is for a moment when it starts another one, between fork and exec.
func withoutChildren(found []Process) []Process {
	pids := map[int]bool{}
	for _, p := range found {
		pids[p.PID] = true
	}
	return slices.DeleteFunc(found, func(p Process) bool { return pids[p.Parent] })
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

// Started is when the process started, by the current clock.
func (p Process) Started() (time.Time, error) {
	age, err := p.Age()
	if err != nil {
		return time.Time{}, fmt.Errorf("find out when process %d started: %w", p.PID, err)
	}
	return time.Now().Add(-age), nil
}

// settleAge is how old a process must be before it gets a SIGHUP. Programs install their handlers early, but /proc may show
// a runtime's handler before the program listens: every Go program seems to catch every signal.
const settleAge = 5 * time.Second

// TakesHangUp says why the process must not get a SIGHUP now, because it might kill it; empty when it may.
func (p Process) TakesHangUp() (reason string) {
	caught, err := p.Catches(syscall.SIGHUP)
	if err != nil {
		return err.Error()
	}
	age, err := p.Age()
	switch {
	case err != nil:
		return err.Error()
	case !caught:
		return fmt.Sprintf("process %d has no handler for SIGHUP (yet): the signal would kill it", p.PID)
	case age < settleAge:
		return fmt.Sprintf("process %d has just started; reloader sends no SIGHUP in its first %s", p.PID, settleAge)
	}
	return ""
}

// Observe is what a driver without a URL can see of a server: whether its one process may get a SIGHUP.
func Observe(name string) reload.Observation {
	p, err := Find(name)
	if err != nil {
		return reload.Observation{Reason: err.Error(), Class: reload.ClassLocal}
	}
	if reason := p.TakesHangUp(); reason != "" {
		return reload.Observation{Reason: reason}
	}
	return reload.Observation{Ready: true, Epoch: p.Epoch()}
}

// HangUp sends SIGHUP, unless TakesHangUp objects.
func (p Process) HangUp() error {
	if reason := p.TakesHangUp(); reason != "" {
		return &reload.Failure{Class: reload.ClassUnavailable, Message: "send SIGHUP: " + reason, Untouched: true,
			Hint: "if the program does not know SIGHUP at all, use a reload URL"}
	}
	return p.Signal(syscall.SIGHUP)
}
