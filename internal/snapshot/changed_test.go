package snapshot

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A swap counts as a change of every file behind it, even to an older generation, and so does a link above the
// directory; what lies beside the path does not.
func TestChangedAt(t *testing.T) {
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, gen := range []string{"r1/..gen1", "r1/..gen2", "r2/..gen1"} {
		must(os.MkdirAll(filepath.Join(dir, gen), 0o755))
		must(os.WriteFile(filepath.Join(dir, gen, "grafana.ini"), []byte(gen), 0o644))
	}
	for _, r := range []string{"r1", "r2"} {
		must(os.Symlink("..gen1", filepath.Join(dir, r, "..data")))
		must(os.Symlink("..data/grafana.ini", filepath.Join(dir, r, "grafana.ini")))
	}
	must(os.Symlink("r1", filepath.Join(dir, "current")))
	file := filepath.Join(dir, "current", "grafana.ini")
	link := func(to, name string) {
		t.Helper()
		must(os.Symlink(to, name+".tmp"))
		must(os.Rename(name+".tmp", name))
	}
	last, err := ChangedAt(file)
	must(err)
	changed := func(what string, want bool, change func()) {
		t.Helper()
		// The kernel's clock for files ticks every few milliseconds: wait for the next tick.
		probe := filepath.Join(t.TempDir(), "probe")
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
			must(os.WriteFile(probe, nil, 0o644))
			if at, err := ChangedAt(probe); err == nil && at.After(last) {
				break
			}
		}
		change()
		now, err := ChangedAt(file)
		must(err)
		if now.After(last) != want {
			t.Errorf("%s: from %v to %v", what, last, now)
		}
		last = now
	}
	changed("a swap", true, func() { link("..gen2", filepath.Join(dir, "r1/..data")) })
	changed("a link above, to an older directory", true, func() { link("r2", filepath.Join(dir, "current")) })
	changed("a new mode", true, func() { must(os.Chmod(filepath.Join(dir, "r2/..gen1/grafana.ini"), 0o600)) })
	changed("another file beside it", false, func() { must(os.WriteFile(filepath.Join(dir, "r2/..gen1/other"), nil, 0o644)) })
	link("grafana.ini", filepath.Join(dir, "r2/..gen1/grafana.ini"))
	if _, err := ChangedAt(file); err == nil {
		t.Error("a link to itself has a time")
	}
}
