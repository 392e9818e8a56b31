package snapshot_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"reloader/internal/snapshot"
	"reloader/test/volume"
)

// Moved tells a directory that was written to and has its old contents again from one that no one touched. This is shown for a
// plain directory and for a volume.
func TestMoved(t *testing.T) {
	t.Parallel()
	plain := t.TempDir()
	file := filepath.Join(plain, "a.yml")
	write := func(text string) (changed time.Time) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		changed, err := snapshot.ChangedAt(file)
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	written := write("a")
	a, b := map[string]string{"a.yml": "a"}, map[string]string{"a.yml": "b"}
	v := volume.New(t, filepath.Join(t.TempDir(), "v"), a)
	for dir, flip := range map[string]func(){
		plain: func() {
			write("b")
			for write("a").Equal(written) { // in the same tick of the file system's clock
			}
		},
		v.Dir: func() { v.Swap(b); v.Swap(a) },
	} {
		take := func() *snapshot.Set {
			s, err := snapshot.Take(t.Context(), snapshot.Source{Name: "config", Dir: dir}, snapshot.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			return snapshot.NewSet(s)
		}
		first, second := take(), take()
		if second.Moved(first) {
			t.Errorf("%s: moved, although no one wrote to it", dir)
		}
		flip()
		third := take()
		if third.Digest != first.Digest || !third.Moved(second) {
			t.Errorf("%s: not moved, although it was written to", dir)
		}
		third.Forget()
		if take().Moved(third) {
			t.Errorf("%s: moved again, although no one wrote to it after that", dir)
		}
	}
	memory := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: "config"}, map[string][]byte{"a.yml": []byte("a")}))
	if memory.Moved(memory) {
		t.Error("files in memory have moved")
	}
}
