// Package grafana tests the built program with a Grafana: always with the fake, and with a real one where it is available.
package grafana

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

func TestMain(m *testing.M) { rig.MainOfWaiting(m, 16) }

// world is a Grafana with its mounted volumes.
type world struct {
	t            *testing.T
	fake         *grafanatest.Server // nil for a real one
	real         *grafanatest.Real   // nil for a fake one
	url          string
	provisioning string
	password     string // path of reloader's password file
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

// both runs a test with the fake, and with a real Grafana if RELOADER_TEST_GRAFANA_BINARY and RELOADER_TEST_GRAFANA_HOME name the
// program and its home. One real Grafana runs at a time.
func both(t *testing.T, test func(t *testing.T, w *world)) {
	parallel(t)
	t.Run("fake", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, grafanatest.Options{}))
	})
	t.Run("real", func(t *testing.T) {
		test(t, newRealWorld(t))
	})
}

// newRealWorld starts a real Grafana, or skips the test where there is none.
func newRealWorld(t *testing.T) *world {
	t.Helper()
	g := grafanatest.StartReal(t, filepath.Join(t.TempDir(), "provisioning"))
	w := &world{t: t, real: g, url: g.URL, provisioning: g.Provisioning, password: filepath.Join(t.TempDir(), "password")}
	w.setPassword("admin")
	return w
}

// parallel lets the test run in parallel with others, unless it starts a real Grafana, which needs the whole machine.
func parallel(t *testing.T) {
	if os.Getenv("RELOADER_TEST_GRAFANA_BINARY") == "" {
		t.Parallel()
	}
}

func (w *world) setPassword(password string) {
	w.t.Helper()
	if err := os.WriteFile(w.password, []byte(password+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// mount creates a volume as the kubelet does, for one kind.
func (w *world) mount(kind string, files map[string]string) *volume.Volume {
	w.t.Helper()
	return volume.New(w.t, filepath.Join(w.provisioning, kind), files)
}

// calls returns the kinds of the reload requests that reached the fake.
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
	return rig.DoJSON(req, v)
}

// call sends a request as the server admin, as a person or a program does. It reads the answer into v, unless that is nil.
func (w *world) call(t *testing.T, method, path, body string, v any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", "admin")
	req.Header.Set("Content-Type", "application/json")
	status, answer, err := rig.Do(req)
	if err == nil && v != nil {
		err = json.Unmarshal([]byte(answer), v)
	}
	if err != nil || status/100 != 2 {
		t.Fatalf("%s %s: %d %s %v", method, path, status, answer, err)
	}
}

// has returns an error unless Grafana shows a data source with this URL.
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

// daemon is a running `reloader run`.
type daemon struct{ *rig.Reloader }

func (w *world) start(flags ...string) *daemon {
	w.t.Helper()
	r := rig.NewReloader(w.t, append([]string{
		"--grafana-url", w.url, "--grafana-provisioning", w.provisioning,
		"--grafana-username", "admin", "--grafana-password-file", w.password, "--log-level", "debug",
	}, flags...)...)
	r.Start()
	return &daemon{r}
}

// inSync waits until the newest files are proven, and reloader has seen at least this many changes.
func (d *daemon) inSync(changes uint64) reload.Status {
	return d.Reaches(fmt.Sprintf("change %d is in sync", changes), func(s reload.Status) bool {
		return s.Phase == reload.InSync && s.Running == s.Wanted && s.Counts.Changes >= changes
	})
}
