package gate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/snapshot"
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

// While another thing is where the gate's directory was, every call is an error or knows nothing; none ends the process. When the
// directory can be made again, all goes on.
func TestCallsWithoutADirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "gate")
	g, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: "x", Dir: dir}, map[string][]byte{"a": []byte("1")}))
	for range 2 {
		_, look := g.Look()
		_, back := g.Rollback(t.Context())
		for name, err := range map[string]error{
			"look": look, "roll back": back, "publish": g.Publish(t.Context(), set), "accept": g.Accept(set.Digest),
			"refuse": g.Refuse("1", "2", []snapshot.Digest{{1}}), "keep": g.KeepHistory([]byte("x")),
		} {
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		if _, _, refused := g.Refused(); refused != nil || g.History() != nil {
			t.Error("something is known")
		}
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(g.Refuse("1", "2", []snapshot.Digest{{1}}), g.KeepHistory([]byte("x")), g.Publish(t.Context(), set), g.Accept(set.Digest)); err != nil {
		t.Error(err)
	}
	if _, _, refused := g.Refused(); len(refused) != 1 || string(g.History()) != "x" {
		t.Errorf("refused %v, history %q", refused, g.History())
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(g.Refuse("1", "2", nil), g.KeepHistory(nil)); err == nil {
		t.Error("a closed gate is written to")
	}
	if g.History() != nil {
		t.Error("a closed gate is read")
	}
}

// Files of any size that someone puts into the gate cost neither memory nor time: they are no notes, and no files of ours.
func TestHugeFilesInTheGate(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(current string) string{
		"the history":      func(string) string { return historyName },
		"the refusals":     func(string) string { return refusedName },
		"a note":           func(current string) string { return filepath.Join(stateDir, current) },
		"a published file": func(current string) string { return filepath.Join(current, "a.yml") },
	} {
		dir := t.TempDir()
		g := mustOpen(t, dir, Options{})
		first := tree{"a.yml": "1"}
		mustPublish(t, g, first.set())
		current, err := os.Readlink(filepath.Join(dir, snapshot.DataLink))
		if err != nil {
			t.Fatal(err)
		}
		huge := filepath.Join(dir, plant(current))
		if err := errors.Join(g.KeepHistory([]byte("x")), g.Refuse("1", "2", []snapshot.Digest{{1}}), os.Truncate(huge, 1<<40)); err != nil {
			t.Skip("no large files here: ", err)
		}
		if name == "the history" && g.History() != nil {
			t.Error("a history of 1 TiB")
		}
		if _, _, refused := g.Refused(); name == "the refusals" && refused != nil {
			t.Errorf("refusals of 1 TiB: %v", refused)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		g = mustOpen(t, dir, Options{})
		second := tree{"a.yml": "2"}
		mustPublish(t, g, second.set())
		wantTree(t, name, throughNames(t, dir), second)
	}
}
