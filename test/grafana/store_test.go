package grafana

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// When the quota of dashboards is reached, Grafana answers 200 and does not store the new one. It is named, with the quota as the
// cause.
func TestDashboardQuota(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		limit := func(n int) {
			if w.fake != nil {
				w.fake.SetIni(map[string]map[string]string{"quota": {"enabled": "true", "org_dashboard": fmt.Sprint(n)}})
			} else {
				w.real.SetIni(t, fmt.Sprintf("[quota]\nenabled = true\norg_dashboard = %d\n", n))
			}
			w.restart()
		}
		_, one, _ := w.provides(twoProviders, map[string]string{"a.json": `{"uid": "a", "title": "A"}`}, map[string]string{"b.json": `{"uid": "b", "title": "B"}`})
		limit(2)
		d := w.start("--poll-interval", "2s")
		d.inSync(1)
		one.Swap(map[string]string{"a.json": `{"uid": "a", "title": "A"}`, "c.json": `{"uid": "c", "title": "C"}`})
		d.notLive(t, d.Reaches("the quota is the cause", func(s reload.Status) bool {
			return s.Phase == reload.Mismatch && len(s.Differences) == 1 && strings.Contains(s.Differences[0], `"c"`) && strings.Contains(s.Cause, "quota of dashboards is reached") && strings.Contains(s.Cause, "= 2")
		}))
		limit(3)
		d.inSync(2)
		d.live(t)
		if got := w.boards(t); got != "a A, b B, c C" {
			t.Errorf("called live with %q", got)
		}
	})
}

// Another process locks the database for longer than Grafana waits. Until it ends, the change is not live and the lock is named;
// then the change becomes live without help.
func TestDatabaseIsLocked(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ds := w.mount("datasources", datasource(9090))
		d := w.start("--poll-interval", "2s")
		d.inSync(1)
		unlock := w.lock(t)
		ds.Swap(datasource(9091))
		d.notLive(t, d.Reaches("the lock is named", func(s reload.Status) bool {
			return s.Running != s.Wanted && s.Failure != nil && s.Failure.Class == reload.ClassUnavailable && strings.Contains(s.Failure.Message, "database is locked")
		}))
		unlock()
		d.inSync(2)
		d.live(t)
		if err := w.has("prom", at(9091)); err != nil {
			t.Error(err)
		}
	})
}

// lock locks Grafana's database, as a process does that writes to it for a long time.
func (w *world) lock(t *testing.T) (unlock func()) {
	t.Helper()
	if w.fake != nil {
		w.fake.SetFaults(grafanatest.Faults{NoDatabase: true})
		return func() { w.fake.SetFaults(grafanatest.Faults{}) }
	}
	f, err := os.OpenFile(w.real.Database(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	// The bytes with which SQLite locks: pending, reserved, and 510 shared ones.
	all := syscall.Flock_t{Type: syscall.F_WRLCK, Start: 0x40000000, Len: 512}
	rig.Eventually(t, "the lock is ours", func() error { return syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &all) })
	return func() { _ = f.Close() }
}

// Grafana cannot write its database, because the disk is full or the file is read-only. It answers the reload with 500 and gives no
// reason. The change is not live, and both causes are named; then it becomes live without help.
func TestDatabaseIsReadOnly(t *testing.T) {
	run := func(t *testing.T, w *world, set func(readOnly bool)) {
		ds := w.mount("datasources", datasource(9090))
		d := w.start("--poll-interval", "2s")
		d.inSync(1)
		set(true)
		ds.Swap(datasource(9091))
		s := d.Reaches("the failure is shown", func(s reload.Status) bool { return s.Failure != nil && s.Failure.Class == reload.ClassPartial })
		d.notLive(t, s)
		if !strings.Contains(s.Failure.Message, "cannot write its database") {
			t.Errorf("%+v", s.Failure)
		}
		if err := w.has("prom", at(9090)); err != nil {
			t.Error(err)
		}
		set(false)
		d.inSync(2)
		d.live(t)
		if err := w.has("prom", at(9091)); err != nil {
			t.Error(err)
		}
	}
	t.Run("fake", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, grafanatest.Options{})
		run(t, w, func(readOnly bool) {
			w.fake.SetFaults(map[bool]grafanatest.Faults{true: {Locked: 1 << 30}}[readOnly])
		})
	})
	t.Run("real", func(t *testing.T) {
		w := newRealWorld(t)
		run(t, w, w.real.ReadOnly(t))
	})
}
