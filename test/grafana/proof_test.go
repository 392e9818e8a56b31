package grafana

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// twoDatasources have fields of every kind but secrets, so that nothing but what Grafana shows counts.
const twoDatasources = `apiVersion: 1
prune: true
datasources:
  - name: Prometheus
    uid: prom
    type: prometheus
    url: http://127.0.0.1:9090
    isDefault: true
    editable: false
    correlations: [{targetUID: prom, label: LA, description: own, config: {field: message, target: {expr: up}}}]
  - name: Second
    uid: second
    type: prometheus
    url: http://127.0.0.1:9091
`

func datasources(pairs ...string) map[string]string {
	return map[string]string{"datasource.yaml": strings.NewReplacer(pairs...).Replace(twoDatasources)}
}

// shown are the fields of the data sources that the tests change.
type shown struct {
	Name, URL           string
	IsDefault, ReadOnly bool
}

func (w *world) shown(t *testing.T) string {
	t.Helper()
	var list []shown
	if err := w.ask("/api/datasources", &list); err != nil {
		return err.Error()
	}
	var links struct{ Correlations []struct{ Label string } }
	if err := w.ask("/api/datasources/correlations", &links); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%+v %+v", list, links.Correlations)
}

// Whatever changed while reloader was away is loaded when it comes back: nothing is called live because the rest
// is the same.
func TestChangesInItsAbsence(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ds := w.mount("datasources", datasources())
		for _, tt := range []struct {
			name  string
			files map[string]string
			want  string
		}{
			{"correlations", datasources("LA", "LB"), "[{Name:Prometheus URL:http://127.0.0.1:9090 IsDefault:true ReadOnly:true} {Name:Second URL:http://127.0.0.1:9091 IsDefault:false ReadOnly:true}] [{Label:LB}]"},
			{"editable", datasources("editable: false", "editable: true"), "[{Name:Prometheus URL:http://127.0.0.1:9090 IsDefault:true ReadOnly:false} {Name:Second URL:http://127.0.0.1:9091 IsDefault:false ReadOnly:true}] [{Label:LA}]"},
			{"default", datasources("isDefault: true", "isDefault: false"), "[{Name:Prometheus URL:http://127.0.0.1:9090 IsDefault:false ReadOnly:true} {Name:Second URL:http://127.0.0.1:9091 IsDefault:false ReadOnly:true}] [{Label:LA}]"},
			{"pruned", datasources(twoDatasources[strings.Index(twoDatasources, "  - name: Second"):], ""), "[{Name:Prometheus URL:http://127.0.0.1:9090 IsDefault:true ReadOnly:true}] [{Label:LA}]"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				ds.Swap(datasources())
				d := w.start()
				d.inSync(1)
				d.Stop()
				ds.Swap(tt.files)
				d = w.start()
				d.inSync(1)
				if got := w.shown(t); got != tt.want {
					t.Errorf("called live while Grafana has\n%s, want\n%s", got, tt.want)
				}
				d.Stop()
			})
		}
	})
}

// secretDatasource is one whose secret is all that changes.
func secretDatasource(secret string) map[string]string {
	files := datasource(9090)
	files["datasource.yaml"] += "    secureJsonData: {httpHeaderValue1: " + secret + "}\n"
	return files
}

// Grafana was restarted while other files were there, with secrets that it does not show: the old proof counts no
// more, and the files are loaded once more.
func TestRestartOnOtherFiles(t *testing.T) {
	t.Parallel()
	for _, gated := range []bool{false, true} {
		w := newWorld(t, grafanatest.Options{})
		source := w.provisioning
		var flags []string
		if gated {
			w.provisioning = filepath.Join(t.TempDir(), "source")
			flags = []string{"--grafana-gate", source}
		}
		ds := w.mount("datasources", secretDatasource("A"))
		d := w.start(flags...)
		d.inSync(1)
		before := len(w.calls())
		w.fake.SetFaults(grafanatest.Faults{Down: true})
		ds.Swap(secretDatasource("B"))
		d.Reaches("the other files are seen", func(s reload.Status) bool { return s.Counts.Changes >= 2 })
		if gated {
			rig.Eventually(t, "the gate has the other files", func() error {
				b, err := os.ReadFile(filepath.Join(source, "datasources", "datasource.yaml"))
				if err == nil && !strings.Contains(string(b), "{httpHeaderValue1: B}") {
					return fmt.Errorf("it has %s", b)
				}
				return err
			})
		}
		if err := w.fake.Restart(); err != nil { // it reads the other files
			t.Fatal(err)
		}
		ds.Swap(secretDatasource("A"))
		d.Reaches("the first files are wanted again", func(s reload.Status) bool { return s.Counts.Changes >= 3 })
		w.fake.SetFaults(grafanatest.Faults{})
		d.inSync(3)
		if got := w.calls()[before:]; !slices.Contains(got, "datasources") {
			t.Errorf("gated: %t: calls %v: Grafana runs the secret of the other files", gated, got)
		}
	}
}

// A Grafana that is down runs nothing, whatever the newest files are worth.
func TestDownRunsNothing(t *testing.T) {
	t.Parallel()
	for _, broken := range []bool{false, true} {
		w := newWorld(t, grafanatest.Options{})
		ds := w.mount("datasources", datasource(9090))
		d := w.start("--poll-interval", "2s")
		d.inSync(1)
		if broken {
			files := datasource(9091)
			files["datasource.yaml"] += "    isDefault: yes\n"
			ds.Swap(files)
			d.Reaches("the broken file is refused", func(s reload.Status) bool { return s.Phase == reload.Rejected })
		}
		w.fake.SetFaults(grafanatest.Faults{Down: true})
		d.Reaches("nothing is said to run", func(s reload.Status) bool { return s.Running.IsZero() && s.Phase != reload.InSync })
		if o := rig.Command(t, "wait", "--url", d.URL, "--synced", "--timeout", "1s"); o.Code == 0 {
			t.Errorf("broken: %t: wait says %q of a server that is down", broken, o.Stdout)
		}
		d.Stop()
	}
}

// What someone changed in Grafana is found as soon as anyone asks, named, and healed; the next change of
// another kind is live as well.
func TestEditByHand(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		files := datasource(9090)
		files["datasource.yaml"] += "    editable: true\n"
		w.mount("datasources", files)
		json := filepath.Join(w.provisioning, "json")
		dashboards := w.mount("json", map[string]string{"a.json": `{"uid": "a", "title": "First"}`})
		w.mount("dashboards", map[string]string{"p.yaml": "apiVersion: 1\nproviders: [{name: e2e, updateIntervalSeconds: 3600, options: {path: " + json + "}}]\n"})
		d := w.start()
		d.inSync(1)
		w.send(t, http.MethodPut, "/api/datasources/uid/prom", `{"name": "Prometheus", "uid": "prom", "type": "prometheus", "access": "proxy", "url": "http://127.0.0.1:1/hand", "isDefault": true}`)
		if o := rig.Command(t, "wait", "--url", d.URL, "--synced", "--timeout", "30s"); o.Code != 0 {
			t.Errorf("wait after the edit: %d %s %s", o.Code, o.Stdout, o.Stderr)
		}
		if err := w.has("prom", at(9090)); err != nil {
			t.Errorf("wait calls it live: %v", err)
		}
		d.Log.Has(t, "differs from the file in url")
		w.send(t, http.MethodPut, "/api/datasources/uid/prom", `{"name": "Prometheus", "uid": "prom", "type": "prometheus", "access": "proxy", "url": "http://127.0.0.1:1/hand", "isDefault": true}`)
		dashboards.Swap(map[string]string{"a.json": `{"uid": "a", "title": "Second"}`})
		d.inSync(2)
		var board struct{ Dashboard struct{ Title string } }
		if err := w.ask("/api/dashboards/uid/a", &board); err != nil || board.Dashboard.Title != "Second" {
			t.Errorf("the dashboard is %q, %v", board.Dashboard.Title, err)
		}
		if err := w.has("prom", at(9090)); err != nil {
			t.Error(err)
		}
	})
}

// send changes something in Grafana as a person does.
func (w *world) send(t *testing.T, method, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", "admin")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, b)
	}
}

// A dashboard that Grafana skips is not live: wait says so, and the others are.
func TestBrokenDashboard(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		json := filepath.Join(w.provisioning, "json")
		dashboards := w.mount("json", map[string]string{"a.json": `{"uid": "a", "title": "First"}`, "b.json": `{"uid": "b", "title": "First"}`})
		w.mount("dashboards", map[string]string{"p.yaml": "apiVersion: 1\nproviders: [{name: e2e, updateIntervalSeconds: 3600, options: {path: " + json + "}}]\n"})
		d := w.start()
		d.inSync(1)
		dashboards.Swap(map[string]string{"a.json": `{"uid": "a", "title": "Second"}`, "b.json": `{"uid": "b", "title": `})
		s := d.Reaches("the broken one is named", func(s reload.Status) bool { return s.Phase == reload.Mismatch })
		if text := strings.Join(s.Differences, " "); !strings.Contains(text, "b.json") || strings.Contains(text, "a.json") {
			t.Errorf("differences %q", text)
		}
		if o := rig.Command(t, "wait", "--url", d.URL, "--synced", "--timeout", "1s"); o.Code != 1 {
			t.Errorf("wait: %d %s %s", o.Code, o.Stdout, o.Stderr)
		}
		var board struct{ Dashboard struct{ Title string } }
		if err := w.ask("/api/dashboards/uid/a", &board); err != nil || board.Dashboard.Title != "Second" {
			t.Errorf("the other dashboard is %q, %v", board.Dashboard.Title, err)
		}
		dashboards.Swap(map[string]string{"a.json": `{"uid": "a", "title": "Second"}`, "b.json": `{"uid": "b", "title": "Third"}`})
		d.inSync(3)
	})
}
