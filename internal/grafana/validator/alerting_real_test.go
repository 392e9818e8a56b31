package validator

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reloader/internal/finding"
	"reloader/test/rig"
)

// realServer is a Grafana 12.4 that starts again for each case, on a copy of a database that is already migrated.
type realServer struct {
	binary, home string
	db           []byte
}

// newRealServer skips the test unless RELOADER_TEST_GRAFANA_BINARY and RELOADER_TEST_GRAFANA_HOME name
// the program and its home.
func newRealServer(t *testing.T) *realServer {
	t.Helper()
	g := &realServer{binary: os.Getenv("RELOADER_TEST_GRAFANA_BINARY"), home: os.Getenv("RELOADER_TEST_GRAFANA_HOME")}
	if g.binary == "" || g.home == "" {
		t.Skip("RELOADER_TEST_GRAFANA_BINARY and RELOADER_TEST_GRAFANA_HOME are not set")
	}
	data := t.TempDir()
	if ok, log := g.startIn(t, data, data); !ok {
		t.Fatalf("the server does not start without files:\n%s", log)
	}
	var err error
	if g.db, err = os.ReadFile(filepath.Join(data, "grafana.db")); err != nil {
		t.Fatal(err)
	}
	return g
}

// start reports whether the server starts with a provisioning directory.
func (g *realServer) start(t *testing.T, provisioning string, env ...string) (started bool, log string) {
	t.Helper()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "grafana.db"), g.db, 0o600); err != nil {
		t.Fatal(err)
	}
	return g.startIn(t, data, provisioning, env...)
}

func (g *realServer) startIn(t *testing.T, data, provisioning string, env ...string) (started bool, log string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	address := rig.FreeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	config := filepath.Join(data, "grafana.ini")
	text := fmt.Sprintf("[paths]\ndata = %s\nprovisioning = %s\n[server]\nhttp_addr = 127.0.0.1\nhttp_port = %s\n[plugins]\npreinstall_disabled = true\n"+
		"[analytics]\nreporting_enabled = false\ncheck_for_updates = false\ncheck_for_plugin_updates = false\n[log]\nlevel = warn\n", data, provisioning, port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(data, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, g.binary, "server", "--homepath", g.home, "--config", config)
	cmd.Dir, cmd.Stdout, cmd.Stderr = data, out, out
	cmd.Env = append(env, "HOME="+data, "PATH="+os.Getenv("PATH"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	defer func() {
		cancel()
		<-done
		_ = out.Close()
	}()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/health", nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			return true, ""
		}
		select {
		case <-done:
			b, err := os.ReadFile(out.Name())
			if err != nil {
				t.Fatal(err)
			}
			return false, string(b[max(0, len(b)-1500):])
		case <-ctx.Done():
			t.Fatal("the server neither answered nor ended")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// TestRealServerAgreesOnAlerting starts a fresh Grafana 12.4 with each case. It must refuse to start exactly where we find an
// error. It runs when RELOADER_TEST_GRAFANA_BINARY and
// RELOADER_TEST_GRAFANA_HOME name the program and its home.
func TestRealServerAgreesOnAlerting(t *testing.T) {
	g := newRealServer(t)
	for _, c := range alertCases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.lay(map[string]string{"alerting/a.yaml": c.text}, nil, nil)
			started, log := g.start(t, b.dir)
			facts := newServer()
			found := b.validate(finding.Request{Set: b.set(), Facts: facts}).Findings
			if started == finding.HasErrors(found) {
				t.Errorf("the server started: %v, our findings:\n%s\nthe server said:\n%s", started, listed(found), log)
			}
		})
	}
}
