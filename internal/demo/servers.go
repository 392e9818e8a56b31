package demo

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

// PrometheusModule is the version of github.com/prometheus/prometheus that the demo builds when no
// Prometheus is at hand: the one that promcheck judges with. A test holds it against go.mod.
const PrometheusModule = "0.315.0"

// prometheusRelease is how the server of that module calls itself.
const prometheusRelease = "3.15.0"

// findPrometheus returns a real Prometheus: the named binary, the cached one, the one on PATH, or
// one built from its module into the cache.
func (d *demo) findPrometheus(ctx context.Context) (string, error) {
	if d.opts.PrometheusBinary != "" {
		return d.opts.PrometheusBinary, checkExecutable(d.opts.PrometheusBinary)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a Prometheus: %w; name one with --prometheus-binary", err)
	}
	cached := filepath.Join(cache, "reloader", "prometheus-"+PrometheusModule)
	if checkExecutable(cached) == nil {
		return cached, nil
	}
	if path, err := exec.LookPath("prometheus"); err == nil {
		return path, nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("no Prometheus on PATH, and no Go to build one; name one with --prometheus-binary")
	}
	d.say("no Prometheus at hand: building it from its module, once (a few minutes)")
	return cached, buildPrometheus(ctx, cached)
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

// buildPrometheus builds in a throw-away module and moves the result, so that the cache never
// holds half a program.
func buildPrometheus(ctx context.Context, to string) error {
	work, err := os.MkdirTemp("", "reloader-build-")
	if err != nil {
		return fmt.Errorf("build prometheus: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("build prometheus: %w", err)
	}
	const program = "github.com/prometheus/prometheus/cmd/prometheus"
	built := to + ".new"
	for _, args := range [][]string{
		{"mod", "init", "demo"},
		{"get", "-tool", program + "@v" + PrometheusModule},
		{"build", "-trimpath", "-ldflags", "-s -w -X github.com/prometheus/common/version.Version=" + prometheusRelease, "-o", built, program},
	} {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build prometheus: go %s: %w: %s", args[0], err, lastLine(out))
		}
	}
	if err := os.Rename(built, to); err != nil {
		return fmt.Errorf("build prometheus: %w", err)
	}
	return nil
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// freePort asks the kernel for a loopback port. Somebody else may take it before the server does;
// the server then ends at once and the demo says so.
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

// start runs a program until stop, with more environment; its output goes to a file in the demo's directory.
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

// stopAll ends the children, the youngest first.
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

// ended returns an error that quotes the end of the log when a child has ended by itself.
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
	return lastLine(b)
}
