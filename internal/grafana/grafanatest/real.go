package grafanatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reloader/test/rig"
)

// Real is a real Grafana for one test, on a loopback port, with an empty database and a second organization.
type Real struct {
	// URL is its address. The server admin is admin with the password admin.
	URL string
	// Provisioning is its provisioning directory.
	Provisioning string
	// Ini is the path of its grafana.ini, which a restart reads.
	Ini string

	binary, home, data string
	process            *exec.Cmd
	owner              *syscall.Credential // nil: the user of the test
	ended              chan struct{}
}

// prepared is the database after a first start, which takes a minute, with only a second organization in it.
// It is guarded by oneReal.
var prepared []byte

// oneReal lets one real Grafana run at a time: each needs a lot of memory, and processor time to start.
var oneReal sync.Mutex

// startLimit is how long a start may take; the first one migrates an empty database.
const startLimit = 3 * time.Minute

// StartReal starts the program RELOADER_TEST_GRAFANA_BINARY with the home directory
// RELOADER_TEST_GRAFANA_HOME, which has conf/ and public/. The test is skipped when they are not set.
func StartReal(t *testing.T, provisioning string) *Real {
	t.Helper()
	g := &Real{binary: os.Getenv("RELOADER_TEST_GRAFANA_BINARY"), home: os.Getenv("RELOADER_TEST_GRAFANA_HOME"), Provisioning: provisioning, data: t.TempDir()}
	if g.binary == "" || g.home == "" {
		t.Skip("no real Grafana: RELOADER_TEST_GRAFANA_BINARY and RELOADER_TEST_GRAFANA_HOME are not set")
	}
	oneReal.Lock()
	t.Cleanup(oneReal.Unlock)
	g.URL, g.Ini = "http://"+rig.FreeAddress(t), filepath.Join(g.data, "grafana.ini")
	g.SetIni(t, "")
	t.Cleanup(g.Stop)
	if prepared != nil {
		if err := os.WriteFile(g.Database(), prepared, 0o600); err != nil {
			t.Fatal(err)
		}
		g.Start(t)
		return g
	}
	g.Start(t)
	g.secondOrganization(t)
	g.Stop()
	var err error
	if prepared, err = os.ReadFile(g.Database()); err != nil {
		t.Fatal(err)
	}
	g.Start(t)
	return g
}

// Database is the file of its database.
func (g *Real) Database() string { return filepath.Join(g.data, "grafana.db") }

// SetIni rewrites grafana.ini: the settings that a test server needs, and then more.
func (g *Real) SetIni(t *testing.T, more string) {
	t.Helper()
	_, port, _ := strings.Cut(strings.TrimPrefix(g.URL, "http://"), ":")
	text := fmt.Sprintf("[paths]\ndata = %s\nprovisioning = %s\n[server]\nhttp_addr = 127.0.0.1\nhttp_port = %s\n[plugins]\npreinstall_disabled = true\n"+
		"[analytics]\nreporting_enabled = false\ncheck_for_updates = false\ncheck_for_plugin_updates = false\n[log]\nlevel = warn\n"+
		"[security]\nadmin_password = admin\n[unified_alerting]\nadmin_config_poll_interval = 5s\nha_listen_address =\n%s", g.data, g.Provisioning, port, more)
	if err := os.WriteFile(g.Ini, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Restart ends the process and starts another one.
func (g *Real) Restart(t *testing.T) {
	t.Helper()
	g.Stop()
	g.Start(t)
}

// ReadOnly restarts the process as an unprivileged user. It returns a function that takes away the permission to write the
// database, or gives it back. The test is skipped unless it is root.
func (g *Real) ReadOnly(t *testing.T) (set func(readOnly bool)) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can start Grafana as another user")
	}
	const other = 65534
	g.Stop()
	err := filepath.WalkDir(g.data, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, other, other))
	})
	if err := errors.Join(err, os.Chmod(filepath.Dir(g.data), 0o755)); err != nil { // a test's directory is closed to other users
		t.Fatal(err)
	}
	g.owner = &syscall.Credential{Uid: other, Gid: other}
	g.Start(t)
	return func(readOnly bool) {
		dir, file := os.FileMode(0o755), os.FileMode(0o644)
		if readOnly {
			dir, file = 0o555, 0o444
		}
		if err := errors.Join(os.Chmod(g.data, dir), os.Chmod(g.Database(), file)); err != nil {
			t.Error(err)
		}
	}
}

// Start starts the process after Stop, and waits until it answers.
func (g *Real) Start(t *testing.T) {
	t.Helper()
	if !g.Try(t) {
		t.Fatalf("Grafana does not start:\n%s", g.Log())
	}
}

// Forget ends the process, and restores the database of its first start.
func (g *Real) Forget(t *testing.T) {
	t.Helper()
	g.Stop()
	if err := os.WriteFile(g.Database(), prepared, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Try starts the process after Stop or Forget, and reports whether it answered before it ended.
func (g *Real) Try(t *testing.T) (started bool) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(g.data, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	g.process = exec.CommandContext(context.Background(), g.binary, "server", "--homepath", g.home, "--config", g.Ini)
	g.process.Dir, g.process.Stdout, g.process.Stderr = g.data, log, log
	g.process.Env = []string{"HOME=" + g.data, "PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}
	g.process.SysProcAttr = &syscall.SysProcAttr{Credential: g.owner}
	if err := g.process.Start(); err != nil {
		g.process = nil
		t.Fatal(err)
	}
	process, ended := g.process, make(chan struct{})
	g.ended = ended
	go func() {
		_ = process.Wait()
		_ = log.Close()
		close(ended)
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(startLimit); ; {
		if status, _, err := g.Ask(t.Context(), http.MethodGet, "/api/health", 0, ""); err == nil && status == http.StatusOK {
			return true
		}
		select {
		case <-ended:
			g.process = nil
			return false
		case <-tick.C:
		}
		if time.Now().After(deadline) {
			t.Fatalf("Grafana does not answer:\n%s", g.Log())
		}
	}
}

// Stop ends the process.
func (g *Real) Stop() {
	if g.process == nil {
		return
	}
	_ = g.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-g.ended:
	case <-time.After(30 * time.Second):
		_ = g.process.Process.Kill()
		<-g.ended
	}
	g.process = nil
}

// Log returns the end of the server's log.
func (g *Real) Log() string {
	b, _ := os.ReadFile(filepath.Join(g.data, "server.log"))
	return string(b[max(0, len(b)-8000):])
}

// NewLog empties the server's log.
func (g *Real) NewLog(t *testing.T) {
	t.Helper()
	if err := os.Truncate(filepath.Join(g.data, "server.log"), 0); err != nil {
		t.Fatal(err)
	}
}

// Ask sends one request as the admin; org 0 is the admin's own organization.
func (g *Real) Ask(ctx context.Context, method, path string, org int64, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, g.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, nil, err
	}
	req.SetBasicAuth("admin", "admin")
	req.Header.Set("Content-Type", "application/json")
	if org > 0 {
		req.Header.Set("X-Grafana-Org-Id", fmt.Sprint(org))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// secondOrganization creates organization 2, and waits until alerting knows it, which polls for organizations.
func (g *Real) secondOrganization(t *testing.T) {
	t.Helper()
	if status, answer, err := g.Ask(t.Context(), http.MethodPost, "/api/orgs", 0, `{"name": "Second"}`); err != nil || status != http.StatusOK {
		t.Fatalf("make an organization: %d %s %v", status, answer, err)
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		status, answer, err := g.Ask(t.Context(), http.MethodGet, "/api/v1/provisioning/policies", 2, "")
		if err == nil && status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("alerting does not know the second organization: %d %s %v", status, answer, err)
		}
		<-tick.C
	}
}
