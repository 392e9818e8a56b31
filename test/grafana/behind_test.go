package grafana

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// What someone changes in Grafana is found as soon as anyone asks reloader, named, and corrected: a secret that was changed by
// hand, which Grafana does not show, and a data source that was deleted. If nothing changed, asking causes no reload.
func TestBehindItsBack(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		files := secretDatasource("A")
		files["datasource.yaml"] += "    editable: true\n"
		w.mount("datasources", files)
		json := filepath.Join(w.provisioning, "json")
		w.mount("json", map[string]string{"a.json": `{"uid": "a", "title": "A"}`})
		w.mount("dashboards", map[string]string{"p.yaml": "apiVersion: 1\nproviders: [{name: e2e, folder: Boards, folderUid: boards, updateIntervalSeconds: 3600, options: {path: " + json + "}}]\n"})
		d := w.start()
		d.inSync(1)
		const edit = `{"name": "Prometheus", "uid": "prom", "type": "prometheus", "access": "proxy", "url": "http://127.0.0.1:9090", "isDefault": true, "version": @VERSION@, "secureJsonData": {"httpHeaderValue1": "by hand"}}`
		for _, tt := range []struct{ name, method, path, body, says string }{
			{"nothing", "", "", "", ""},
			{"secret", http.MethodPut, "/api/datasources/uid/prom", edit, "was saved after its file was loaded"},
			{"deleted", http.MethodDelete, "/api/datasources/uid/prom", "", "is missing"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				before, err := d.Status()
				if err != nil {
					t.Fatal(err)
				}
				if tt.method != "" {
					var shown struct{ Version int }
					if err := w.ask("/api/datasources/uid/prom", &shown); err != nil {
						t.Fatal(err)
					}
					w.call(t, tt.method, tt.path, strings.ReplaceAll(tt.body, "@VERSION@", fmt.Sprint(shown.Version)), nil) // as the user interface does
				}
				d.live(t)
				after, err := d.Status()
				if err != nil {
					t.Fatal(err)
				}
				if made := after.Counts.Reloads - before.Counts.Reloads; (made > 0) != (tt.method != "") {
					t.Errorf("%d reloads", made)
				}
				if tt.says != "" {
					d.Log.Has(t, tt.says)
				}
				if err := w.has("prom", at(9090)); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// When an organization is deleted, its files are no longer live, and the reason names it.
func TestOrganizationIsDeleted(t *testing.T) {
	run := func(t *testing.T, w *world) {
		files := datasource(9090)
		files["datasource.yaml"] += "    orgId: 2\n"
		w.mount("datasources", files)
		d := w.start()
		d.inSync(1)
		w.call(t, http.MethodDelete, "/api/orgs/2", "", nil)
		if o := rig.WaitBriefly(t, d.URL); o.Code != 1 {
			t.Errorf("wait %d %q %q", o.Code, o.Stdout, o.Stderr)
		}
		s := d.Reaches("the files are not live", func(s reload.Status) bool { return s.Phase != reload.InSync && s.Phase != reload.Confirming })
		d.notLive(t, s)
		d.Reaches("the organization is named", func(s reload.Status) bool {
			named := slices.ContainsFunc(s.Findings, func(f finding.Finding) bool {
				return f.Severity == finding.Error && strings.Contains(f.Message, "organization 2 does not exist")
			})
			return s.Running != s.Wanted && (named || strings.Contains(strings.Join(s.Differences, " "), "organization 2 does not exist"))
		})
	}
	t.Run("fake", func(t *testing.T) {
		t.Parallel()
		run(t, newWorld(t, likeReal))
	})
	t.Run("real", func(t *testing.T) {
		run(t, newRealWorld(t))
	})
}

// To a provider, a folder that someone renamed is another folder. That is found, and the next reload puts the dashboard right.
func TestFolderIsRenamed(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		json := filepath.Join(w.provisioning, "json")
		w.mount("json", map[string]string{"a.json": `{"uid": "a", "title": "A"}`})
		w.mount("dashboards", map[string]string{"p.yaml": "apiVersion: 1\nproviders: [{name: e2e, folder: Boards, updateIntervalSeconds: 3600, options: {path: " + json + "}}]\n"})
		d := w.start()
		d.inSync(1)
		var folders []struct{ UID, Title string }
		if err := w.ask("/api/folders", &folders); err != nil || len(folders) != 1 {
			t.Fatalf("%v %v", folders, err)
		}
		w.call(t, http.MethodPut, "/api/folders/"+folders[0].UID, `{"title": "By hand", "overwrite": true}`, nil)
		d.live(t)
		d.Log.Has(t, "is not in the folder of its provider")
		if err := w.ask("/api/folders", &folders); err != nil || !slices.ContainsFunc(folders, func(f struct{ UID, Title string }) bool { return f.Title == "Boards" }) {
			t.Errorf("called live with the folders %v, %v", folders, err)
		}
	})
}
