package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// findPrometheus returns a real Prometheus: the named binary, or the one on PATH.
func (d *demo) findPrometheus() (string, error) {
	if d.opts.PrometheusBinary != "" {
		return d.opts.PrometheusBinary, checkExecutable(d.opts.PrometheusBinary)
	}
	path, err := exec.LookPath("prometheus")
	if err != nil {
		return "", errors.New("no Prometheus on PATH; name one with --prometheus-binary, or use \"make demo\", which builds one")
	}
	return path, nil
}

func checkExecutable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("use server: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("use server %s: not an executable file", path)
	}
	return nil
}

// freePort asks the kernel for a free loopback port and returns its address. If another program takes it before the
// server does, the server ends at once and the demo says so.
func freePort(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// process is a child that ends with the demo.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// start runs a program until stopAll, with env added; its output goes to a file in the demo's directory.
func (d *demo) start(ctx context.Context, name, binary string, env []string, args ...string) (*process, error) {
	log, err := os.Create(filepath.Join(d.dir, name+".log"))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = childAttr() // Ctrl-C reaches the demo, which ends its children in order
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	d.children = append(d.children, p)
	return p, nil
}

// stopAll ends the children, the newest first.
func (d *demo) stopAll() {
	for _, p := range slices.Backward(d.children) {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(5 * time.Second):
			_ = p.cmd.Process.Kill()
			<-p.done
		}
	}
	d.children = nil
}

// ended returns an error with the last line of the log if a child has ended by itself.
func (d *demo) ended() error {
	for _, p := range d.children {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended by itself: %w: %s", p.name, p.err, d.tail(p.name))
		default:
		}
	}
	return nil
}

func (d *demo) tail(name string) string {
	f, err := os.Open(filepath.Join(d.dir, name+".log"))
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, end-2048), io.SeekStart)
	}
	b, _ := io.ReadAll(f)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}
