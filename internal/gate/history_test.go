package gate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The history is read back after a restart, replaces the previous one, and adds no name that readers see. A file that is too
// large to be a history is ignored.
func TestHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{})
	if g.History() != nil {
		t.Error("a history in a new gate")
	}
	for _, text := range []string{"one", "two"} {
		if err := g.KeepHistory([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	g = mustOpen(t, dir, Options{})
	if got := string(g.History()); got != "two" {
		t.Errorf("after a restart: %q", got)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "..") {
			t.Errorf("readers see %s", e.Name())
		}
	}
	if err := os.WriteFile(filepath.Join(dir, historyName), make([]byte, maxHistory+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if g.History() != nil {
		t.Error("a file that is too large was read")
	}
}
