package grafana

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

func datasource(port int) map[string]string {
	return map[string]string{"datasource.yaml": fmt.Sprintf(
		"apiVersion: 1\ndatasources:\n  - name: Prometheus\n    uid: prom\n    type: prometheus\n    access: proxy\n    url: %s\n", at(port))}
}

func at(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

// With the layout of Grafana's own container (datasource.yaml in provisioning/datasources and grafana.ini in a directory of its
// own, each a ConfigMap), a change is one reload, equal contents are none, and a setting waits for a restart.
func TestConfigMapsAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, grafanatest.Options{Ini: map[string]map[string]string{"users": {"default_theme": "dark"}, "security": {"admin_password": "x"}}})
	ds := w.mount("datasources", datasource(9090))
	dir := filepath.Join(t.TempDir(), "grafana")
	ini := volume.New(t, dir, map[string]string{"grafana.ini": "[users]\ndefault_theme = dark\n"})
	d := w.start("--grafana-ini", filepath.Join(dir, "grafana.ini"))
	d.inSync(1)
	if err := w.has("prom", at(9090)); err != nil {
		t.Error(err)
	}

	before := len(w.calls())
	ds.Swap(datasource(9091))
	d.inSync(2)
	if err := w.has("prom", at(9091)); err != nil {
		t.Error(err)
	}
	if got := w.calls()[before:]; !slices.Equal(got, []string{"datasources"}) {
		t.Errorf("calls %v, want one for datasources", got)
	}

	// Equal contents in a new directory, or with new times, are not a change.
	before = len(w.calls())
	ds.Swap(datasource(9091))
	now := time.Now()
	if err := os.Chtimes(filepath.Join(ds.Dir, "datasource.yaml"), now, now); err != nil {
		t.Fatal(err)
	}
	d.Reread()

	// A setting is named as waiting for a restart until Grafana has restarted.
	ini.Swap(map[string]string{"grafana.ini": "[users]\ndefault_theme = light\n"})
	s := d.Reaches("the setting waits", func(s reload.Status) bool { return s.Phase == reload.InSync && len(s.RestartRequired) > 0 })
	if !slices.Equal(s.RestartRequired, []string{"users.default_theme"}) {
		t.Errorf("waiting for %v", s.RestartRequired)
	}
	if got := d.Metric(`reloader_restart_required{target="grafana"}`); got != "1" {
		t.Errorf("reloader_restart_required %s", got)
	}
	if got := w.calls()[before:]; len(got) != 0 {
		t.Errorf("calls %v for equal contents and a changed grafana.ini, want none", got)
	}
	w.fake.SetIni(map[string]map[string]string{"users": {"default_theme": "light"}})
	if err := w.fake.Restart(); err != nil {
		t.Fatal(err)
	}
	d.Reread()
	d.Reaches("nothing waits after the restart", func(s reload.Status) bool { return s.Phase == reload.InSync && len(s.RestartRequired) == 0 })
}

// A broken file is named with file and line, and never loaded; the corrected one is.
func TestBrokenChange(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ds := w.mount("datasources", datasource(9090))
		d := w.start()
		d.inSync(1)
		ds.Swap(datasource(9091))
		d.inSync(2)
		before, err := d.Status()
		if err != nil {
			t.Fatal(err)
		}
		broken := datasource(9092)
		broken["datasource.yaml"] += "    isDefault: yes\n"
		ds.Swap(broken)
		s := d.Reaches("the broken file is refused", func(s reload.Status) bool { return s.Phase == reload.Rejected })
		place := filepath.Join(ds.Dir, "datasource.yaml") + ":8:"
		if len(s.Findings) == 0 || !strings.HasPrefix(s.Findings[0].String(), place) {
			t.Errorf("findings %v, want one at %s", s.Findings, place)
		}
		d.Log.Has(t, "datasource.yaml:8:")
		if got := d.Metric(`reloader_findings{severity="error",target="grafana"}`); got != "1" {
			t.Errorf("reloader_findings %s", got)
		}
		if got := d.Metric(`reloader_last_reload_successful{target="grafana"}`); got != "0" {
			t.Errorf("reloader_last_reload_successful %s", got)
		}
		if s.Counts.Reloads != before.Counts.Reloads {
			t.Errorf("%d reloads for a broken file", s.Counts.Reloads-before.Counts.Reloads)
		}
		if err := w.has("prom", at(9091)); err != nil {
			t.Error(err)
		}
		ds.Swap(datasource(9093))
		s = d.inSync(4)
		if err := w.has("prom", at(9093)); err != nil {
			t.Error(err)
		}
		if s.Counts.Reloads != before.Counts.Reloads+1 {
			t.Errorf("%d reloads for the corrected file, want 1", s.Counts.Reloads-before.Counts.Reloads)
		}
	})
}

// Dashboards in a volume of their own, which the provider file names, are followed as well: each change becomes live.
func TestDashboards(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		json := filepath.Join(w.provisioning, "json")
		boards := volume.New(t, json, map[string]string{"a.json": `{"uid": "e2e-a", "title": "First"}`})
		w.mount("dashboards", map[string]string{"p.yaml": "apiVersion: 1\nproviders:\n  - name: e2e\n    updateIntervalSeconds: 3600\n    options:\n      path: " + json + "\n"})
		d := w.start()
		d.inSync(1)
		for i := range 3 { // the server's own watch would miss all but the first
			title := fmt.Sprintf("Title %d", i)
			boards.Swap(map[string]string{"a.json": fmt.Sprintf(`{"uid": "e2e-a", "title": %q}`, title)})
			s := d.inSync(uint64(i) + 2)
			var shown struct{ Dashboard struct{ Title string } }
			if err := w.ask("/api/dashboards/uid/e2e-a", &shown); err != nil || shown.Dashboard.Title != title {
				t.Errorf("the dashboard has the title %q, want %q, %v", shown.Dashboard.Title, title, err)
			}
			if len(s.Differences) > 0 || !strings.Contains(s.Proof, "1 dashboard") {
				t.Errorf("proof %q, differences %v", s.Proof, s.Differences)
			}
		}
	})
}

// A change of one data source out of 1,000 is one reload, and kinds without a change are not reloaded.
func TestOneOfThousand(t *testing.T) {
	t.Parallel()
	const n = 1000
	many := func(port int) map[string]string {
		var b strings.Builder
		b.WriteString("apiVersion: 1\ndatasources:\n")
		for i := range n {
			p := 1000 + i
			if i == n/2 {
				p = port
			}
			fmt.Fprintf(&b, "  - {name: DS%d, uid: ds-%d, type: prometheus, url: %q}\n", i, i, at(p))
		}
		return map[string]string{"datasource.yaml": b.String()}
	}
	w := newWorld(t, grafanatest.Options{})
	ds := w.mount("datasources", many(9090))
	w.mount("alerting", map[string]string{"cp.yaml": "apiVersion: 1\ncontactPoints: [{name: Hook, receivers: [{uid: hook, type: webhook, settings: {url: 'http://127.0.0.1:1/'}}]}]\n"})
	d := w.start()
	d.inSync(1)
	before := len(w.calls())
	ds.Swap(many(9091))
	d.inSync(2)
	if err := w.has(fmt.Sprintf("ds-%d", n/2), at(9091)); err != nil {
		t.Error(err)
	}
	if got := w.calls()[before:]; !slices.Equal(got, []string{"datasources"}) {
		t.Errorf("calls %v, want one for datasources", got)
	}
}

// After two tries with a wrong password nothing is sent, whatever changes. The corrected password works at once.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, grafanatest.Options{})
	w.setPassword("wrong")
	ds := w.mount("datasources", datasource(9090))
	d := w.start()
	d.Reaches("the password is refused", func(s reload.Status) bool {
		return s.Failure != nil && s.Failure.Class == reload.ClassUnauthorized && strings.Contains(s.Failure.Message, "nothing is sent")
	})
	for i := range 5 { // no change causes a third try
		ds.Swap(datasource(9091 + i))
		d.Reread()
		d.Reaches("the change is seen", func(s reload.Status) bool { return s.Counts.Changes >= uint64(i)+2 })
	}
	if got := w.fake.Failures("admin"); got != 2 {
		t.Errorf("%d tries with the wrong password, want 2", got)
	}
	w.setPassword("admin")
	d.inSync(6)
	if err := w.has("prom", at(9095)); err != nil {
		t.Error(err)
	}
	if got := w.fake.Failures("admin"); got != 2 {
		t.Errorf("%d failed tries after the right password, want 2", got)
	}
}

// Whatever fault the server had, afterwards the newest valid files are live and proven. There are never two reloads at the same
// time, and none is cancelled.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]struct {
		fault grafanatest.Faults
		lift  bool // the fault does not end by itself
		seen  func(d *daemon) error
	}{
		"hang":   {grafanatest.Faults{Hang: true}, true, inPhase(reload.Reloading)},
		"reset":  {grafanatest.Faults{Reset: 2}, false, nil},
		"down":   {grafanatest.Faults{Down: true}, true, inPhase(reload.Waiting, reload.Retrying)},
		"locked": {grafanatest.Faults{Locked: 7}, false, nil},
		"lies":   {grafanatest.Faults{Ignore: true}, true, inPhase(reload.Mismatch)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, grafanatest.Options{})
			ds := w.mount("datasources", datasource(9090))
			d := w.start()
			d.inSync(1)
			w.fake.SetFaults(f.fault)
			ds.Swap(datasource(9091))
			if f.seen != nil {
				rig.Eventually(t, "the fault shows", func() error { return f.seen(d) })
			}
			ds.Swap(datasource(9092)) // newest wins
			if f.lift {
				w.fake.SetFaults(grafanatest.Faults{})
			}
			rig.Eventually(t, "the newest files are live", func() error { return w.has("prom", at(9092)) })
			d.inSync(2)
			if w.fake.Overlapped() {
				t.Error("two reloads were in flight at once")
			}
			for _, c := range w.fake.Calls() {
				if c.Cancelled {
					t.Errorf("the reload of %s was cancelled", c.Kind)
				}
			}
		})
	}
}

func inPhase(phases ...reload.Phase) func(d *daemon) error {
	return func(d *daemon) error {
		s, err := d.Status()
		if err == nil && !slices.Contains(phases, s.Phase) {
			err = errors.New(string(s.Phase))
		}
		return err
	}
}

// After a restart in the middle of a reload, the newest files become live.
func TestRestartDuringReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, grafanatest.Options{})
	ds := w.mount("datasources", datasource(9090))
	d := w.start()
	d.inSync(1)
	w.fake.SetFaults(grafanatest.Faults{Hang: true})
	ds.Swap(datasource(9091))
	rig.Eventually(t, "the reload runs", func() error { return inPhase(reload.Reloading)(d) })
	if err := w.fake.Restart(); err != nil {
		t.Fatal(err)
	}
	w.fake.SetFaults(grafanatest.Faults{})
	rig.Eventually(t, "the newest files are live", func() error { return w.has("prom", at(9091)) })
	d.inSync(2)
}
