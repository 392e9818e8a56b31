package driver

import (
	"context"
	"slices"
	"strings"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
)

type fakeProcess struct{ ended func() }

func (p fakeProcess) Terminate(context.Context) error {
	p.ended()
	return nil
}

// Changed settings of grafana.ini are named until the server has them. With a Restarter, Grafana is restarted once, not again
// for the same file, and not too soon for another one.
func TestIni(t *testing.T) {
	t.Parallel()
	old := map[string]map[string]string{"users": {"default_theme": "dark"}}
	g, s := fake(t, grafanatest.Options{Ini: old})
	s.write(t, "grafana.ini", "[users]\ndefault_theme = light\n")
	r := newRig(t, s.url, s.password, nil)
	p, v, err := r.apply(t.Context(), nil, s.read(t, "grafana.ini"))
	if err != nil || len(p.Calls) != 0 || !slices.Equal(v.RestartRequired, []string{"users.default_theme"}) {
		t.Fatalf("plan %+v verdict %+v %v", p, v, err)
	}

	ends := 0
	r = newRig(t, s.url, s.password, func(o *Options) {
		o.Restarter = fakeProcess{func() {
			ends++
			g.SetIni(map[string]map[string]string{"users": {"default_theme": "light"}})
			if err := g.Restart(); err != nil {
				t.Error(err)
			}
		}}
	})
	if _, v, err = r.apply(t.Context(), nil, s.read(t, "grafana.ini")); err != nil || !v.Proven || len(v.RestartRequired) != 0 || ends != 1 {
		t.Fatalf("after %d restarts: %+v %v", ends, v, err)
	}
	s.write(t, "grafana.ini", "[users]\ndefault_theme = system\n")
	p, _, err = r.apply(t.Context(), nil, s.read(t, "grafana.ini"))
	if err != nil || len(p.Calls) != 0 || ends != 1 || len(p.RestartRequired) != 1 {
		t.Errorf("a second change at once: plan %+v, %d restarts, %v", p, ends, err)
	}
	before, _ := r.Observe(t.Context())
	r.ahead += restartDistance
	after, _ := r.Observe(t.Context())
	if before.Load == after.Load {
		t.Error("the observation does not change when the restart becomes possible")
	}
	if _, _, err = r.apply(t.Context(), nil, s.read(t, "grafana.ini")); err != nil || ends != 2 {
		t.Errorf("after the minimum time between restarts: %d restarts, %v", ends, err)
	}
}

// A setting that a restart did not change is set elsewhere, and stops being named.
func TestIniSetByTheEnvironment(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{Ini: map[string]map[string]string{"users": {"default_theme": "dark"}}})
	s.write(t, "grafana.ini", "[users]\ndefault_theme = light\n")
	r := newRig(t, s.url, s.password, nil)
	set := s.read(t, "grafana.ini")
	if _, v, err := r.apply(t.Context(), nil, set); err != nil || len(v.RestartRequired) != 1 {
		t.Fatalf("%+v %v", v, err)
	}
	if err := g.Restart(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, v, err := r.apply(t.Context(), nil, set); err != nil || len(v.RestartRequired) != 0 {
			t.Errorf("after the restart: %+v %v", v, err)
		}
	}
	// A new file is judged from scratch.
	s.write(t, "grafana.ini", "[users]\ndefault_theme = system\n")
	if _, v, err := r.apply(t.Context(), nil, s.read(t, "grafana.ini")); err != nil || len(v.RestartRequired) != 1 {
		t.Errorf("another file: %+v %v", v, err)
	}
}

type endless struct{}

func (endless) Terminate(context.Context) error { return nil }

// While Grafana has not restarted yet, the driver does not block, and does not count the old process as the new one.
func TestRestartHoldsNothingUp(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{Ini: map[string]map[string]string{"users": {"default_theme": "dark"}}})
	s.write(t, "grafana.ini", "[users]\ndefault_theme = light\n")
	r := newRig(t, s.url, s.password, func(o *Options) { o.Restarter = endless{} })
	set := s.read(t, "grafana.ini")
	_, v, err := r.apply(t.Context(), nil, set)
	if f := failure(t, err); f.Class != reload.ClassUnavailable || v.Proven {
		t.Fatalf("while the old process answers: %+v %v", v, err)
	}
	g.SetIni(map[string]map[string]string{"users": {"default_theme": "light"}})
	if err := g.Restart(); err != nil {
		t.Fatal(err)
	}
	if _, v, err := r.apply(t.Context(), nil, set); err != nil || !v.Proven || len(v.RestartRequired) > 0 {
		t.Errorf("after the restart: %+v %v", v, err)
	}
}

// If no change took effect with a restart, that is a mismatch, and the cause names both possibilities: an old copy of the file,
// or GF_ variables.
func TestStaleIni(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{Ini: map[string]map[string]string{"users": {"default_theme": "dark"}, "log": {"level": "info"}}})
	r := newRig(t, s.url, s.password, nil)
	s.write(t, "grafana.ini", "[users]\ndefault_theme = light\n[log]\nlevel = warn\n")
	set := s.read(t, "grafana.ini")
	if _, v, err := r.apply(t.Context(), nil, set); err != nil || len(v.RestartRequired) != 2 {
		t.Fatalf("%+v %v", v, err)
	}
	if err := g.Restart(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, v, err := r.apply(t.Context(), nil, set)
		if err != nil || v.Proven || !v.Mismatch || len(v.RestartRequired) > 0 || !strings.Contains(v.Cause, "old copy") || !strings.Contains(v.Cause, "GF_") {
			t.Errorf("after a restart on the old file: %+v %v", v, err)
		}
	}
	// With the next restart one of the two takes effect: then the other one is set elsewhere.
	g.SetIni(map[string]map[string]string{"users": {"default_theme": "light"}, "log": {"level": "info"}})
	if err := g.Restart(); err != nil {
		t.Fatal(err)
	}
	if _, v, err := r.apply(t.Context(), nil, set); err != nil || !v.Proven || !strings.Contains(strings.Join(v.NotCompared, " "), "log.level") {
		t.Errorf("after a restart on the new file: %+v %v", v, err)
	}
}
