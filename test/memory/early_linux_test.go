package memory

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// judges is the process ID of the promcheck that a reloader has started; 0: none.
func judges(t *testing.T, r *rig.Reloader) int {
	t.Helper()
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", r.PID()))
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		for pid := range strings.FieldsSeq(string(b)) {
			if name, _ := os.ReadFile("/proc/" + pid + "/comm"); string(name) == "promcheck\n" {
				var n int
				_, _ = fmt.Sscan(pid, &n)
				return n
			}
		}
	}
	return 0
}

// The real promcheck is started when the kubelet begins to write a change, and is ended when no change follows. When reloader is
// killed, it dies too, even if it is stopped.
func TestStartedEarly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mount")
	volume.New(t, dir, map[string]string{"prometheus.yml": "global: {scrape_interval: 15s}\n"})
	rig.Program(t, "promcheck")
	r := rig.NewReloader(t, "--prometheus-url", "http://127.0.0.1:1", "--prometheus-config", filepath.Join(dir, "prometheus.yml"))
	r.Start()
	r.Reaches("a verdict", func(s reload.Status) bool { return s.Phase == reload.Waiting && !s.Wanted.IsZero() })
	rig.Until(t, "nothing is judged", func() bool { return judges(t, r) == 0 })

	rig.Must(t, os.Mkdir(filepath.Join(dir, "..2026_11_29_10_00_00.1"), 0o755))
	pid := 0
	rig.Until(t, "promcheck waits for its work", func() bool { pid = judges(t, r); return pid != 0 })
	rig.Must(t, syscall.Kill(pid, syscall.SIGSTOP))
	r.Kill()
	rig.Until(t, "promcheck ends with reloader", func() bool { // it may stay a zombie where nothing adopts orphans
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(b), ") Z ")
	})

	r.Start()
	r.Reaches("a verdict", func(s reload.Status) bool { return s.Phase == reload.Waiting && !s.Wanted.IsZero() })
	rig.Until(t, "nothing is judged", func() bool { return judges(t, r) == 0 })
	rig.Must(t, os.Mkdir(filepath.Join(dir, "..2026_11_29_10_00_00.2"), 0o755))
	rig.Until(t, "promcheck waits for its work", func() bool { return judges(t, r) != 0 })
	rig.Until(t, "promcheck is ended when no change follows", func() bool { return judges(t, r) == 0 })
	if s, err := r.Status(); err != nil || s.Counts.Reloads != 0 {
		t.Errorf("%d reloads, %v", s.Counts.Reloads, err)
	}
}
