// Package prometheus tests the built programs next to the real Prometheus.
package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"reloader/internal/reload"
	"reloader/internal/status"
	"reloader/test/volume"
)

// patience bounds every wait; it is only ever reached by a failure.
const patience = 60 * time.Second

// built is where reloader and promcheck are, built once for all tests.
var built string

func TestMain(m *testing.M) {
	os.Exit(withPrograms(m))
}

func withPrograms(m *testing.M) int {
	if os.Getenv("RELOADER_PROMETHEUS_BINARY") == "" {
		return m.Run() // every test skips itself
	}
	dir, err := os.MkdirTemp("", "reloader-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir, "../../cmd/...") //nolint:noctx // the test binary's own timeout bounds it
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	built = dir
	return m.Run()
}

// world is a mounted volume, a Prometheus that reads it, and what stands between the two programs.
type world struct {
	t      *testing.T
	volume *volume.Volume
	// direct is Prometheus' own address; proxy the one that reloader is given.
	direct, proxy string
	// posts counts reload requests that arrived.
	posts atomic.Int64
	// onPost, when set, is called at the arrival of a reload request; false drops the request.
	onPost atomic.Pointer[func() bool]
}

// newWorld starts a Prometheus on the first files.
func newWorld(t *testing.T, files map[string]string) *world {
	t.Helper()
	binary := os.Getenv("RELOADER_PROMETHEUS_BINARY")
	if binary == "" {
		t.Skip("RELOADER_PROMETHEUS_BINARY is not set; make test sets it")
	}
	v, err := volume.New(filepath.Join(t.TempDir(), "etc"), files)
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	w := &world{t: t, volume: v, direct: "http://" + address}
	process(t, exec.CommandContext(t.Context(), binary,
		"--config.file="+filepath.Join(v.Dir, "prometheus.yml"), "--storage.tsdb.path="+t.TempDir(),
		"--web.listen-address="+address, "--web.enable-lifecycle", "--log.level=warn"))
	w.eventually("Prometheus is ready", func() error {
		_, err := get(t.Context(), w.direct+"/-/ready")
		return err
	})
	target, err := url.Parse(w.direct)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/-/reload" {
			w.posts.Add(1)
			if f := w.onPost.Load(); f != nil && !(*f)() {
				panic(http.ErrAbortHandler)
			}
		}
		forward.ServeHTTP(rw, r)
	}))
	t.Cleanup(srv.Close)
	w.proxy = srv.URL
	return w
}

func (w *world) config() string { return filepath.Join(w.volume.Dir, "prometheus.yml") }

func (w *world) swap(files map[string]string) {
	w.t.Helper()
	if _, err := w.volume.Swap(files); err != nil {
		w.t.Fatal(err)
	}
}

// running says whether Prometheus itself says that it runs a file with this text.
func (w *world) running(text string) error {
	body, err := get(w.t.Context(), w.direct+"/api/v1/status/config")
	if err != nil {
		return err
	}
	var answer struct{ Data struct{ YAML string } }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return err
	}
	if !strings.Contains(answer.Data.YAML, text) {
		return fmt.Errorf("Prometheus runs\n%s\nwithout %q", answer.Data.YAML, text)
	}
	return nil
}

// eventually polls until check is content.
func (w *world) eventually(what string, check func() error) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("not in time: %s: %v", what, err)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-w.t.Context().Done():
			w.t.Fatal(w.t.Context().Err())
		}
	}
}

// daemon is a running `reloader run`.
type daemon struct {
	*world
	cmd *exec.Cmd
	url string
	log *buffer
}

func (w *world) start(args ...string) *daemon {
	w.t.Helper()
	address := freeAddress(w.t)
	d := &daemon{world: w, url: "http://" + address, log: &buffer{}}
	d.cmd = exec.CommandContext(w.t.Context(), filepath.Join(built, "reloader"), append([]string{
		"run", "--prometheus-url", w.proxy, "--prometheus-config", w.config(), "--listen-address", address,
	}, args...)...)
	d.cmd.Stderr = d.log
	process(w.t, d.cmd)
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("log of reloader:\n%s", d.log.String())
		}
	})
	return d
}

// status is what the target's state is now.
func (d *daemon) status() (reload.Status, error) {
	body, err := get(d.t.Context(), d.url+"/api/v1/status")
	if err != nil {
		return reload.Status{}, err
	}
	var r status.Report
	if err := json.Unmarshal([]byte(body), &r); err != nil || len(r.Targets) != 1 {
		return reload.Status{}, fmt.Errorf("%d targets, %w", len(r.Targets), err)
	}
	return r.Targets[0], nil
}

// reaches waits for a phase of the newest files, whose digest is that of the directory.
func (d *daemon) reaches(phase reload.Phase) reload.Status {
	d.t.Helper()
	want := d.command("digest", d.volume.Dir)
	var last reload.Status
	d.eventually(string(phase), func() error {
		s, err := d.status()
		if err != nil {
			return err
		}
		last = s
		if s.Phase != phase || !strings.HasPrefix(want.stdout, s.Wanted.String()) {
			return fmt.Errorf("phase %s, wanted %s, reason %q", s.Phase, s.Wanted, s.Reason)
		}
		return nil
	})
	return last
}

// metric is the value of one series.
func (d *daemon) metric(series string) string {
	d.t.Helper()
	body, err := get(d.t.Context(), d.url+"/metrics")
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	d.t.Fatalf("no series %s", series)
	return ""
}

// outcome is what a command left.
type outcome struct {
	code           int
	stdout, stderr string
}

// command runs one reloader command to its end.
func (w *world) command(args ...string) outcome {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), filepath.Join(built, "reloader"), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		w.t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// process starts a program and ends it with the test.
func process(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	output := &buffer{}
	if cmd.Stderr == nil {
		cmd.Stderr = output
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 15 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The error tells of a process that was killed before, by the test itself.
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() && output.String() != "" {
			t.Logf("log of %s:\n%s", filepath.Base(cmd.Path), output.String())
		}
	})
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return string(body), err
}

// buffer collects a program's output while it is read.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
