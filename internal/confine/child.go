package confine

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
)

// child is a process that waits for its work, does it, or has ended.
type child struct {
	cmd            *exec.Cmd
	stdin          io.WriteCloser // nil for a program that reads files
	stdout, stderr *limited
	memory         Budget

	cancel context.CancelFunc // kills it
	ended  chan struct{}
	err    error // from Wait; read it only after ended is closed
}

// start starts the program of a job. The error is an *Error.
func start(j Job) (*child, error) {
	c := &child{
		stdout: &limited{max: j.MaxOutput}, stderr: &limited{max: maxStderr, drop: true}, memory: j.Memory, ended: make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.cmd = exec.CommandContext(ctx, j.Program, j.Args...)
	c.cmd.Env = append(j.Memory.env(), j.Env...)
	c.cmd.Stdout, c.cmd.Stderr = c.stdout, c.stderr
	c.cmd.WaitDelay = waitDelay
	apart(c.cmd)
	started := make(chan error)
	go func() {
		// The kernel kills the process when the thread that started it ends: see apart.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(c.ended)
		defer cancel()
		if err := c.launch(j); err != nil {
			started <- err
			return
		}
		close(started)
		c.err = c.cmd.Wait()
	}()
	if err := <-started; err != nil {
		<-c.ended
		return nil, &Error{Program: j.Program, Reason: ReasonStart, Err: err}
	}
	return c, nil
}

func (c *child) launch(j Job) (err error) {
	if j.Stdin == nil {
		c.cmd.Stderr = c.stdout
	} else if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	if err := limit(c.cmd.Process.Pid, j.Memory.Hard); err != nil {
		_ = c.cmd.Cancel()
		_ = c.cmd.Wait()
		return fmt.Errorf("limit its memory: %w", err)
	}
	return nil
}

// ask passes the work to the process and waits for its end. It kills the process when ctx ends.
func (c *child) ask(ctx context.Context, question io.Reader) {
	defer context.AfterFunc(ctx, c.cancel)()
	given := make(chan struct{})
	go func() {
		defer close(given)
		if c.stdin != nil {
			// An error only means that it did not read everything; how it ends tells the rest.
			_, _ = io.Copy(c.stdin, question)
			_ = c.stdin.Close()
		}
	}()
	<-c.ended // which closes stdin
	<-given
}

// end kills the process and waits for its end.
func (c *child) end() {
	c.cancel()
	<-c.ended
}
