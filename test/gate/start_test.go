package gate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
)

// The ConfigMap of a new pod holds only bad files. With an empty gate the server does not start, and the kubelet
// gets the reason. With the gate of an earlier pod the server runs the last good files, and the rejection is logged.
func TestFirstStartWithBadFiles(t *testing.T) {
	t.Parallel()
	termination := filepath.Join(t.TempDir(), "termination-log")
	if err := os.WriteFile(termination, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, bad(1, 0), "--termination-log", termination)
	w.reloader.Start()
	if s := w.reaches(reload.Rejected); !strings.Contains(s.Reason, "the gate stays empty") {
		t.Errorf("reason %q", s.Reason)
	}
	if err := w.started(); err == nil || !strings.Contains(err.Error(), "prometheus has no generation yet") {
		t.Errorf("startup probe with an empty gate: %v", err)
	}
	if code := w.reloader.Stop(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	message, err := os.ReadFile(termination)
	if place := filepath.Join(w.volume.Dir, "prometheus.yml") + ":2:3"; err != nil || !strings.Contains(string(message), place) || !strings.Contains(string(message), "scrape_intervall") {
		t.Errorf("the termination message lacks %s: %q, %v", place, message, err)
	}
	if entries, err := os.ReadDir(w.gate); err != nil || len(entries) != 1 {
		t.Errorf("the gate holds %v, %v, want only the writer's notes", entries, err)
	}

	// The gate is on a persistent volume, and the pod ran good files before.
	w.volume.Swap(generation(3))
	w.start()
	w.reaches(reload.InSync)
	w.prometheus.Kill()
	w.reloader.Kill()

	w.volume.Swap(bad(2, 1))
	w.reloader.Start()
	rig.Eventually(t, "the startup probe with the last good files", w.started)
	w.prometheus.Start()
	w.prometheus.Ready()
	s := w.reaches(reload.Rejected)
	if !strings.Contains(s.Reason, "they are not applied") {
		t.Errorf("reason %q", s.Reason)
	}
	if v := w.reloader.Metric(`reloader_last_reload_successful{target="prometheus"}`); v != "0" {
		t.Errorf("reloader_last_reload_successful = %s, want 0", v)
	}
	w.reloader.Log.Has(t, "files rejected")
	w.reloader.Log.Has(t, "a.rules.yml:5")
	rig.Eventually(t, "the last good generation runs, proven", func() error {
		s, err := w.reloader.Status()
		if err != nil || s.Running.IsZero() {
			return fmt.Errorf("running %s, %w", s.Running, err)
		}
		return w.runs(3)
	})
	w.healthy()
}

// In a new pod the gate is empty and the server has not started, so its features are unknown. Rules that need a feature are published
// only if reloader's own flag names it. The server then starts on them.
func TestFirstStartWithAFeature(t *testing.T) {
	t.Parallel()
	files := generation(0)
	files["a.rules.yml"] += "  - record: few\n    expr: limitk(3, up)\n"
	w := newWorld(t, files)
	w.reloader.Start()
	w.reaches(reload.Rejected)
	w.reloader.Kill()

	w.prometheus = rig.NewPrometheusIn(t, filepath.Join(w.gate, "prometheus.yml"), "", "--enable-feature=promql-experimental-functions")
	w.reloader = rig.NewReloader(t, "--prometheus-url", w.prometheus.Proxy, "--prometheus-config", filepath.Join(w.volume.Dir, "prometheus.yml"),
		"--prometheus-gate", w.gate, "--prometheus-feature", "promql-delayed-name-removal,promql-experimental-functions")
	w.start()
	w.reaches(reload.InSync)
	w.healthy()
}
