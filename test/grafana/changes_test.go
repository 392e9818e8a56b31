package grafana

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/grafana/validator"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// within moves the dashboards of a set of files below the directory of the provider files, which reloader and Grafana see at
// different paths.
func within(files map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range files {
		if rest, ok := strings.CutPrefix(name, "json/"); ok {
			name = "dashboards/json/" + rest
		}
		out[name] = strings.ReplaceAll(text, "@DIR@/json", "@DIR@/dashboards/json") + "\n"
	}
	return out
}

// If Grafana's mount is stale, nothing counts as live that it does not run: not in the status, not for `wait`, not in the metric.
// The differences are named, with their cause. Once Grafana sees the files, they are live without help. Where Grafana does not
// show something, the proof says that it rests on its answer alone.
func TestChangesBehindAStaleMount(t *testing.T) {
	parallel(t)
	for _, c := range grafanatest.Changes() {
		t.Run("fake/"+c.Name, func(t *testing.T) {
			t.Parallel()
			staleMount(t, newWorld(t, likeReal), c)
		})
	}
	t.Run("real", func(t *testing.T) {
		w := newRealWorld(t)
		g := w.real
		lay(t, g.Provisioning, nil)
		for _, c := range grafanatest.Changes() {
			t.Run(c.Name, func(t *testing.T) {
				g.Clean(t)
				staleMount(t, w, c)
			})
		}
	})
}

func staleMount(t *testing.T, w *world, c grafanatest.Change) {
	t.Helper()
	before, after := within(c.Before), within(c.After)
	lay(t, w.provisioning, before)
	fresh := filepath.Join(t.TempDir(), "fresh")
	layFor(t, fresh, w.provisioning, before)
	var flags []string
	for _, guard := range validator.Guards() {
		flags = append(flags, "--allow", guard)
	}
	d := w.startOn(fresh+"="+w.provisioning, flags...)
	defer d.Stop()
	first := d.inSync(1)

	layFor(t, fresh, w.provisioning, after)
	s := d.Reaches("the change is judged", func(s reload.Status) bool {
		return s.Wanted != first.Wanted && (s.Phase == reload.Mismatch || s.Phase == reload.InSync && s.Running == s.Wanted)
	})
	o := rig.WaitBriefly(t, d.URL)
	metric := d.Metric(`reloader_last_reload_successful{target="grafana"}`)
	switch {
	case c.Hidden || c.Stays:
		if s.Phase != reload.InSync || c.Hidden && !strings.Contains(s.Proof, "not shown by Grafana") {
			t.Errorf("%s, proof %q", s.Phase, s.Proof)
		}
		return
	case s.Phase != reload.Mismatch || o.Code != 1 || metric != "0" || len(s.Differences) == 0 || s.Cause == "" || s.Running == s.Wanted:
		t.Errorf("%s, wait %d %q, metric %s, differences %q, cause %q", s.Phase, o.Code, o.Stdout, metric, s.Differences, s.Cause)
	}
	layFor(t, w.provisioning, w.provisioning, after)
	if c.Unhealed {
		return
	}
	w.loads(t)
	d.Reaches("healed", func(s reload.Status) bool {
		return s.Phase == reload.InSync && s.Running == s.Wanted && s.Wanted != first.Wanted
	})
	d.live(t)
}

// loads lets Grafana load its files without reloader, as a restart with the correct mount does.
func (w *world) loads(t *testing.T) {
	t.Helper()
	if w.fake != nil {
		if err := w.fake.Restart(); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, kind := range []string{"datasources", "alerting", "dashboards"} {
		rig.Eventually(t, "a reload of "+kind, func() error { // it can fail during one of reloader's
			status, answer, err := w.real.Ask(t.Context(), http.MethodPost, "/api/admin/provisioning/"+kind+"/reload", 0, "")
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("%d %s", status, answer)
			}
			return err
		})
	}
}

// layFor writes files, in which paths are those of Grafana's directory, into another directory. Each is replaced at once, and
// files that are not needed are removed last.
func layFor(t *testing.T, dir, server string, files map[string]string) {
	t.Helper()
	for _, kind := range []string{"datasources", "alerting", "dashboards"} {
		if err := os.MkdirAll(filepath.Join(dir, kind), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{}
	for name, text := range files {
		want[filepath.Join(dir, name)] = strings.ReplaceAll(text, "@DIR@", server)
	}
	for path, text := range want {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	have := map[string]bool{}
	if err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			have[path] = true
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for path := range maps.Keys(have) {
		if _, ok := want[path]; !ok {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// startOn starts reloader with this value of --grafana-provisioning.
func (w *world) startOn(provisioning string, flags ...string) *daemon {
	w.t.Helper()
	r := rig.NewReloader(w.t, append([]string{
		"--grafana-url", w.url, "--grafana-provisioning", provisioning,
		"--grafana-username", "admin", "--grafana-password-file", w.password, "--log-level", "debug",
	}, flags...)...)
	r.Start()
	return &daemon{r}
}
