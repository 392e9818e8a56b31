package snapshot

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A swap counts as a change of every file behind it, even a swap to an older generation, and so does a changed link above the
// directory. A file next to the path does not.
func TestChangedAt(t *testing.T) {
	dir := t.TempDir()
	for _, gen := range []string{"r1/..gen1", "r1/..gen2", "r2/..gen1"} {
		must(t, os.MkdirAll(filepath.Join(dir, gen), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, gen, "grafana.ini"), []byte(gen), 0o644))
	}
	for _, r := range []string{"r1", "r2"} {
		must(t, os.Symlink("..gen1", filepath.Join(dir, r, "..data")))
		must(t, os.Symlink("..data/grafana.ini", filepath.Join(dir, r, "grafana.ini")))
	}
	must(t, os.Symlink("r1", filepath.Join(dir, "current")))
	file := filepath.Join(dir, "current", "grafana.ini")
	link := func(to, name string) {
		t.Helper()
		must(t, os.Symlink(to, name+".tmp"))
		must(t, os.Rename(name+".tmp", name))
	}
	last, err := ChangedAt(file)
	must(t, err)
	changed := func(what string, want bool, change func()) {
		t.Helper()
		// The kernel's clock for files ticks every few milliseconds: wait for the next tick.
		probe := filepath.Join(t.TempDir(), "probe")
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
			must(t, os.WriteFile(probe, nil, 0o644))
			if at, err := ChangedAt(probe); err == nil && at.After(last) {
				break
			}
		}
		change()
		now, err := ChangedAt(file)
		must(t, err)
		if now.After(last) != want {
			t.Errorf("%s: from %v to %v", what, last, now)
		}
		last = now
	}
	changed("a swap", true, func() { link("..gen2", filepath.Join(dir, "r1/..data")) })
	changed("a link above, to an older directory", true, func() { link("r2", filepath.Join(dir, "current")) })
	changed("a new mode", true, func() { must(t, os.Chmod(filepath.Join(dir, "r2/..gen1/grafana.ini"), 0o600)) })
	changed("another file next to it", false, func() { must(t, os.WriteFile(filepath.Join(dir, "r2/..gen1/other"), nil, 0o644)) })
	link("grafana.ini", filepath.Join(dir, "r2/..gen1/grafana.ini"))
	if _, err := ChangedAt(file); err == nil {
		t.Error("a link to itself has a time, want an error")
	}
}
