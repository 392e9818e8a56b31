package driver

import (
	"context"
	"strings"
	"testing"
	"time"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
)

// A key that the environment sets differs permanently. Grafana is restarted for it once, even if reloader restarts: a later
// reloader sees that Grafana started after this file was placed. In a gate, where the file is published again with other
// files, that is uncertain: the key is named, and nothing is restarted.
func TestNoRestartForTheSameReasonInAnotherLife(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{Ini: map[string]map[string]string{"users": {"default_theme": "dark"}}})
	s.write(t, "grafana.ini", "[users]\ndefault_theme = light\n")
	ends := 0
	times := IniTimes{Written: time.Now().Add(time.Minute), Placed: time.Now().Add(time.Minute)} // after Grafana's start
	life := func() *rig {
		return newRig(t, s.url, s.password, func(o *Options) {
			o.IniTimes = func() IniTimes { return times }
			o.Restarter = fakeProcess{func() {
				ends++
				if err := g.Restart(); err != nil {
					t.Error(err)
				}
			}}
		})
	}
	for range 2 {
		_, _, _ = life().apply(t.Context(), nil, s.read(t, "grafana.ini"))
		if ends != 1 {
			t.Fatalf("ended %d times", ends)
		}
		// Now the file is older than Grafana's process.
		times = IniTimes{Written: time.Now().Add(-time.Hour), Placed: time.Now().Add(-time.Hour)}
	}
	_, v, err := life().apply(t.Context(), nil, s.read(t, "grafana.ini"))
	if err != nil || !v.Proven || len(v.RestartRequired) != 0 || !strings.Contains(strings.Join(v.NotCompared, " "), "users.default_theme") {
		t.Errorf("%+v, %v", v, err)
	}
	times.Placed = time.Now().Add(time.Minute) // published again, unchanged
	if _, v, err := life().apply(t.Context(), nil, s.read(t, "grafana.ini")); err != nil || len(v.RestartRequired) != 1 || ends != 1 {
		t.Errorf("published again: ended %d times, %+v, %v", ends, v, err)
	}
}

// A change of reloader's own configuration creates a new driver. It does not restart Grafana again for the same grafana.ini.
func TestNoRestartForTheSameReasonAfterAnEdit(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{Ini: map[string]map[string]string{"users": {"default_theme": "dark"}}})
	s.write(t, "grafana.ini", "[users]\ndefault_theme = light\n")
	ends := 0
	var previous *rig
	for i := range 3 {
		r := newRig(t, s.url, s.password, func(o *Options) {
			o.Restarter = fakeProcess{func() {
				ends++
				if err := g.Restart(); err != nil {
					t.Error(err)
				}
			}}
		})
		if previous != nil {
			r.Inherit(previous.Driver)
		}
		r.ahead = time.Duration(i) * 2 * restartDistance // the last restart was long enough ago
		for range 2 {
			_, _, _ = r.apply(t.Context(), nil, s.read(t, "grafana.ini"))
		}
		if ends != 1 {
			t.Fatalf("ended %d times", ends)
		}
		previous = r
	}
}

// While Grafana restarts, the clock is set back: its start looks older than the file, and the key still counts as waiting for
// a restart. Grafana is not restarted a second time for the same file, however long ago the first restart was.
func TestNoSecondRestartForTheSameFile(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{Ini: map[string]map[string]string{"users": {"default_theme": "dark"}}})
	s.write(t, "grafana.ini", "[users]\ndefault_theme = light\n")
	ends := 0
	var r *rig
	r = newRig(t, s.url, s.password, func(o *Options) {
		o.Restarter = fakeProcess{func() {
			ends++
			r.ahead = 0
			if err := g.Restart(); err != nil {
				t.Error(err)
			}
		}}
	})
	set := s.read(t, "grafana.ini")
	r.ahead = time.Hour
	for range 3 {
		p, v, err := r.apply(t.Context(), nil, set)
		if err != nil || len(v.RestartRequired) != 1 || ends != 1 {
			t.Fatalf("ended %d times: %+v %+v %v", ends, p, v, err)
		}
		r.ahead += 5 * restartDistance
	}
}

// A driver that replaces another one sends nothing while the other one's reload is in flight, and keeps its count of wrong
// passwords.
func TestInherit(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{})
	s.write(t, "datasources/a.yaml", oneDatasource)
	in, goOn := make(chan struct{}, 10), make(chan struct{})
	g.OnReload(func(string) { in <- struct{}{}; <-goOn })
	old := newRig(t, s.url, s.password, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _, _ = old.apply(ctx, nil, s.read(t, "datasources"))
	}()
	<-in
	cancel() // the driver stops waiting after stopGrace, and Grafana continues
	<-done
	next := newRig(t, s.url, s.password, nil)
	next.Inherit(old.Driver)
	if o, err := next.Observe(t.Context()); err != nil || o.Ready {
		close(goOn)
		t.Fatalf("while a reload is in flight: %+v %v", o, err)
	}
	close(goOn)
	if err := <-next.inFlight; err.err != nil {
		t.Errorf("the reload ended with %v", err.err)
	}
	if g.Overlapped() {
		t.Error("two reloads at the same time")
	}

	wrong := newRig(t, s.url, "wrong", nil)
	for range 4 {
		_, _, _ = wrong.apply(t.Context(), nil, s.read(t, "datasources"))
		again := newRig(t, s.url, "wrong", nil)
		again.Inherit(wrong.Driver)
		wrong = again
	}
	_, _, err := wrong.apply(t.Context(), nil, s.read(t, "datasources"))
	if f := failure(t, err); f.Class != reload.ClassUnauthorized || g.Failures("admin") > maxTries {
		t.Errorf("%d tries with a wrong password: %v", g.Failures("admin"), err)
	}
}
