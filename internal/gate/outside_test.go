package gate

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"reloader/internal/snapshot"
)

// Another process that can write to the gate's volume puts links into it that lead outside. Whatever they replace, nothing outside
// of the gate is written or removed, and no mode there changes: the gate repairs the link or refuses to go on.
func TestNothingIsWrittenOutside(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(dir, current, out, victim string) error{
		"..data": func(dir, _, out, _ string) error {
			return errors.Join(os.Remove(filepath.Join(dir, snapshot.DataLink)), os.Symlink(out, filepath.Join(dir, snapshot.DataLink)))
		},
		"a visible name": func(dir, _, out, _ string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "rules")), os.Symlink(out, filepath.Join(dir, "rules")))
		},
		"the generation": func(dir, current, out, _ string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, current)), os.Symlink(out, filepath.Join(dir, current)))
		},
		"a directory of the generation": func(dir, current, out, _ string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, current, "rules")), os.Symlink(out, filepath.Join(dir, current, "rules")))
		},
		"a file, as a link": func(dir, current, _, victim string) error {
			return errors.Join(os.Remove(filepath.Join(dir, current, "prometheus.yml")), os.Symlink(victim, filepath.Join(dir, current, "prometheus.yml")))
		},
		"a file, as a hard link": func(dir, current, _, victim string) error {
			return errors.Join(os.Remove(filepath.Join(dir, current, "prometheus.yml")), os.Link(victim, filepath.Join(dir, current, "prometheus.yml")))
		},
		"the notes": func(dir, _, out, _ string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, stateDir)), os.Symlink(out, filepath.Join(dir, stateDir)))
		},
		"the lock": func(dir, _, _, victim string) error {
			return errors.Join(os.Remove(filepath.Join(dir, lockName)), os.Symlink(victim, filepath.Join(dir, lockName)))
		},
		"a note": func(dir, current, _, victim string) error {
			note := filepath.Join(dir, stateDir, current)
			return errors.Join(os.Remove(note), os.Symlink(victim, note))
		},
		"a temporary link": func(dir, _, out, _ string) error { return os.Symlink(out, filepath.Join(dir, tempMark+"1")) },
	} {
		for _, running := range []bool{false, true} {
			top := t.TempDir()
			dir, out := filepath.Join(top, "gate"), filepath.Join(top, "out")
			victim := filepath.Join(out, "prometheus.yml")
			if err := errors.Join(os.Mkdir(out, 0o700), os.WriteFile(victim, []byte("theirs"), 0o600)); err != nil {
				t.Fatal(err)
			}
			tr := func(text string) tree { return tree{"prometheus.yml": text, "rules/a.yml": text} }
			g, err := openNow(dir, Options{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			mustPublish(t, g, tr("1").set())
			current, err := os.Readlink(filepath.Join(dir, snapshot.DataLink))
			if err != nil {
				t.Fatal(err)
			}
			if !running {
				_ = g.Close()
			}
			if err := plant(dir, current, out, victim); err != nil {
				t.Fatal(name, err)
			}
			if !running {
				if g, err = openNow(dir, Options{}, nil); err != nil {
					t.Logf("%s: refused: %v", name, err)
				}
			}
			if err == nil {
				for _, text := range []string{"2", "3", "4", "5", "6"} {
					if err := g.Publish(t.Context(), tr(text).set()); err != nil {
						t.Logf("%s: refused: %v", name, err)
						break
					}
					wantTree(t, name, throughNames(t, dir), tr(text))
				}
				_ = g.Close()
			}
			b, err := os.ReadFile(victim)
			info, statErr := os.Stat(victim)
			outInfo, outErr := os.Stat(out)
			entries, listErr := os.ReadDir(out)
			if err := errors.Join(err, statErr, outErr, listErr); err != nil {
				t.Fatalf("%s, running %v: %v", name, running, err)
			}
			if string(b) != "theirs" || info.Mode().Perm() != 0o600 || outInfo.Mode().Perm() != 0o700 || len(entries) != 1 {
				t.Errorf("%s, running %v: outside there is %q with mode %v in a directory of %d with %v", name, running, b, info.Mode(), len(entries), outInfo.Mode())
			}
		}
	}
}
