package gate

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"reloader/internal/snapshot"
)

// What someone else removes from the gate or writes into it is noticed at the next look, not only at the next start of reloader: readers
// get what is left that is intact, and the next publication succeeds. Without this, no later change would go live.
func TestDamageBetweenLooks(t *testing.T) {
	t.Parallel()
	older, newer := first.set().Digest, second.set().Digest
	for name, c := range map[string]struct {
		damage func(dir, gen string) error
		left   snapshot.Digest
	}{
		"nothing":        {func(string, string) error { return nil }, newer},
		"names removed":  {func(dir, _ string) error { return os.Remove(filepath.Join(dir, "prometheus.yml")) }, newer},
		"..data removed": {func(dir, _ string) error { return os.Remove(filepath.Join(dir, snapshot.DataLink)) }, older},
		"file changed": {func(dir, gen string) error {
			return os.WriteFile(filepath.Join(dir, gen, "prometheus.yml"), []byte("x"), 0o644)
		}, older},
		"file removed":          {func(dir, gen string) error { return os.Remove(filepath.Join(dir, gen, "new.yml")) }, older},
		"generation removed":    {func(dir, gen string) error { return os.RemoveAll(filepath.Join(dir, gen)) }, older},
		"notes removed":         {func(dir, _ string) error { return os.RemoveAll(filepath.Join(dir, stateDir)) }, snapshot.Digest{}},
		"everything is removed": {emptied, snapshot.Digest{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var told []string
			g := mustOpen(t, dir, Options{Repaired: collect(&told)})
			mustPublish(t, g, first.set())
			if err := g.Accept(older); err != nil {
				t.Fatal(err)
			}
			mustPublish(t, g, second.set())
			gens := generations(g)
			if err := c.damage(dir, gens[len(gens)-1].Name); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if d, err := g.Look(); err != nil || d != c.left {
					t.Errorf("the look says %s, %v, want %s", d.Short(), err, c.left.Short())
				}
			}
			if (len(told) > 0) != (name != "nothing") {
				t.Errorf("told %q", told)
			}
			switch c.left {
			case older:
				wantTree(t, "after the look", throughNames(t, dir), first)
			case newer:
				wantTree(t, "after the look", throughNames(t, dir), second)
			}
			mustPublish(t, g, second.set())
			wantTree(t, "published again", throughNames(t, dir), second)
			wantOnly(t, g)
		})
	}
}

func emptied(dir, _ string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}
