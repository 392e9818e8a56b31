// Package grafana tests the built program next to a Grafana: the fake one always, and a real one
// where it is given.
package grafana

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reloader/internal/reload"
	"reloader/internal/reload/grafanatest"
	"reloader/internal/status"
	"reloader/test/volume"
)

// patience bounds every wait; it is only ever reached by a failure.
const patience = 60 * time.Second

// built is the reloader program, built once for all tests.
var built string

func TestMain(m *testing.M) {
	os.Exit(withProgram(m))
}

func withProgram(m *testing.M) int {
	dir, err := os.MkdirTemp("", "reloader-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	built = filepath.Join(dir, "reloader")
	build := exec.Command("go", "build", "-o", built, "../../cmd/reloader") //nolint:noctx // the test binary's own timeout bounds it
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// world is a Grafana with its mounted volumes.
type world struct {
	t            *testing.T
	fake         *grafanatest.Server // nil for a real one
	url          string
	provisioning string
	password     string // contents of the file that reloader is given
}

// newWorld starts a fake Grafana on a provisioning directory that does not exist yet.
func newWorld(t *testing.T, o grafanatest.Options) *world {
	t.Helper()
	w := &world{t: t, provisioning: filepath.Join(t.TempDir(), "provisioning"), password: filepath.Join(t.TempDir(), "password")}
	o.Provisioning = w.provisioning
	w.fake = grafanatest.New(o)
	t.Cleanup(w.fake.Close)
	w.url = w.fake.URL
	password := o.Password
	if password == "" {
		password = "admin"
	}
	w.setPassword(password)
	return w
}

// both runs a test against the fake, and against a real Grafana where RELOADER_TEST_GRAFANA_URL names
// one: its provisioning directory is RELOADER_TEST_GRAFANA_PROVISIONING.
func both(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("fake", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, grafanatest.Options{}))
	})
	t.Run("real", func(t *testing.T) {
		url := os.Getenv("RELOADER_TEST_GRAFANA_URL")
		if url == "" {
			t.Skip("no real Grafana: RELOADER_TEST_GRAFANA_URL is not set")
		}
		w := &world{t: t, url: url, provisioning: os.Getenv("RELOADER_TEST_GRAFANA_PROVISIONING"), password: filepath.Join(t.TempDir(), "password")}
		w.setPassword(os.Getenv("RELOADER_TEST_GRAFANA_PASSWORD"))
		clean := func() {
			for _, kind := range []string{"datasources", "dashboards", "plugins", "alerting", "json"} {
				if err := os.RemoveAll(filepath.Join(w.provisioning, kind)); err != nil {
					t.Error(err)
				}
			}
		}
		clean()
		t.Cleanup(clean)
		test(t, w)
	})
}

func (w *world) setPassword(password string) {
	w.t.Helper()
	if err := os.WriteFile(w.password, []byte(password+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// mount makes a volume of the kubelet for one kind.
func (w *world) mount(kind string, files map[string]string) *volume.Volume {
	w.t.Helper()
	v, err := volume.New(filepath.Join(w.provisioning, kind), files)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func swap(t *testing.T, v *volume.Volume, files map[string]string) {
	t.Helper()
	if _, err := v.Swap(files); err != nil {
		t.Fatal(err)
	}
}

// calls are the kinds of the reload requests that reached the fake.
func (w *world) calls() []string {
	var kinds []string
	for _, c := range w.fake.Calls() {
		kinds = append(kinds, c.Kind)
	}
	return kinds
}

// ask reads from Grafana's own API.
func (w *world) ask(path string, v any) error {
	password, err := os.ReadFile(w.password)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+path, nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth("admin", strings.TrimSpace(string(password)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(v)
}

// has says whether Grafana shows a data source with this URL.
func (w *world) has(uid, url string) error {
	var ds struct{ URL string }
	if err := w.ask("/api/datasources/uid/"+uid, &ds); err != nil {
		return err
	}
	if ds.URL != url {
		return fmt.Errorf("datasource %s has the URL %s, want %s", uid, ds.URL, url)
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
	d.cmd = exec.CommandContext(w.t.Context(), built, append([]string{
		"run", "--grafana-url", w.url, "--grafana-provisioning", w.provisioning, "--listen-address", address,
		"--grafana-username", "admin", "--grafana-password-file", w.password, "--log-level", "debug",
	}, args...)...)
	d.cmd.Stderr = d.log
	d.cmd.Cancel = func() error { return d.cmd.Process.Signal(syscall.SIGTERM) }
	d.cmd.WaitDelay = 15 * time.Second
	if err := d.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		_ = d.cmd.Wait()
		if w.t.Failed() {
			w.t.Logf("log of reloader:\n%s", d.log.String())
		}
	})
	return d
}

// status is what the target's state is now.
func (d *daemon) status() (reload.Status, error) {
	body, err := d.get("/api/v1/status")
	if err != nil {
		return reload.Status{}, err
	}
	var r status.Report
	if err := json.Unmarshal([]byte(body), &r); err != nil || len(r.Targets) != 1 {
		return reload.Status{}, fmt.Errorf("%d targets, %w", len(r.Targets), err)
	}
	return r.Targets[0], nil
}

// reaches waits for a state of which check says that it is the one.
func (d *daemon) reaches(what string, check func(s reload.Status) bool) reload.Status {
	d.t.Helper()
	var last reload.Status
	d.eventually(what, func() error {
		s, err := d.status()
		if err != nil {
			return err
		}
		if last = s; !check(s) {
			return fmt.Errorf("phase %s, wanted %s, running %s, reason %q", s.Phase, s.Wanted, s.Running, s.Reason)
		}
		return nil
	})
	return last
}

// inSync waits until the newest files, whose count of changes it is, are proven.
func (d *daemon) inSync(changes uint64) reload.Status {
	d.t.Helper()
	return d.reaches(fmt.Sprintf("change %d is in sync", changes), func(s reload.Status) bool {
		return s.Phase == reload.InSync && s.Running == s.Wanted && s.Counts.Changes >= changes
	})
}

// recheck makes reloader read its sources again and waits until it has.
func (d *daemon) recheck() {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url+"/-/reload", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	_ = resp.Body.Close()
}

func (d *daemon) get(path string) (string, error) {
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// metric is the value of one series.
func (d *daemon) metric(series string) string {
	d.t.Helper()
	body, err := d.get("/metrics")
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

// command runs one reloader command to its end and returns all it wrote.
func command(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, built, args...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out)
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
