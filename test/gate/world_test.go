// Package gate tests the built programs and the real Prometheus, which reads only what reloader published.
package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
const patience = 90 * time.Second

// built is where reloader and promcheck are, built once for all tests.
var built string

func TestMain(m *testing.M) {
	os.Exit(withPrograms(m))
}

func withPrograms(m *testing.M) int {
	if os.Getenv("RELOADER_PROMETHEUS_BINARY") == "" {
		return m.Run() // every test that needs the server skips itself
	}
	dir, err := os.MkdirTemp("", "reloader-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	build := exec.Command("go", "build", "-o", dir, "../../cmd/...") //nolint:noctx // the test binary's own timeout bounds it
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	built = dir
	return m.Run()
}

// world is a pod: a mounted volume, a gate, a Prometheus that reads the gate alone, and reloader.
type world struct {
	t      *testing.T
	volume *volume.Volume
	gate   string

	prometheus, reloader *service
	// posts counts reload requests.
	posts atomic.Int64
}

// newWorld has everything in place, and nothing runs.
func newWorld(t *testing.T, files map[string]string, flags ...string) *world {
	t.Helper()
	binary := os.Getenv("RELOADER_PROMETHEUS_BINARY")
	if binary == "" {
		t.Skip("RELOADER_PROMETHEUS_BINARY is not set; make test sets it")
	}
	dir := t.TempDir()
	v, err := volume.New(filepath.Join(dir, "mount"), files)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, volume: v, gate: filepath.Join(dir, "gate")}
	w.prometheus = newService(t, "Prometheus", func(address string) []string {
		return []string{
			binary, "--config.file=" + filepath.Join(w.gate, "prometheus.yml"), "--storage.tsdb.path=" + filepath.Join(dir, "data"),
			"--web.listen-address=" + address, "--web.enable-lifecycle", "--log.level=info",
		}
	})
	proxy := w.counting()
	w.reloader = newService(t, "reloader", func(address string) []string {
		return append([]string{
			filepath.Join(built, "reloader"), "run", "--prometheus-url", proxy, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"),
			"--prometheus-gate", w.gate, "--listen-address", address,
		}, flags...)
	})
	return w
}

// counting stands between the two programs.
func (w *world) counting() string {
	target, err := url.Parse(w.prometheus.url)
	if err != nil {
		w.t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/-/reload" {
			w.posts.Add(1)
		}
		forward.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(srv.Close)
	return srv.URL
}

// service is a program that is started, killed and started again at the same address.
type service struct {
	t    *testing.T
	name string
	url  string
	args []string
	log  *buffer
	cmd  *exec.Cmd
	done chan struct{}
	// killed is set before we end it: any other end is the program's own.
	killed atomic.Bool
}

func newService(t *testing.T, name string, args func(address string) []string) *service {
	t.Helper()
	address := freeAddress(t)
	s := &service{t: t, name: name, url: "http://" + address, args: args(address), log: &buffer{}}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, s.log.String())
		}
	})
	return s
}

// start starts the program; it must not be running.
func (s *service) start() {
	s.t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(s.t.Context()), s.args[0], s.args[1:]...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.SysProcAttr = orphanDies()
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	s.cmd, s.done = cmd, done
	s.killed.Store(false)
	go func() {
		err := cmd.Wait()
		if !s.killed.Load() {
			s.t.Errorf("%s ended by itself: %v", s.name, err)
		}
		close(done)
	}()
}

// kill ends the program with -9, as often as one likes.
func (s *service) kill() {
	if s.cmd == nil {
		return
	}
	s.killed.Store(true)
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.done
	s.cmd = nil
}

func (w *world) swap(files map[string]string) {
	w.t.Helper()
	if _, err := w.volume.Swap(files); err != nil {
		w.t.Fatal(err)
	}
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
		time.Sleep(10 * time.Millisecond)
	}
}

func (w *world) ready() {
	w.t.Helper()
	w.eventually("Prometheus is ready", func() error {
		_, err := get(w.t.Context(), w.prometheus.url+"/-/ready")
		return err
	})
}

// status is what reloader says of the target.
func (w *world) status() (reload.Status, error) {
	body, err := get(w.t.Context(), w.reloader.url+"/api/v1/status")
	if err != nil {
		return reload.Status{}, err
	}
	var r status.Report
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return reload.Status{}, err
	}
	if len(r.Targets) != 1 {
		return reload.Status{}, fmt.Errorf("%d targets", len(r.Targets))
	}
	return r.Targets[0], nil
}

// reaches waits for a phase of the newest files.
func (w *world) reaches(phase reload.Phase) reload.Status {
	w.t.Helper()
	want := w.digest()
	var last reload.Status
	w.eventually(string(phase), func() error {
		s, err := w.status()
		if err != nil {
			return err
		}
		last = s
		if s.Phase != phase || s.Wanted.String() != want {
			return fmt.Errorf("phase %s, wanted %s of %s, reason %q", s.Phase, s.Wanted, want, s.Reason)
		}
		return nil
	})
	return last
}

func (w *world) digest() string {
	w.t.Helper()
	out, err := exec.CommandContext(w.t.Context(), filepath.Join(built, "reloader"), "digest", w.volume.Dir).Output()
	if err != nil {
		w.t.Fatal(err)
	}
	digest, _, _ := strings.Cut(string(out), " ")
	return digest
}

// runs says whether Prometheus runs exactly this generation: its main file and its rules.
func (w *world) runs(n int) error {
	body, err := get(w.t.Context(), w.prometheus.url+"/api/v1/status/config")
	if err != nil {
		return err
	}
	var config struct{ Data struct{ YAML string } }
	if err := json.Unmarshal([]byte(body), &config); err != nil {
		return err
	}
	if !strings.Contains(config.Data.YAML, fmt.Sprintf("generation: g%d\n", n)) {
		return fmt.Errorf("Prometheus runs another generation than %d:\n%s", n, config.Data.YAML)
	}
	body, err = get(w.t.Context(), w.prometheus.url+"/api/v1/rules")
	if err != nil {
		return err
	}
	var rules struct {
		Data struct{ Groups []struct{ Name string } }
	}
	if err := json.Unmarshal([]byte(body), &rules); err != nil {
		return err
	}
	if len(rules.Data.Groups) != 2 || rules.Data.Groups[0].Name != fmt.Sprintf("g%d", n) || rules.Data.Groups[1].Name != rules.Data.Groups[0].Name {
		return fmt.Errorf("Prometheus runs the rules %v with the main file of generation %d", rules.Data.Groups, n)
	}
	return nil
}

// healthy says that Prometheus never met a file that it did not want.
func (w *world) healthy() {
	w.t.Helper()
	for line := range strings.Lines(w.prometheus.log.String()) {
		// kill -9 leaves half-written files of Prometheus' own, of which it tells at the next start.
		own := strings.Contains(line, "component=activeQueryTracker") || strings.Contains(line, "component=tsdb")
		if !own && strings.Contains(line, "level=ERROR") {
			w.t.Errorf("Prometheus says: %s", line)
		}
	}
}

// metric is the value of a sample in reloader's own metrics.
func (w *world) metric(sample string) string {
	w.t.Helper()
	body, err := get(w.t.Context(), w.reloader.url+"/metrics")
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, sample+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func get(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status + ": " + string(body))
	}
	return string(body), err
}

// freeAddress is one that nobody listens on now.
func post(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.Status, nil
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// buffer is a log that several goroutines use.
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
