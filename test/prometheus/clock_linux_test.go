package prometheus

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"reloader/internal/reload"
)

// setClock moves the clock of this machine.
func setClock(t *testing.T, by time.Duration) {
	t.Helper()
	at := unix.NsecToTimespec(time.Now().Add(by).UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &at); err != nil {
		t.Fatal("set the clock: ", err)
	}
}

// The clock of the machine is set by hours in both directions, also between two changes. A server in sync stays in sync without a
// reload, each change takes one reload, a reload by someone else is noticed, and broken files are rejected.
// RELOADER_TEST_SET_CLOCK=1 runs this test, as root on a machine that does nothing else.
func TestClockOfTheMachineIsSet(t *testing.T) {
	if os.Getenv("RELOADER_TEST_SET_CLOCK") == "" {
		t.Skip("it sets the clock of the machine; RELOADER_TEST_SET_CLOCK=1 runs it")
	}
	files := func(n int) map[string]string {
		return map[string]string{"prometheus.yml": fmt.Sprintf("global:\n  external_labels: {generation: g%d}\n", n)}
	}
	w := newWorld(t, files(0))
	d := w.start("--poll-interval=2s")
	d.reaches(reload.InSync)
	for i, by := range []time.Duration{time.Hour, -2 * time.Hour, time.Minute, -30 * time.Second, 26 * time.Hour, -25 * time.Hour} {
		before, since := w.prometheus.Posts.Load(), d.reaches(reload.InSync).Counts.Reloads
		setClock(t, by)
		time.Sleep(5 * time.Second) // two polls and a look
		if s := d.reaches(reload.InSync); s.Counts.Reloads != since || w.prometheus.Posts.Load() != before {
			t.Errorf("set by %v: %d reloads without a change", by, w.prometheus.Posts.Load()-before)
		}
		began := time.Now()
		w.volume.Swap(files(2*i + 1))
		d.reaches(reload.InSync)
		setClock(t, by/7) // between two changes that follow each other
		w.volume.Swap(files(2*i + 2))
		s := d.reaches(reload.InSync)
		t.Logf("set by %v: two changes were live after %v", by, time.Since(began).Round(time.Millisecond))
		if n := w.prometheus.Posts.Load() - before; n != 2 || s.Counts.ReloadsFailed != 0 {
			t.Errorf("set by %v: %d reloads for two changes, %d of them failed", by, n, s.Counts.ReloadsFailed)
		}
		if code, err := post(t, w.prometheus.URL+"/-/reload"); code != 200 || err != nil {
			t.Fatal(code, err)
		}
		d.reaches(reload.InSync)
	}
	w.volume.Swap(map[string]string{"prometheus.yml": "global:\n  scrape_intervall: 15s\n"})
	d.reaches(reload.Rejected)
}
