package grafana

import (
	"fmt"
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

// twoDatasources have fields of every kind except secrets, so that Grafana shows everything that counts.
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
	w.call(t, http.MethodGet, "/api/datasources", "", &list)
	var links struct{ Correlations []struct{ Label string } }
	w.call(t, http.MethodGet, "/api/datasources/correlations", "", &links)
	return fmt.Sprintf("%+v %+v", list, links.Correlations)
}

// Whatever changed while reloader was away is loaded when it starts again. A change of a single field does not count as live
// because everything else is the same.
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

// secretDatasource is a data source of which only the secret changes.
func secretDatasource(secret string) map[string]string {
	files := datasource(9090)
	files["datasource.yaml"] += "    secureJsonData: {httpHeaderValue1: " + secret + "}\n"
	return files
}

// Grafana restarts while other files are there, with a secret that it does not show. When the first files are back, the earlier
// proof no longer counts, and they are loaded again.
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
		d.Reaches("reloader has seen the other files", func(s reload.Status) bool { return s.Counts.Changes >= 2 })
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

// While Grafana is down, nothing counts as running, whether the newest files are valid or not.
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
		d.Reaches("nothing counts as running", func(s reload.Status) bool { return s.Running.IsZero() && s.Phase != reload.InSync })
		if o := rig.WaitBriefly(t, d.URL); o.Code != 1 {
			t.Errorf("broken: %t: wait %d %q for a server that is down", broken, o.Code, o.Stdout)
		}
		d.Stop()
	}
}

// What someone changes in Grafana is found as soon as anyone asks, named, and corrected. It is also corrected by the next change
// of another kind.
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
		w.call(t, http.MethodPut, "/api/datasources/uid/prom", `{"name": "Prometheus", "uid": "prom", "type": "prometheus", "access": "proxy", "url": "http://127.0.0.1:1/hand", "isDefault": true}`, nil)
		d.live(t)
		if err := w.has("prom", at(9090)); err != nil {
			t.Errorf("wait reports it as live: %v", err)
		}
		d.Log.Has(t, "differs from the file in url")
		w.call(t, http.MethodPut, "/api/datasources/uid/prom", `{"name": "Prometheus", "uid": "prom", "type": "prometheus", "access": "proxy", "url": "http://127.0.0.1:1/hand", "isDefault": true}`, nil)
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

// A dashboard that Grafana skips is not live, and is named; the other one of the same change is loaded.
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
		d.notLive(t, s)
		var board struct{ Dashboard struct{ Title string } }
		if err := w.ask("/api/dashboards/uid/a", &board); err != nil || board.Dashboard.Title != "Second" {
			t.Errorf("the other dashboard is %q, %v", board.Dashboard.Title, err)
		}
		dashboards.Swap(map[string]string{"a.json": `{"uid": "a", "title": "Second"}`, "b.json": `{"uid": "b", "title": "Third"}`})
		d.inSync(3)
	})
}
