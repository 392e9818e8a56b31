package watch

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"reloader/test/rig"
)

const never = time.Hour // so that no test sees a poll

func start(t testing.TB, opts Options) *Watcher {
	t.Helper()
	w := New(opts)
	t.Cleanup(w.Close)
	return w
}

// until receives hints and checks after each. It fails if no hint comes after the condition has become true.
func until(t testing.TB, s *Subscription, what string, isTrue func() bool) {
	t.Helper()
	deadline := time.After(rig.Patience)
	for {
		select {
		case <-s.C():
			if isTrue() {
				return
			}
		case <-deadline:
			t.Fatalf("no hint after: %s", what)
		}
	}
}

// quiet receives the pending hints, and waits a moment for those about events that the kernel still
// holds. A later one makes a test weaker, but never fail.
func quiet(s *Subscription) {
	for {
		select {
		case <-s.C():
		case <-time.After(20 * time.Millisecond):
			return
		}
	}
}

func holds(path, text string) func() bool {
	return func() bool {
		b, err := os.ReadFile(path)
		return err == nil && string(b) == text
	}
}

func gone(path string) func() bool {
	return func() bool { _, err := os.Lstat(path); return err != nil }
}

func put(t testing.TB, path, text string) {
	t.Helper()
	rig.Must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	rig.Must(t, os.WriteFile(path, []byte(text), 0o644))
}

// wantWatches waits for the number of watches, which is counted after the hints about new ones.
func wantWatches(t testing.TB, w *Watcher, want int) {
	t.Helper()
	rig.Eventually(t, "the watches", func() error {
		if n := w.Stats().Watches; n != want {
			return fmt.Errorf("%d watches, want %d", n, want)
		}
		return nil
	})
}

// step changes something and expects a hint that comes after it.
func step(t testing.TB, s *Subscription, what string, change func(), isTrue func() bool) {
	t.Helper()
	quiet(s)
	change()
	until(t, s, what, isTrue)
}

// Every change of files and directories in a tree causes a hint, also in directories that are new or made again.
func TestHintsOnChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(n string) string { return filepath.Join(dir, n) }
	put(t, at("sub/deep/old.yml"), "1")
	s := start(t, Options{Interval: never}).Subscribe([]string{dir})
	until(t, s, "subscribing", func() bool { return true })
	step(t, s, "file made", func() { put(t, at("a.yml"), "1") }, holds(at("a.yml"), "1"))
	step(t, s, "file written", func() { put(t, at("a.yml"), "2") }, holds(at("a.yml"), "2"))
	step(t, s, "file renamed", func() { rig.Must(t, os.Rename(at("a.yml"), at("b.yml"))) }, gone(at("a.yml")))
	step(t, s, "file moved out", func() { rig.Must(t, os.Rename(at("b.yml"), filepath.Join(t.TempDir(), "b"))) }, gone(at("b.yml")))
	step(t, s, "file removed below", func() { rig.Must(t, os.Remove(at("sub/deep/old.yml"))) }, gone(at("sub/deep/old.yml")))
	step(t, s, "hidden file", func() { put(t, at(".c.yaml"), "1") }, holds(at(".c.yaml"), "1"))
	for i := range 5 {
		p := at(fmt.Sprintf("new%d/x/y/z.yml", i))
		step(t, s, "tree made", func() { put(t, p, "1") }, holds(p, "1"))
		step(t, s, "file written in the new tree", func() { put(t, p, "2") }, holds(p, "2"))
	}
	step(t, s, "tree removed", func() { rig.Must(t, os.RemoveAll(at("new0"))) }, gone(at("new0")))
	step(t, s, "tree made again", func() { put(t, at("new0/x/y/z.yml"), "3") }, holds(at("new0/x/y/z.yml"), "3"))
	step(t, s, "file written in the tree made again", func() { put(t, at("new0/x/y/z.yml"), "4") }, holds(at("new0/x/y/z.yml"), "4"))
}

// swap publishes one file as the kubelet does.
func swap(t testing.TB, dir string, generation int, text string) {
	t.Helper()
	name := func(g int) string { return fmt.Sprintf("..2026_11_22.%d", g) }
	put(t, filepath.Join(dir, name(generation), "p.yml"), text)
	rig.Must(t, os.Symlink(name(generation), filepath.Join(dir, "..data_tmp")))
	rig.Must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	if generation == 0 {
		rig.Must(t, os.Symlink("..data/p.yml", filepath.Join(dir, "p.yml")))
		return
	}
	rig.Must(t, os.RemoveAll(filepath.Join(dir, name(generation-1))))
}

// Each swap of a volume causes a hint, and so does an edit in place of the new files. Old generations are not watched.
func TestHintsOnSwaps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	visible := filepath.Join(dir, "p.yml")
	swap(t, dir, 0, "g0")
	w := start(t, Options{Interval: never})
	s := w.Subscribe([]string{dir})
	for g := 1; g <= 5; g++ {
		text := fmt.Sprint("g", g)
		step(t, s, "swap", func() { swap(t, dir, g, text) }, holds(visible, text))
		step(t, s, "written in place in the new generation", func() { put(t, visible, text+"+") }, holds(visible, text+"+"))
	}
	wantWatches(t, w, 2) // the volume and its current generation
}

// A volume's links to directories are followed: writes in them cause hints.
func TestDirectoryInVolume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "..1", "sub", "deep.yml"), "1")
	swap(t, dir, 0, "g0")
	rig.Must(t, os.Rename(filepath.Join(dir, "..1", "sub"), filepath.Join(dir, "..data", "sub")))
	rig.Must(t, os.Symlink("..data/sub", filepath.Join(dir, "sub")))
	elsewhere := t.TempDir()
	put(t, filepath.Join(elsewhere, "x.yml"), "1")
	rig.Must(t, os.Symlink(elsewhere, filepath.Join(dir, "linked")))
	s := start(t, Options{Interval: never}).Subscribe([]string{dir})
	for _, p := range []string{filepath.Join(dir, "sub", "deep.yml"), filepath.Join(dir, "linked", "x.yml")} {
		step(t, s, p+" written", func() { put(t, p, "2") }, holds(p, "2"))
	}
}

// A directory that does not exist yet, and neither do its parents, causes a hint when it is made. Files next to the missing
// directory cause none.
func TestDirectoryThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir := filepath.Join(top, "a", "b", "c")
	s := start(t, Options{Interval: never}).Subscribe([]string{dir})
	file := filepath.Join(dir, "x")
	quiet(s)
	put(t, filepath.Join(top, "noise"), "") // next to the missing directory
	select {
	case <-s.C():
		t.Error("a hint about a file next to the missing directory")
	case <-time.After(50 * time.Millisecond):
	}
	for i := range 3 {
		step(t, s, "directories made", func() { put(t, file, "1") }, holds(file, "1"))
		step(t, s, "file written", func() { put(t, file, "2") }, holds(file, "2"))
		top := filepath.Join(top, []string{"a", "a/b", "a/b/c"}[i])
		step(t, s, "directories removed", func() { rig.Must(t, os.RemoveAll(top)) }, gone(file))
	}
}

// A directory that is renamed, removed or replaced is followed by its name.
func TestDirectoryReplaced(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "d")
	file := filepath.Join(dir, "x")
	put(t, file, "0")
	w := start(t, Options{Interval: never})
	s := w.Subscribe([]string{dir})
	for i := range 10 {
		step(t, s, "renamed away", func() { rig.Must(t, os.Rename(dir, fmt.Sprint(dir, i))) }, gone(dir))
		step(t, s, "another in its place", func() { put(t, file, "1") }, holds(file, "1"))
		step(t, s, "written there", func() { put(t, file, "2") }, holds(file, "2"))
		// Removed and made again: file systems reuse the inode number.
		step(t, s, "removed and made again", func() { rig.Must(t, os.RemoveAll(dir)); put(t, file, "3") }, holds(file, "3"))
		step(t, s, "written there", func() { put(t, file, "4") }, holds(file, "4"))
	}
	wantWatches(t, w, 1)
}

// A directory behind a link, as git-sync makes it: a change of the link and of the files behind it causes hints.
func TestLinkedDirectory(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	at := func(n string) string { return filepath.Join(top, n) }
	put(t, at("one/conf/x"), "1")
	put(t, at("two/conf/x"), "2")
	rig.Must(t, os.Symlink("one", at("current")))
	s := start(t, Options{Interval: never}).Subscribe([]string{at("current/conf")})
	file := at("current/conf/x")
	step(t, s, "link moved", func() {
		rig.Must(t, os.Symlink("two", at("tmp")))
		rig.Must(t, os.Rename(at("tmp"), at("current")))
	}, holds(file, "2"))
	step(t, s, "written behind the link", func() { put(t, at("two/conf/x"), "3") }, holds(file, "3"))
}

// Links that lead back up, or to themselves, do not add watches without end.
func TestLinkLoop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rig.Must(t, os.Mkdir(filepath.Join(dir, "d"), 0o755))
	rig.Must(t, os.Symlink("..", filepath.Join(dir, "d", "up")))
	rig.Must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	w := start(t, Options{Interval: never})
	s := w.Subscribe([]string{dir})
	step(t, s, "file made", func() { put(t, filepath.Join(dir, "d", "x"), "1") }, holds(filepath.Join(dir, "d/up/d/x"), "1"))
	wantWatches(t, w, 2)
}

// Below a server's database directory nothing is watched.
func TestDatabaseIsNotWatched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "data/wal/1"), "")
	put(t, filepath.Join(dir, "data/chunks_head/1"), "")
	w := start(t, Options{Interval: never})
	w.Subscribe([]string{dir})
	if n := w.Stats().Watches; n != 2 {
		t.Errorf("%d watches, want those of the directory and of data", n)
	}
}

// Each subscription gets hints about its own directories. Watches are shared, and end with the last subscription.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	one, two := t.TempDir(), t.TempDir()
	w := start(t, Options{Interval: never})
	a, b := w.Subscribe([]string{one}), w.Subscribe([]string{one, two, two + "/."})
	var surveyed time.Time
	w.call(func() { surveyed = w.lastTry })
	a.SetDirs([]string{one})
	w.call(func() {
		if !w.lastTry.Equal(surveyed) {
			t.Error("the same directories again were surveyed again")
		}
	})
	x := filepath.Join(one, "x")
	quiet(a)
	step(t, b, "shared directory", func() { put(t, x, "1") }, holds(x, "1"))
	until(t, a, "shared directory", holds(x, "1"))
	if n := w.Stats().Watches; n != 2 {
		t.Errorf("%d watches, want 2", n)
	}
	b.SetDirs([]string{two})
	w.call(func() {}) // returns after SetDirs has been handled
	quiet(b)
	put(t, x, "2")
	until(t, a, "own directory", holds(x, "2"))
	select {
	case <-b.C():
		t.Error("a hint about a directory that was dropped")
	default:
	}
	a.Close()
	b.Close()
	b.SetDirs([]string{one}) // has no effect after Close
	if n := w.Stats().Watches; n != 0 {
		t.Errorf("%d watches after all were closed", n)
	}
}

// A new directory causes a hint, because it may have changed between the reading and the watch.
func TestSetDirsHints(t *testing.T) {
	t.Parallel()
	one, two := t.TempDir(), t.TempDir()
	s := start(t, Options{Interval: never}).Subscribe([]string{one})
	step(t, s, "new directory", func() { s.SetDirs([]string{one, two}) }, func() bool { return true })
}

// Each poll hints, although inotify works: some changes are not reported by the kernel.
func TestPollingAlwaysOn(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Interval: 5 * time.Millisecond}).Subscribe([]string{t.TempDir()})
	for range 5 {
		until(t, s, "nothing at all", func() bool { return true })
	}
}

// Close ends the goroutine and inotify, may be called several times at once, and makes later calls return without effect.
func TestClose(t *testing.T) {
	t.Parallel()
	w := New(Options{Interval: time.Millisecond})
	s := w.Subscribe([]string{t.TempDir()})
	other := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(w.Close)
		wg.Go(func() { s.SetDirs([]string{other}) })
	}
	wg.Wait()
	w.Close()
	select {
	case <-w.done:
	default:
		t.Error("the goroutine still runs")
	}
	if w.notifier != nil || w.Stats().Watches != 0 {
		t.Error("inotify is still open")
	}
	// After Close everything returns at once and does nothing.
	s.Close()
	w.Subscribe(nil)
}

// logged is a log that can be read while it is written.
type logged struct{ rig.Buffer }

func (l *logged) lines() []string { return strings.Split(strings.TrimSpace(l.String()), "\n") }

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
