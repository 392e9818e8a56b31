package ini

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"reloader/internal/finding"
	"reloader/internal/grafana/expand"
	"reloader/test/rig"
)

// realGrafana is a server program of version 12.4 and its home directory, for comparing verdicts.
type realGrafana struct {
	binary, home string
	// data is a data directory whose database is migrated.
	data string
}

// process is one running server; done is closed when it has ended.
type process struct {
	url  string
	done chan struct{}
	log  string
}

// start runs the server with the file. The settings that the test needs are given as defaults, so that the file overrides them.
func (g *realGrafana) start(t *testing.T, ctx context.Context, file, data string) *process {
	t.Helper()
	address := rig.FreeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	defaults := map[string]string{
		"paths.data": data, "server.http_addr": "127.0.0.1", "server.http_port": port, "plugins.preinstall_disabled": "true",
		"analytics.check_for_updates": "false", "analytics.check_for_plugin_updates": "false", "analytics.reporting_enabled": "false",
		"news.news_feed_enabled": "false", "security.admin_password": "admin", "unified_alerting.ha_listen_address": "",
	}
	args := []string{"server", "--homepath", g.home, "--config", file}
	for _, key := range slices.Sorted(maps.Keys(defaults)) {
		args = append(args, "cfg:default."+key+"="+defaults[key])
	}
	logFile, err := os.Create(filepath.Join(data, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, g.binary, args...)
	cmd.Dir = data
	cmd.Env = append([]string{"INI_SET=from-env", "HOME=" + data, "PATH=" + os.Getenv("PATH")}, "NO_PROXY=*")
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{url: "http://" + address, done: make(chan struct{}), log: logFile.Name()}
	go func() {
		_ = cmd.Wait()
		_ = logFile.Close()
		close(p.done)
	}()
	return p
}

func get(ctx context.Context, url string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth("admin", "admin")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return json.Unmarshal(body, out)
}

// started waits until the server answers, or has ended.
func (p *process) started(ctx context.Context, t *testing.T) bool {
	t.Helper()
	for {
		var health map[string]any
		if get(ctx, p.url+"/api/health", &health) == nil {
			return true
		}
		select {
		case <-p.done:
			return false
		case <-ctx.Done():
			t.Fatalf("the server neither answered nor ended; its log is in %s", p.log)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// TestRealServerAgrees starts a real Grafana 12.4 with each case. It must refuse the cases with an error, start with the others,
// and then report the settings of the file. It runs when
// RELOADER_TEST_GRAFANA_BINARY and RELOADER_TEST_GRAFANA_HOME name the program and its home.
func TestRealServerAgrees(t *testing.T) {
	g := &realGrafana{binary: os.Getenv("RELOADER_TEST_GRAFANA_BINARY"), home: os.Getenv("RELOADER_TEST_GRAFANA_HOME")}
	if g.binary == "" || g.home == "" {
		t.Skip("RELOADER_TEST_GRAFANA_BINARY and RELOADER_TEST_GRAFANA_HOME are not set")
	}
	g.data = t.TempDir()
	empty := filepath.Join(g.data, "empty.ini")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stop := g.run(t, empty, g.data, true, "")
	stop()
	fixture := fixtures(t)
	for _, c := range cases {
		if c.version != "" || c.elsewhere {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			data := t.TempDir()
			db, err := os.ReadFile(filepath.Join(g.data, "grafana.db"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(data, "grafana.db"), db, 0o600); err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(c.text, "@TMP@", fixture)
			file := filepath.Join(data, "case.ini")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			bad := finding.HasErrors(Check([]byte(text), Options{Env: expand.Env{Same: true, LookupEnv: lookup}}))
			g.run(t, file, data, !bad, text)()
		})
	}
}

// run starts the server, compares, and returns what stops it.
func (g *realGrafana) run(t *testing.T, file, data string, want bool, text string) func() {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	p := g.start(t, ctx, file, data)
	stop := func() {
		cancel()
		<-p.done
	}
	got := p.started(ctx, t)
	if got != want {
		log, _ := os.ReadFile(p.log)
		t.Errorf("started is %v, want %v; the end of the log:\n%s", got, want, tail(log))
	}
	if got && text != "" {
		settings := map[string]map[string]string{}
		if err := get(ctx, p.url+"/api/admin/settings", &settings); err != nil {
			t.Error(err)
		} else if differ := Expect([]byte(text), Options{Env: expand.Env{Same: true, LookupEnv: lookup}}).Waiting(settings); len(differ) > 0 {
			t.Errorf("a server that just started differs from its file in %v", differ)
		}
	}
	return stop
}

func tail(b []byte) string { return string(b[max(0, len(b)-1500):]) }
