package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	gates "reloader/internal/gate"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// adminPassword is the password of the demo's own Grafana, which listens only on loopback.
const adminPassword = "demo"

// grafanaStart is how long Grafana's first start may take: it creates its database.
const grafanaStart = 3 * time.Minute

// findGrafana returns a Grafana and its home directory; no binary when there is none.
func (d *demo) findGrafana() (binary, home string, err error) {
	if binary = d.opts.GrafanaBinary; binary == "" {
		if binary, err = exec.LookPath("grafana"); err != nil {
			return "", "", nil //nolint:nilerr // the show goes on without it
		}
	} else if err := checkExecutable(binary); err != nil {
		return "", "", err
	}
	places := []string{d.opts.GrafanaHome}
	if d.opts.GrafanaHome == "" {
		real, err := filepath.EvalSymlinks(binary)
		if err != nil {
			return "", "", fmt.Errorf("use server: %w", err)
		}
		places = []string{filepath.Dir(filepath.Dir(real)), "/usr/share/grafana"}
	}
	for _, home := range places {
		if _, err := os.Stat(filepath.Join(home, "conf", "defaults.ini")); err == nil {
			return binary, home, nil
		}
	}
	return "", "", fmt.Errorf("use %s: no conf/defaults.ini in %s; name Grafana's home with --grafana-home", binary, strings.Join(places, " or "))
}

// grafanaShow is the Grafana part of the demo with its volumes.
type grafanaShow struct {
	*demo
	url                              string
	ini, sources, providers, boards  *gates.Gate
	iniDir, provisioning, dashboards string
}

// withGrafana shows a Grafana, or says that there is none.
func (d *demo) withGrafana(ctx context.Context) error {
	binary, home, err := d.findGrafana()
	if err != nil {
		return err
	}
	d.say("")
	if binary == "" {
		d.say("no Grafana on PATH, so its part is left out; name one with --grafana-binary and --grafana-home")
		return nil
	}
	shown := *d // with a reloader of its own
	defer func() { d.children, d.step = shown.children, shown.step }()
	g := &grafanaShow{demo: &shown, iniDir: filepath.Join(d.dir, "grafana"), provisioning: filepath.Join(d.dir, "provisioning"), dashboards: filepath.Join(d.dir, "dashboards")}
	defer g.close()
	return show(ctx, func(ctx context.Context) error { return g.start(ctx, binary, home) },
		g.datasource, g.broken, g.fix, g.dashboard, g.setting)
}

func (g *grafanaShow) close() {
	for _, gate := range []*gates.Gate{g.ini, g.sources, g.providers, g.boards} {
		if gate != nil {
			_ = gate.Close() // the directory is removed anyway
		}
	}
}

// mount makes a directory in the kubelet's layout with its first file.
func (g *grafanaShow) mount(ctx context.Context, dir, name, text string) (*gates.Gate, error) {
	gate, err := gates.Open(dir, gates.Options{})
	if err != nil {
		return nil, err
	}
	_, err = swap(ctx, gate, dir, name, text)
	return gate, err
}

// swap replaces the one file of a mount and returns the time just before.
func swap(ctx context.Context, gate *gates.Gate, dir, name, text string) (time.Time, error) {
	set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: filepath.Base(dir), Dir: dir}, map[string][]byte{name: []byte(text)}))
	begin := time.Now()
	return begin, gate.Publish(ctx, set)
}

func (g *grafanaShow) iniText(address, theme string) string {
	host, port, _ := strings.Cut(address, ":")
	return fmt.Sprintf(`[server]
http_addr = %s
http_port = %s
[paths]
data = %s
provisioning = %s
[analytics]
reporting_enabled = false
check_for_updates = false
check_for_plugin_updates = false
[plugins]
preinstall_disabled = true
[users]
default_theme = %s
`, host, port, filepath.Join(g.dir, "grafana-data"), g.provisioning, theme)
}

func datasourceText(port int, more string) string {
	return fmt.Sprintf("apiVersion: 1\ndatasources:\n  - name: Prometheus\n    uid: demo\n    type: prometheus\n    url: http://127.0.0.1:%d\n%s", port, more)
}

func boardText(title string) string {
	return fmt.Sprintf(`{"uid": "demo", "title": %q, "panels": []}`, title)
}

func (g *grafanaShow) start(ctx context.Context, binary, home string) error {
	begin := time.Now()
	address, err := freePort(ctx)
	if err != nil {
		return err
	}
	g.url = "http://" + address
	if g.ini, err = g.mount(ctx, g.iniDir, "grafana.ini", g.iniText(address, "dark")); err != nil {
		return err
	}
	if g.sources, err = g.mount(ctx, filepath.Join(g.provisioning, "datasources"), "datasource.yaml", datasourceText(9090, "")); err != nil {
		return err
	}
	if g.providers, err = g.mount(ctx, filepath.Join(g.provisioning, "dashboards"), "provider.yaml",
		"apiVersion: 1\nproviders:\n  - name: demo\n    updateIntervalSeconds: 3600\n    options:\n      path: "+g.dashboards+"\n"); err != nil {
		return err
	}
	if g.boards, err = g.mount(ctx, g.dashboards, "board.json", boardText("First")); err != nil {
		return err
	}
	reloader, err := freePort(ctx)
	if err != nil {
		return err
	}
	g.reloaderURL = "http://" + reloader
	ini := filepath.Join(g.iniDir, "grafana.ini")
	g.say("a real Grafana (%s) with its provisioning directories and grafana.ini as ConfigMap volumes", binary)
	g.say("")
	if _, err := g.demo.start(ctx, "grafana", binary, []string{"GF_SECURITY_ADMIN_PASSWORD=" + adminPassword}, "server", "--homepath", home, "--config", ini); err != nil {
		return err
	}
	if _, err := g.demo.start(ctx, "reloader-grafana", g.opts.Self, []string{"GF_SECURITY_ADMIN_PASSWORD=" + adminPassword}, "run", "--grafana-url="+g.url,
		"--grafana-provisioning="+g.provisioning, "--grafana-ini="+ini, "--listen-address="+reloader); err != nil {
		return err
	}
	if _, err := g.reaches(ctx, "Grafana is up and in sync", grafanaStart, func(s reload.Status) bool { return s.Phase == reload.InSync }); err != nil {
		return err
	}
	g.result("Grafana's first start", time.Since(begin), "up, and proven to be in sync")
	return nil
}

// reaches waits until reloader's Grafana target is in a state.
func (g *grafanaShow) reaches(ctx context.Context, what string, limit time.Duration, ok func(reload.Status) bool) (reload.Status, error) {
	var s reload.Status
	err := g.until(ctx, what, limit, func(ctx context.Context) bool {
		var err error
		s, err = g.status(ctx, "grafana")
		return err == nil && ok(s)
	})
	return s, err
}

// shows waits until Grafana's own API shows a text at a path.
func (g *grafanaShow) shows(ctx context.Context, path, text string, begin time.Time) (time.Duration, error) {
	var took time.Duration
	err := g.until(ctx, "Grafana shows the change", limit, func(ctx context.Context) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+path, nil)
		if err != nil {
			return false
		}
		req.SetBasicAuth("admin", adminPassword)
		resp, err := client.Do(req)
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		var body json.RawMessage
		took = time.Since(begin)
		return json.NewDecoder(resp.Body).Decode(&body) == nil && strings.Contains(string(body), text)
	})
	return took, err
}

// live changes the data source's port and waits until Grafana has it.
func (g *grafanaShow) live(ctx context.Context, port int) (time.Duration, error) {
	begin, err := swap(ctx, g.sources, filepath.Join(g.provisioning, "datasources"), "datasource.yaml", datasourceText(port, ""))
	if err != nil {
		return 0, err
	}
	took, err := g.shows(ctx, "/api/datasources/uid/demo", fmt.Sprintf("http://127.0.0.1:%d", port), begin)
	if err != nil {
		return 0, err
	}
	_, err = g.reaches(ctx, "reloader has proven the change", limit, func(s reload.Status) bool { return s.Phase == reload.InSync })
	return took, err
}

func (g *grafanaShow) datasource(ctx context.Context) error {
	took, err := g.live(ctx, 9091)
	if err != nil {
		return err
	}
	g.result("datasource change live", took, "one reload call, for datasources alone")
	return nil
}

func (g *grafanaShow) broken(ctx context.Context) error {
	dir := filepath.Join(g.provisioning, "datasources")
	begin, err := swap(ctx, g.sources, dir, "datasource.yaml", datasourceText(9092, "    isDefault: yes\n"))
	if err != nil {
		return err
	}
	s, err := g.reaches(ctx, "reloader has refused the change", limit, func(s reload.Status) bool { return s.Phase == reload.Rejected })
	if err != nil {
		return err
	}
	took := time.Since(begin)
	if _, err := g.shows(ctx, "/api/datasources/uid/demo", "http://127.0.0.1:9091", begin); err != nil {
		return err
	}
	g.result("broken file refused", took, append(explain(g.provisioning, s.Findings), "no request was sent; Grafana keeps running, and would not have started with it")...)
	return nil
}

func (g *grafanaShow) fix(ctx context.Context) error {
	took, err := g.live(ctx, 9093)
	if err != nil {
		return err
	}
	g.result("fix live", took, "as fast as any other change")
	return nil
}

func (g *grafanaShow) dashboard(ctx context.Context) error {
	begin, err := swap(ctx, g.boards, g.dashboards, "board.json", boardText("Second"))
	if err != nil {
		return err
	}
	took, err := g.shows(ctx, "/api/dashboards/uid/demo", "Second", begin)
	if err != nil {
		return err
	}
	g.result("dashboard change live", took, "the provider polls once an hour; reloader asked for it")
	return nil
}

func (g *grafanaShow) setting(ctx context.Context) error {
	address := strings.TrimPrefix(g.url, "http://")
	begin, err := swap(ctx, g.ini, g.iniDir, "grafana.ini", g.iniText(address, "light"))
	if err != nil {
		return err
	}
	s, err := g.reaches(ctx, "the setting waits for a restart", limit, func(s reload.Status) bool { return len(s.RestartRequired) > 0 })
	if err != nil {
		return err
	}
	g.result("grafana.ini change named", time.Since(begin), "waits for a restart: "+strings.Join(s.RestartRequired, ", "))
	return nil
}
