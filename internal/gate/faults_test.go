package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// Asking what readers see never waits for a disk: a scrape and a stop ask while a publication hangs in fsync.
func TestAskingNeverWaits(t *testing.T) {
	t.Parallel()
	hang, in := make(chan struct{}), make(chan struct{}, 1000)
	g, err := openNow(fastDir(t), Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustPublish(t, g, first.set())
	if err := g.Accept(first.set().Digest); err != nil {
		t.Fatal(err)
	}
	g.disk.before = func(op, _ string) error {
		if op == "fsync" {
			in <- struct{}{}
			<-hang
		}
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- g.Publish(context.Background(), second.set()) }()
	<-in
	asked := make(chan bool, 1)
	go func() { asked <- g.Current() == first.set().Digest && g.LastAccepted() == first.set().Digest }()
	select {
	case right := <-asked:
		if !right {
			t.Error("the answer is not what readers see")
		}
	case <-time.After(rig.Patience):
		t.Error("the answer waits for the disk")
	}
	closed := make(chan struct{})
	go func() { _ = g.Close(); close(closed) }()
	select {
	case <-closed:
		t.Error("the lock was released during a publication")
	case <-time.After(20 * time.Millisecond):
	}
	close(hang)
	if err := <-done; err != nil {
		t.Error(err)
	}
	<-closed
	if g.Current() != second.set().Digest {
		t.Error("the current digest is not that of the published files")
	}
}

// A stop interrupts a publication between two syncs. A large tree on a slow disk needs many.
func TestSyncIsInterrupted(t *testing.T) {
	t.Parallel()
	g := mustOpen(t, fastDir(t), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	syncs := 0
	g.disk.before = func(op, name string) error {
		if op == "fsync" && isGeneration(strings.SplitN(name, "/", 2)[0]) {
			syncs++
			cancel()
		}
		return nil
	}
	if err := g.Publish(ctx, second.set()); !errors.Is(err, context.Canceled) || syncs != 1 {
		t.Errorf("%v after %d syncs, want %v after 1", err, syncs, context.Canceled)
	}
}

// When the file mode changes, a generation's directory that is reused gets the new modes, also for its subdirectories. Both
// directions are tested.
func TestModeOfAGenerationThatIsUsedAgain(t *testing.T) {
	t.Parallel()
	for _, modes := range [][2]fs.FileMode{{0o440, 0o644}, {0o644, 0o440}} {
		dir := t.TempDir()
		for i, mode := range modes {
			g := mustOpen(t, dir, Options{FileMode: mode})
			for n := range 6 {
				tr := tree{"prometheus.yml": fmt.Sprint(i, n), "rules/deep/a.yml": "same", "rules/b.yml": fmt.Sprint(i, n)}
				mustPublish(t, g, tr.set())
				if err := g.Accept(tr.set().Digest); err != nil {
					t.Fatal(err)
				}
				for name, want := range map[string]fs.FileMode{"..data/": dirMode(mode), "..data/rules/deep": dirMode(mode), "rules/b.yml": mode} {
					info, err := os.Stat(filepath.Join(dir, name))
					rig.Must(t, err)
					if got := info.Mode().Perm(); got != want {
						t.Fatalf("modes %v, publication %d: %s has %v, want %v", modes, n, name, got, want)
					}
				}
			}
			_ = g.Close()
		}
	}
}

// When old files cannot be removed, publishing still works, and this is reported once. They are removed as soon as that is possible.
func TestCleanUpThatFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var told []string
	g := mustOpen(t, dir, Options{Keep: 1, Repaired: collect(&told)})
	mustPublish(t, g, first.set())
	victim, err := os.Readlink(filepath.Join(dir, snapshot.DataLink))
	if err != nil {
		t.Fatal(err)
	}
	g.disk.before = func(op, name string) error {
		if op == "remove" && strings.HasPrefix(name, victim+"/") {
			return os.ErrPermission
		}
		return nil
	}
	for _, tr := range []tree{second, second, good, next} {
		if err := g.Publish(t.Context(), tr.set()); err != nil {
			t.Fatalf("publish: %v", err)
		}
		wantTree(t, "through the visible names", throughNames(t, dir), tr)
		if err := g.Accept(tr.set().Digest); err != nil {
			t.Fatalf("accept: %v", err)
		}
	}
	if len(told) == 0 || len(told) > 3 || !strings.Contains(told[0], "could not remove") {
		t.Errorf("told: %q", told)
	}
	before := g.disk.before
	_ = g.Close()
	g, err = openNow(dir, Options{Keep: 1}, before)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	g.disk.before = nil
	mustPublish(t, g, good.set())
	wantOnly(t, g)
	_ = g.Close()
}

// When a file in an old generation's directory cannot be removed, the publication uses a new directory instead.
func TestGenerationThatCannotBeUsedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{})
	for _, tr := range []tree{first, second, good} {
		mustPublish(t, g, tr.set())
	}
	stuck := true
	g.disk.before = func(op, name string) error {
		if stuck && op == "remove" && strings.Contains(name, "/") && !strings.HasPrefix(name, stateDir) {
			return os.ErrPermission
		}
		return nil
	}
	mustPublish(t, g, next.set())
	wantTree(t, "through the visible names", throughNames(t, dir), next)
	stuck = false
	mustPublish(t, g, next.set())
	wantOnly(t, g)
}

// A network disk may rename ..data and lose the answer. Then what readers see counts as current, and is not removed while they
// read it.
func TestRenameWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{})
	mustPublish(t, g, first.set())
	g.disk.before = func(op, name string) error {
		if op != "rename" || name != snapshot.DataLink {
			return nil
		}
		m, err := filepath.Glob(filepath.Join(dir, tempMark+"*"))
		if err != nil || len(m) != 1 {
			t.Fatal(m, err)
		}
		if err := os.Rename(m[0], filepath.Join(dir, snapshot.DataLink)); err != nil {
			t.Fatal(err)
		}
		return os.ErrNotExist
	}
	mustPublish(t, g, second.set())
	g.disk.before = nil
	wantTree(t, "through the visible names", throughNames(t, dir), second)
	if g.Current() != second.set().Digest {
		t.Error("current is not what readers see")
	}
}

// A gate whose directory is removed and made again is written again without a restart. The look between two
// changes notices that readers see nothing.
func TestReplacedDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "gate")
	var told []string
	g := mustOpen(t, dir, Options{Repaired: collect(&told)})
	mustPublish(t, g, first.set())
	if d, err := g.Look(); err != nil || d != first.set().Digest {
		t.Fatal(d, err)
	}
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if d, err := g.Look(); err != nil || !d.IsZero() || len(told) == 0 {
		t.Errorf("the look: %v %v, told %q", d, err, told)
	}
	mustPublish(t, g, first.set())
	wantTree(t, "through the visible names", throughNames(t, dir), first)
	wantOnly(t, g)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, g, second.set())
	wantTree(t, "removed, and published again", throughNames(t, dir), second)
	if err := g.Accept(second.set().Digest); err != nil {
		t.Fatal(err)
	}

	// As long as the directory cannot be made, publishing is an error.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := g.Publish(t.Context(), first.set()); err == nil {
			t.Fatal("published into a file")
		}
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, g, first.set())
	wantTree(t, "at last", throughNames(t, dir), first)
}

// The check for unchanged files keeps at most maxOpenDirs directories open, however many the tree has.
func TestOpenDirectoriesAreBounded(t *testing.T) {
	t.Parallel()
	tr := tree{}
	for i := range 3 * maxOpenDirs {
		tr[fmt.Sprintf("d%03d/a", i)] = "x"
	}
	g := mustOpen(t, fastDir(t), Options{})
	mustPublish(t, g, tr.set())
	u, err := g.unchangedIn(g.current.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer u.close()
	for _, name := range sortedKeys(g.current.files) {
		if !u.is(name, g.current.files[name]) {
			t.Errorf("%s counts as changed", name)
		}
		if len(u.dirs) > maxOpenDirs {
			t.Fatalf("%d directories are open", len(u.dirs))
		}
	}
}

// generations are the generations on the disk, oldest first.
func generations(g *Gate) []Generation {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []Generation
	for _, gen := range g.gens {
		out = append(out, gen.Generation)
	}
	return out
}

// collect keeps what a gate reports.
func collect(told *[]string) func(string) { return func(what string) { *told = append(*told, what) } }
