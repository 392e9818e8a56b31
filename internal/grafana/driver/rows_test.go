package driver

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
	"reloader/internal/snapshot"
)

// elsewhere is what reloader reads when its mount is fresh and Grafana's is stale: files in another directory, under the paths
// that Grafana sees.
func (s server) elsewhere(t *testing.T, files map[string]string) *snapshot.Set {
	t.Helper()
	other := server{provisioning: t.TempDir()}
	for name, content := range files {
		other.write(t, name, strings.ReplaceAll(content, "@DIR@", s.provisioning)+"\n") // as lay does
	}
	var snaps []*snapshot.Snapshot
	for _, kind := range kindsIn(t, other.provisioning) {
		snap, err := snapshot.Take(t.Context(), snapshot.Source{Name: kind, Dir: filepath.Join(other.provisioning, kind), ServerDir: filepath.Join(s.provisioning, kind)}, snapshot.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		snaps = append(snaps, snap)
	}
	return snapshot.NewSet(snaps...)
}

func kindsIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

// No change counts as live while Grafana runs the previous files, whether its mount is stale or reloader was away. Once Grafana
// has read the files, the change is proven.
func TestContractRows(t *testing.T) {
	servers(t, func(t *testing.T, s server) {
		for _, row := range grafanatest.Changes() {
			t.Run(row.Name, func(t *testing.T) {
				r := newRig(t, s.url, s.password, nil)
				s.clean(t, r)
				old := s.lay(t, row.Before)
				if _, v, err := r.apply(t.Context(), nil, old); err != nil || !v.Proven {
					t.Fatalf("the files before: %+v %v", v, err)
				}

				// Grafana's mount is stale: its reload is answered with 200.
				stale := s.elsewhere(t, row.After)
				_, v, err := r.apply(t.Context(), old, stale)
				switch {
				case err != nil:
					t.Fatal(err)
				case row.Hidden && (!v.Proven || !strings.Contains(v.By, "not shown by Grafana")):
					t.Errorf("stale, and not shown: %+v, want a proof by the answer that says what was not read", v)
				case row.Stays && !v.Proven, !row.Hidden && !row.Stays && (v.Proven || !v.Mismatch || len(v.Differences) == 0 || v.Cause == ""):
					t.Errorf("stale: %+v", v)
				}

				// reloader was away: another driver, which has reloaded nothing.
				away := newRig(t, s.url, s.password, nil)
				set := s.lay(t, row.After)
				seen, err := away.Observe(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p, err := away.Plan(t.Context(), reload.Change{New: set, Contents: true, Server: seen})
				if err != nil {
					t.Fatal(err)
				}
				if v, err = away.Confirm(t.Context(), p, reload.Proof{Before: seen}); err != nil || v.Proven && !row.Stays && !strings.Contains(row.Name, "dropped") {
					t.Errorf("after an absence, without a call: %+v %v", v, err)
				}

				// Now Grafana reads the files.
				_, v, err = r.apply(t.Context(), stale, set)
				if err != nil || v.Proven == row.Unhealed {
					t.Errorf("healed: %+v %v", v, err)
				}
			})
		}
	})
}

// Many differences, as with a stale mount, are cut to a readable number in the status and in the one line of the log.
func TestContractManyDifferences(t *testing.T) {
	servers(t, func(t *testing.T, s server) {
		r := newRig(t, s.url, s.password, nil)
		s.clean(t, r)
		old := s.lay(t, map[string]string{"datasources/ds.yaml": "apiVersion: 1\n"})
		text := "apiVersion: 1\ndatasources:\n"
		for i := range maxListed + 10 {
			text += fmt.Sprintf("- {name: Many %d, uid: many-%d, type: prometheus, url: 'http://127.0.0.1:9090'}\n", i, i)
		}
		_, v, err := r.apply(t.Context(), old, s.elsewhere(t, map[string]string{"datasources/ds.yaml": text}))
		if err != nil || !v.Mismatch || len(v.Differences) != maxListed+1 || v.Differences[maxListed] != "and 10 more" || !strings.HasSuffix(v.Reason, "and 25 more") {
			t.Errorf("%d differences: %+v %v", len(v.Differences), v, err)
		}
	})
}

// What someone changes in Grafana by hand is found by the next comparison, named without values, and corrected by the next
// reload, even if that one is for another kind. It does not delay other kinds.
func TestContractDrift(t *testing.T) {
	servers(t, func(t *testing.T, s server) {
		files := map[string]string{"datasources/ds.yaml": strings.NewReplacer("@PRUNE@", "true", "editable: false", "editable: true").Replace(grafanatest.TwoDatasources)}
		const board = `{"uid": "b1", "title": "One", "panels": []}`
		files["dashboards/p.yaml"] = strings.NewReplacer("@FOLDER@", "Boards", "disableDeletion: false", "allowUiUpdates: true").Replace(grafanatest.WithFolder)
		files["json/b1.json"] = board
		for _, tt := range []struct{ name, method, path, body, names string }{
			{"g1 datasource", http.MethodPut, "/api/datasources/uid/prom", `{"name": "Prometheus", "uid": "prom", "type": "prometheus", "access": "proxy", "url": "http://127.0.0.1:1/hand", "isDefault": true, "jsonData": {"timeInterval": "15s"}}`, `"Prometheus"`},
			{"g3 dashboard", http.MethodPost, "/api/dashboards/db", `{"dashboard": {"uid": "b1", "title": "By hand", "panels": []}, "folderUid": "@FOLDER@", "overwrite": true}`, `"b1"`},
		} {
			t.Run(tt.name, func(t *testing.T) {
				r := newRig(t, s.url, s.password, nil)
				s.clean(t, r)
				set := s.lay(t, files)
				p, v, err := r.apply(t.Context(), nil, set)
				if err != nil || !v.Proven {
					t.Fatalf("%+v %v", v, err)
				}
				var shown struct{ Meta struct{ FolderUID string } }
				_ = r.api.get(t.Context(), "/api/dashboards/uid/b1", nil, &shown)
				a, err := r.api.do(t.Context(), tt.method, tt.path, http.Header{"Content-Type": {"application/json"}}, []byte(strings.ReplaceAll(tt.body, "@FOLDER@", shown.Meta.FolderUID)))
				if err != nil || a.status != http.StatusOK {
					t.Fatalf("%s: %d %s %v", tt.path, a.status, a.body, err)
				}
				seen, err := r.Observe(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				look, err := r.Confirm(t.Context(), p, reload.Proof{Before: seen, Unchanged: true, Then: v.After})
				if err != nil || look.Proven || !look.Mismatch || !strings.Contains(strings.Join(look.Differences, " "), tt.names) || !strings.Contains(look.Cause, "by hand") {
					t.Fatalf("the look: %+v %v", look, err)
				}
				if text := strings.Join(look.Differences, " "); strings.Contains(text, "hand") {
					t.Errorf("a value is in %q", text)
				}
				// The next change is of another kind.
				changed := map[string]string{}
				for name, text := range files {
					changed[name] = strings.NewReplacer("url: http://127.0.0.1:9091", "url: http://127.0.0.1:9099", `"panels": []`, `"panels": [], "tags": ["x"]`).Replace(text)
				}
				if tt.method == http.MethodPut {
					changed["datasources/ds.yaml"] = files["datasources/ds.yaml"]
				} else {
					changed["json/b1.json"] = board
				}
				p, v, err = r.apply(t.Context(), set, s.lay(t, changed))
				if err != nil || !v.Proven {
					t.Errorf("after the next change: %+v %v", v, err)
				}
				want := []string{"POST /api/admin/provisioning/datasources/reload", "POST /api/admin/provisioning/dashboards/reload"}
				if !slices.Equal(p.Calls, want) {
					t.Errorf("calls %v, want %v", p.Calls, want)
				}
			})
		}
	})
}
