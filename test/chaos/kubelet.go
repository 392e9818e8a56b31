package chaos

import (
	"bytes"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// container is a program that is restarted when it ends, as the kubelet does.
type container struct {
	args []string

	mu     sync.Mutex
	extra  []string // more arguments, from the next start on
	wanted bool
	cmd    *exec.Cmd
	output bytes.Buffer
	// exits counts failures of the program itself: it could not use what it read.
	exits int
	// raced counts starts during a publication that removed a rule file after it was listed and before it was opened. The next
	// start reads what was published.
	raced int
	done  chan struct{}
}

// vanished matches the error of a start when a rule file was removed between its listing and its opening.
var vanished = regexp.MustCompile(`loading groups failed.* open [^ ]*/b[12]\.rules\.yml: no such file or directory`)

// restartPause is how long the kubelet waits before it starts a container again.
const restartPause = 300 * time.Millisecond

// start keeps the program running until stop.
func (c *container) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wanted {
		return
	}
	c.wanted, c.done = true, make(chan struct{})
	go c.supervise(c.done)
}

func (c *container) supervise(done chan struct{}) {
	defer close(done)
	for {
		c.mu.Lock()
		if !c.wanted {
			c.mu.Unlock()
			return
		}
		cmd := exec.Command(c.args[0], append(c.args[1:len(c.args):len(c.args)], c.extra...)...) //nolint:noctx // it ends with stop
		begin := c.output.Len()
		cmd.Stdout, cmd.Stderr = &c.output, &c.output
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		err := cmd.Start()
		c.cmd = cmd
		c.mu.Unlock()
		if err == nil {
			_ = cmd.Wait()
			if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Exited() && s.ExitStatus() != 0 {
				c.mu.Lock()
				if vanished.Match(c.output.Bytes()[begin:]) {
					c.raced++
				} else {
					c.exits++
				}
				c.mu.Unlock()
			}
		}
		time.Sleep(restartPause)
	}
}

// signal sends a signal to the program, if it runs.
func (c *container) signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd != nil && c.cmd.Process != nil {
		_ = c.cmd.Process.Signal(s) // it may have ended already
	}
}

// with starts the program again with one more argument.
func (c *container) with(flag string) {
	c.mu.Lock()
	c.extra = []string{flag}
	c.mu.Unlock()
	c.signal(syscall.SIGKILL)
}

// stop ends the program permanently, and returns how often it failed by itself.
func (c *container) stop() int {
	c.mu.Lock()
	running := c.wanted
	c.wanted = false
	done := c.done
	c.mu.Unlock()
	if running {
		c.signal(syscall.SIGCONT)
		c.signal(syscall.SIGKILL)
		<-done
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exits
}

func (c *container) running() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wanted
}
