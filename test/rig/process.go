package rig

import (
	"context"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is a program that can be started, ended and started again with the same arguments. If it ends by itself, the test
// fails. The end of the test stops it. Its methods must not be called at the same time.
type Process struct {
	// Log is what the program wrote to both streams, over all its starts. A failed test shows it.
	Log *Buffer

	// Restart, when not nil, is called when the program has ended by itself. True starts it again after RestartAfter, as
	// the kubelet does with a container; false fails the test.
	Restart func(code int) bool

	tb   testing.TB
	name string
	args []string

	mu   sync.Mutex
	cmd  *exec.Cmd // nil while nothing runs
	done chan struct{}
	// asked is closed before the test ends the program: without that, the program has ended by itself.
	asked chan struct{}
}

// RestartAfter is how long a program that ended by itself is not running.
const RestartAfter = time.Second

// NewProcess prepares a program, which does not run yet. The name is for messages; args begin with its path.
func NewProcess(tb testing.TB, name string, args ...string) *Process {
	p := &Process{Log: &Buffer{}, tb: tb, name: name, args: args}
	tb.Cleanup(func() {
		p.Stop()
		if tb.Failed() {
			tb.Logf("log of %s:\n%s", name, p.Log)
		}
	})
	return p
}

// Start starts the program, which must not be running.
func (p *Process) Start() {
	p.tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		p.tb.Fatalf("%s runs already", p.name)
	}
	p.asked = make(chan struct{})
	if err := p.launch(); err != nil {
		p.tb.Fatalf("start %s: %v", p.name, err)
	}
}

// launch starts the program and keeps it running; p.mu is held.
func (p *Process) launch() error {
	// The test's context ends before its cleanups; those end the program in order.
	cmd := exec.CommandContext(context.WithoutCancel(p.tb.Context()), p.args[0], p.args[1:]...)
	cmd.Stdout, cmd.Stderr = p.Log, p.Log
	cmd.WaitDelay = 15 * time.Second // a child of the program may keep the streams open a little longer
	cmd.SysProcAttr = orphanDies()
	if err := cmd.Start(); err != nil {
		return err
	}
	done, asked := make(chan struct{}), p.asked
	p.cmd, p.done = cmd, done
	go func() {
		err := cmd.Wait()
		close(done)
		select {
		case <-asked:
			return
		default:
		}
		if p.Restart == nil || !p.Restart(cmd.ProcessState.ExitCode()) {
			p.tb.Errorf("%s ended by itself: %v", p.name, err)
			return
		}
		select {
		case <-asked:
			return
		case <-time.After(RestartAfter):
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		select {
		case <-asked:
		default:
			if err := p.launch(); err != nil {
				p.tb.Errorf("start %s again: %v", p.name, err)
			}
		}
	}()
	return nil
}

// PID is the number of the running process.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// Kill ends the program with SIGKILL and waits for its end. It does nothing if the program is not running.
func (p *Process) Kill() { p.end(syscall.SIGKILL) }

// Stop ends the program with SIGTERM, after 15 s with SIGKILL, and returns its exit code: -1 when
// a signal ended it, or when it did not run.
func (p *Process) Stop() (code int) { return p.end(syscall.SIGTERM) }

func (p *Process) end(signal syscall.Signal) (code int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return -1
	}
	close(p.asked)
	_ = p.cmd.Process.Signal(signal) // it may have ended, which the waiting goroutine notices
	select {
	case <-p.done:
	case <-time.After(15 * time.Second):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // a Go program then logs where it hangs
		select {
		case <-p.done:
		case <-time.After(2 * time.Second):
			_ = p.cmd.Process.Kill()
			<-p.done
		}
	}
	code = p.cmd.ProcessState.ExitCode()
	p.cmd = nil
	return code
}

// Running says whether the program was started and not ended by the test.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd != nil
}
