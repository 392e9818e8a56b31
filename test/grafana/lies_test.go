package grafana

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// restart ends Grafana and starts it again.
func (w *world) restart() {
	w.t.Helper()
	if w.fake == nil {
		w.real.Restart(w.t)
		return
	}
	if err := w.fake.Restart(); err != nil {
		w.t.Fatal(err)
	}
}

// notLive checks that neither status nor wait nor the metric reports that Grafana runs the newest files.
func (d *daemon) notLive(t *testing.T, s reload.Status) {
	t.Helper()
	o := rig.WaitBriefly(t, d.URL)
	if s.Phase == reload.InSync || o.Code != 1 {
		t.Errorf("%s, wait %d %q", s.Phase, o.Code, o.Stdout)
	}
	rig.Until(t, "reloader_last_reload_successful is 0", func() bool { // after 10 s, if the change waits for its server
		return d.Metric(`reloader_last_reload_successful{target="grafana"}`) == "0"
	})
}

// live waits until the newest files are live, and checks that wait and the metric report it.
func (d *daemon) live(t *testing.T) {
	t.Helper()
	o := rig.Command(t, "wait", "--url", d.URL, "--synced", "--timeout", rig.Patience.String())
	if metric := d.Metric(`reloader_last_reload_successful{target="grafana"}`); o.Code != 0 || metric != "1" {
		t.Errorf("wait %d %q %q, metric %s", o.Code, o.Stdout, o.Stderr, metric)
	}
}

// proxied is Grafana behind a proxy. While on is set, the proxy answers some requests itself.
func proxied(t *testing.T, w *world, path, method string, status int, body string) (front string, on *atomic.Bool) {
	t.Helper()
	target, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	on = &atomic.Bool{}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if on.Load() && strings.HasPrefix(r.URL.Path, path) && r.Method == method {
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte(body))
			return
		}
		forward.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, on
}

// f6 to f12b: what a proxy answers in place of Grafana proves nothing. Once it forwards everything, the files become live.
func TestProxyProvesNothing(t *testing.T) {
	parallel(t)
	const reloads = "/api/admin/provisioning/"
	for name, row := range map[string]struct {
		path, method string
		status       int
		body         string
	}{
		"f6 500":                        {"/api/datasources", http.MethodGet, 500, `{"message": "oops"}`},
		"f7 403":                        {"/api/datasources", http.MethodGet, 403, `{"message": "no"}`},
		"f8 login page":                 {"/api/datasources", http.MethodGet, 200, "<html>login</html>"},
		"f12 reload answered by itself": {reloads, http.MethodPost, 200, `{"message": "Datasources config reloaded"}`},
		"reload answered by 404":        {reloads, http.MethodPost, 404, "not found"},
		"f11 health 500":                {"/api/health", http.MethodGet, 500, "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, w *world) {
				lay(t, w.provisioning, nil)
				write(t, w.provisioning, datasource(9090))
				front, on := proxied(t, w, row.path, row.method, row.status, row.body)
				behind := *w
				behind.t, behind.url = t, front
				d := behind.start("--poll-interval", "2s")
				first := d.inSync(1)
				on.Store(true)
				write(t, w.provisioning, datasource(9091))
				s := d.Reaches("the change is not live", func(s reload.Status) bool {
					return s.Wanted != first.Wanted && s.Phase != reload.InSync && (s.Failure != nil || s.Phase == reload.Mismatch || s.Phase == reload.Waiting)
				})
				d.notLive(t, s)
				on.Store(false)
				d.Reaches("live behind a proxy that lets everything through", func(s reload.Status) bool {
					if s.Phase == reload.Mismatch { // reloader does not reload again, so the proxy's operator does
						w.reloadsByHand(t)
					}
					return s.Phase == reload.InSync && s.Running == s.Wanted
				})
				d.live(t)
				if err := w.has("prom", at(9091)); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// reloadsByHand lets Grafana load the data sources without reloader.
func (w *world) reloadsByHand(t *testing.T) {
	t.Helper()
	w.call(t, http.MethodPost, "/api/admin/provisioning/datasources/reload", "", nil)
}

// write replaces the file of data sources.
func write(t *testing.T, provisioning string, files map[string]string) {
	t.Helper()
	path := filepath.Join(provisioning, "datasources", "datasource.yaml")
	if err := os.WriteFile(path+".new", []byte(files["datasource.yaml"]), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// k6, k7: Grafana restarts, and the files change before reloader asks it again.
func TestChangeRightAfterARestart(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ds := w.mount("datasources", datasources())
		d := w.start()
		d.inSync(1)
		for i, files := range []map[string]string{
			datasources("editable: false", "editable: true"),
			datasources(twoDatasources[strings.Index(twoDatasources, "  - name: Second"):], ""),
		} {
			w.restart()
			ds.Swap(files)
			d.inSync(uint64(i) + 2)
			d.live(t)
			want := []string{"ReadOnly:false} {Name:Second", "ReadOnly:true}] ["}[i]
			if got := w.shown(t); !strings.Contains(got, want) {
				t.Errorf("called live while Grafana has %s, want %s", got, want)
			}
		}
	})
}

// k8: a data source was removed while reloader was away, so the gate no longer has the file that Grafana must prune from.
func TestPrunedBehindAGate(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		server := w.provisioning
		w.provisioning = filepath.Join(t.TempDir(), "source")
		ds := w.mount("datasources", datasources())
		d := w.start("--grafana-gate", server)
		d.inSync(1)
		d.Stop()
		ds.Swap(datasources(twoDatasources[strings.Index(twoDatasources, "  - name: Second"):], ""))
		d = w.start("--grafana-gate", server)
		d.inSync(1)
		d.live(t)
		if got := w.shown(t); strings.Contains(got, "Second") {
			t.Errorf("called live while Grafana has %s", got)
		}
	})
}

// d7: with disableDeletion, a dashboard stays after its file was removed. A warning says so, and the files are live.
func TestDashboardThatStaysIsReported(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		json := filepath.Join(w.provisioning, "json")
		boards := w.mount("json", map[string]string{"a.json": `{"uid": "a", "title": "A"}`, "b.json": `{"uid": "b", "title": "B"}`})
		w.mount("dashboards", map[string]string{"p.yaml": "apiVersion: 1\nproviders: [{name: e2e, disableDeletion: true, updateIntervalSeconds: 3600, options: {path: " + json + "}}]\n"})
		d := w.start()
		d.inSync(1)
		boards.Swap(map[string]string{"a.json": `{"uid": "a", "title": "A"}`})
		s := d.inSync(2)
		d.live(t)
		var board struct{ Dashboard struct{ Title string } }
		if err := w.ask("/api/dashboards/uid/b", &board); err != nil {
			t.Errorf("the dashboard is gone: %v", err)
		}
		if !slices.ContainsFunc(s.Findings, func(f finding.Finding) bool {
			return f.Severity == finding.Warning && strings.Contains(f.Message, "b.json")
		}) {
			t.Errorf("findings %v", s.Findings)
		}
	})
}

// e7: Grafana silently skips an entry with an older version number. That is a mismatch, and its cause names the version.
func TestOlderVersionIsNotLive(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		of := func(version, port int) map[string]string {
			files := datasource(port)
			files["datasource.yaml"] += fmt.Sprintf("    version: %d\n", version)
			return files
		}
		ds := w.mount("datasources", of(3, 9090))
		d := w.start()
		d.inSync(1)
		w.reloadsByHand(t) // a new data source has version 1; its next update gets the version of the file plus one
		ds.Swap(of(2, 9091))
		s := d.Reaches("a mismatch", func(s reload.Status) bool { return s.Phase == reload.Mismatch })
		d.notLive(t, s)
		if len(s.Differences) == 0 || !strings.Contains(s.Differences[0], "url") || !strings.Contains(s.Cause, "version") {
			t.Errorf("differences %q, cause %q", s.Differences, s.Cause)
		}
		ds.Swap(of(9, 9091))
		d.inSync(3)
		d.live(t)
	})
}

// u3c: soon after Grafana stops, nothing counts as running.
func TestStoppedGrafana(t *testing.T) {
	t.Run("real", func(t *testing.T) {
		w := newRealWorld(t)
		g := w.real
		w.mount("datasources", datasource(9090))
		d := w.start("--poll-interval", "2s")
		d.inSync(1)
		g.Stop()
		s := d.Reaches("nothing counts as running", func(s reload.Status) bool { return s.Running.IsZero() && s.Phase != reload.InSync })
		d.notLive(t, s)
		g.Start(t)
		d.Reaches("it is back", func(s reload.Status) bool { return s.Phase == reload.InSync })
		d.live(t)
	})
}
