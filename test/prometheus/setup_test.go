// Package prometheus tests the built programs next to the real Prometheus.
package prometheus

import (
	"path/filepath"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

func TestMain(m *testing.M) { rig.MainOfWaiting(m, 10) }

// world is a mounted volume and a Prometheus that reads it.
type world struct {
	t          *testing.T
	volume     *volume.Volume
	prometheus *rig.Prometheus
}

// newWorld starts a Prometheus on the first files.
func newWorld(t *testing.T, files map[string]string) *world {
	t.Helper()
	v := volume.New(t, filepath.Join(t.TempDir(), "etc"), files)
	w := &world{t: t, volume: v, prometheus: rig.NewPrometheus(t, filepath.Join(v.Dir, "prometheus.yml"))}
	w.prometheus.Start()
	w.prometheus.Ready()
	return w
}

func (w *world) config() string { return filepath.Join(w.volume.Dir, "prometheus.yml") }

// daemon is a running `reloader run` that follows the world's volume.
type daemon struct {
	*rig.Reloader
	dir string
}

func (w *world) start(flags ...string) *daemon {
	w.t.Helper()
	r := rig.NewReloader(w.t, append([]string{"--prometheus-url", w.prometheus.Proxy, "--prometheus-config", w.config()}, flags...)...)
	r.Start()
	return &daemon{r, w.volume.Dir}
}

// reaches waits for this phase with the newest files.
func (d *daemon) reaches(phase reload.Phase) reload.Status { return d.ReachesWith(d.dir, phase) }
