// Package gate tests the built programs with a real Prometheus, which reads only what reloader published.
package gate

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

func TestMain(m *testing.M) { rig.Main(m) }

// world is a pod: a mounted volume, a gate, a Prometheus that reads only the gate, and reloader.
type world struct {
	t      *testing.T
	volume *volume.Volume
	gate   string

	prometheus *rig.Prometheus
	reloader   *rig.Reloader
}

// newWorld prepares everything, and starts nothing.
func newWorld(t *testing.T, files map[string]string, flags ...string) *world {
	t.Helper()
	dir := t.TempDir()
	v := volume.New(t, filepath.Join(dir, "mount"), files)
	w := &world{t: t, volume: v, gate: filepath.Join(dir, "gate")}
	w.prometheus = rig.NewPrometheus(t, filepath.Join(w.gate, "prometheus.yml"))
	w.reloader = rig.NewReloader(t, append([]string{
		"--prometheus-url", w.prometheus.Proxy, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"), "--prometheus-gate", w.gate,
	}, flags...)...)
	return w
}

// started is the startup probe: it succeeds once the gate holds a generation.
func (w *world) started() error {
	_, err := rig.Get(w.t, w.reloader.URL+"/readyz?startup")
	return err
}

// start starts the pod: reloader first, and Prometheus as soon as the gate has something to read.
func (w *world) start() {
	w.t.Helper()
	w.reloader.Start()
	rig.Eventually(w.t, "a first generation", w.started)
	w.prometheus.Start()
}

// reaches waits for a phase of the newest files.
func (w *world) reaches(phase reload.Phase) reload.Status {
	w.t.Helper()
	return w.reloader.ReachesWith(w.volume.Dir, phase)
}

// runs says whether Prometheus runs exactly this generation: its main file and its rules.
func (w *world) runs(n int) error {
	if err := w.prometheus.Runs(fmt.Sprintf("generation: g%d\n", n)); err != nil {
		return err
	}
	var rules struct {
		Data struct{ Groups []struct{ Name string } }
	}
	if err := rig.GetJSON(w.t, w.prometheus.URL+"/api/v1/rules", &rules); err != nil {
		return err
	}
	if len(rules.Data.Groups) != 2 || rules.Data.Groups[0].Name != fmt.Sprintf("g%d", n) || rules.Data.Groups[1].Name != rules.Data.Groups[0].Name {
		return fmt.Errorf("Prometheus runs the rules %v with the main file of generation %d", rules.Data.Groups, n)
	}
	return nil
}

// healthy checks that Prometheus never logged an error about a file.
func (w *world) healthy() {
	w.t.Helper()
	for line := range strings.Lines(w.prometheus.Log.String()) {
		// kill -9 leaves incomplete files of Prometheus' own, which it reports at the next start.
		own := strings.Contains(line, "component=activeQueryTracker") || strings.Contains(line, "component=tsdb")
		if !own && strings.Contains(line, "level=ERROR") {
			w.t.Errorf("Prometheus logged: %s", line)
		}
	}
}
