package driver

import (
	"strings"
	"testing"
	"time"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
)

var clocks = []time.Duration{time.Minute, -time.Minute, time.Hour, -time.Hour}

// Grafana reports its start time, which the kernel derives from the present time: it moves when the clock is set. Age and
// connection show that the process is the same, so this is not a restart and nothing is reloaded. A real restart is still
// noticed, also behind a proxy.
func TestClockThatIsSetIsNoRestart(t *testing.T) {
	t.Parallel()
	for _, by := range clocks {
		g, s := fake(t, grafanatest.Options{})
		s.write(t, "datasources/a.yaml", oneDatasource)
		r := newRig(t, s.url, s.password, nil)
		set := s.read(t, "datasources")
		p, v, err := r.apply(t.Context(), nil, set)
		if err != nil || !v.Proven {
			t.Fatal(v, err)
		}
		before := observe(t, r)
		reloads := len(g.Calls())
		for _, clock := range []time.Duration{by, 0, by} {
			g.SetClock(clock)
			r.life.looked = time.Time{} // so that /metrics is asked again
			if now := observe(t, r); now.Epoch != before.Epoch || now.Load != before.Load {
				t.Errorf("clock set by %v: epoch %s, load %q; want %s, %q", clock, now.Epoch, now.Load, before.Epoch, before.Load)
			}
			if v, err := r.Confirm(t.Context(), p, reload.Proof{Before: before, Unchanged: true, Then: v.After}); err != nil || !v.Proven {
				t.Errorf("clock set by %v: %+v, %v", clock, v, err)
			}
		}
		if n := len(g.Calls()); n != reloads {
			t.Errorf("clock set by %v: %d reloads, want none", by, n-reloads)
		}
		if err := g.RestartQuietly(); err != nil {
			t.Fatal(err)
		}
		r.life.looked = time.Time{}
		quiet := observe(t, r)
		if quiet.Epoch == before.Epoch {
			t.Errorf("clock set by %v: a restart behind a proxy was not noticed", by)
		}
		if err := g.Restart(); err != nil {
			t.Fatal(err)
		}
		r.life.looked = time.Time{}
		if now := observe(t, r); now.Epoch == quiet.Epoch {
			t.Errorf("clock set by %v: a restart was not noticed", by)
		}
	}
}

// Grafana's start is converted to our clock, however wrong its own is. If Grafana started after grafana.ini was placed, values
// that differ are set elsewhere; if it started before, they wait for a restart.
func TestClockOfGrafanaIsOff(t *testing.T) {
	t.Parallel()
	for _, ahead := range append(clocks, 0) {
		for after, want := range map[time.Duration]bool{-30 * time.Second: false, 30 * time.Second: true} {
			g, s := fake(t, grafanatest.Options{Ini: map[string]map[string]string{"users": {"default_theme": "dark"}}})
			g.SetClock(ahead)
			s.write(t, "grafana.ini", "[users]\ndefault_theme = light\n")
			placed := time.Now().Add(after)
			r := newRig(t, s.url, s.password, func(o *Options) {
				o.IniTimes = func() IniTimes { return IniTimes{Written: placed, Placed: placed} }
			})
			_, v, err := r.apply(t.Context(), nil, s.read(t, "grafana.ini"))
			if err != nil || (len(v.RestartRequired) == 1) != want || strings.Contains(strings.Join(v.NotCompared, " "), "users.default_theme") == want {
				t.Errorf("clock ahead by %v, file placed %v after the start: %+v, %v", ahead, after, v, err)
			}
		}
	}
}

func observe(t *testing.T, r *rig) reload.Observation {
	t.Helper()
	o, err := r.Observe(t.Context())
	if err != nil || !o.Ready {
		t.Fatal(o, err)
	}
	return o
}
