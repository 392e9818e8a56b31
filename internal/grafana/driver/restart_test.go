package driver

import (
	"context"
	"strings"
	"testing"
	"time"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
)

// A key that the environment sets differs for ever. Grafana is ended for it once, whatever becomes of reloader: a later
// life sees that Grafana started after this very file came. In a gate, where other files are published around it, a doubt
// is named and ends nothing.
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

// An edit of our own file makes another driver, and is no reason to end Grafana again for the same grafana.ini.
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
		r.ahead = time.Duration(i) * 2 * restartDistance // the last restart is long ago: only its reason is against another one
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

// A driver that takes another one's place sends nothing while the other one's reload is in flight, and does not begin
// anew to count wrong passwords.
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
	cancel() // a stop lets go of the request after a while, and Grafana goes on with it
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
