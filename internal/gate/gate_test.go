package gate

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// tree is the contents of files by name.
type tree map[string]string

func (tr tree) set() *snapshot.Set {
	files := map[string][]byte{}
	for name, text := range tr {
		files[name] = []byte(text)
	}
	return snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: "config"}, files))
}

// fastDir is a directory in memory, if there is /dev/shm: a publish syncs each file, which is slow on
// some disks and proves nothing here.
func fastDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "reloader-publish-") //nolint:usetesting // t.TempDir has no choice of the parent directory
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func mustOpen(t testing.TB, dir string, opts Options) *Gate {
	t.Helper()
	g, err := openNow(dir, opts, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// openNow opens a gate. It retries while the gate is locked: a child that another test of this process has just forked
// inherits the lock and keeps it until it executes its program.
func openNow(dir string, opts Options, before func(op, name string) error) (*Gate, error) {
	for deadline := time.Now().Add(rig.Patience); ; time.Sleep(time.Millisecond) {
		g, err := open(dir, opts, before)
		if !errors.Is(err, ErrLocked) || time.Now().After(deadline) {
			return g, err
		}
	}
}

func mustPublish(t testing.TB, g *Gate, set *snapshot.Set) {
	t.Helper()
	if err := g.Publish(t.Context(), set); err != nil {
		t.Fatal(err)
	}
}

// twoGenerations opens a gate with an accepted generation and a newer one.
func twoGenerations(t testing.TB, dir string) *Gate {
	t.Helper()
	g := mustOpen(t, dir, Options{})
	mustPublish(t, g, first.set())
	if err := g.Accept(first.set().Digest); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, g, second.set())
	return g
}

// readTree reads the files below a directory.
func readTree(dir string) (tree, error) {
	out := tree{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		out[filepath.ToSlash(rel)] = string(b)
		return err
	})
	return out, err
}

// throughData reads as a careful reader does: it reads the link once, then the files below its target.
func throughData(t testing.TB, dir string) tree {
	t.Helper()
	target, err := os.Readlink(filepath.Join(dir, snapshot.DataLink))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if filepath.IsAbs(target) {
		t.Errorf("%s points to the absolute path %q", snapshot.DataLink, target)
	}
	tr, err := readTree(filepath.Join(dir, target))
	if err != nil {
		t.Fatalf("the current generation cannot be read: %v", err)
	}
	return tr
}

// throughNames reads as most programs do: through the visible names. A name that leads nowhere fails the test.
func throughNames(t testing.TB, dir string) tree {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := tree{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "..") {
			continue
		}
		p, err := filepath.EvalSymlinks(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Errorf("the visible name %q leads nowhere: %v", e.Name(), err)
			continue
		}
		sub, err := readTree(p)
		if err != nil {
			t.Errorf("the visible name %q cannot be read: %v", e.Name(), err)
		}
		for name, text := range sub {
			out[path.Join(e.Name(), name)] = text
		}
	}
	return out
}

// hidden are the names that begin with two dots: ..data, and those that only the writer uses.
func hidden(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "..") {
			out = append(out, e.Name())
		}
	}
	return out
}

func wantTree(t testing.TB, what string, got, want tree) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// wantOnly checks that the directory holds the known generations and notes, and nothing else that is hidden.
func wantOnly(t testing.TB, g *Gate) {
	t.Helper()
	want := []string{snapshot.DataLink, stateDir}
	notes := []string{"lock"}
	for _, gen := range generations(g) {
		want = append(want, gen.Name)
		notes = append(notes, gen.Name)
		if gen.Accepted {
			notes = append(notes, gen.Name+accepted)
		}
	}
	if _, _, digests := g.Refused(); len(digests) > 0 {
		notes = append(notes, path.Base(refusedName))
	}
	slices.Sort(want)
	slices.Sort(notes)
	if diff := cmp.Diff(want, hidden(t, g.dir)); diff != "" {
		t.Errorf("hidden names (-want +got):\n%s", diff)
	}
	entries, err := os.ReadDir(filepath.Join(g.dir, stateDir))
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		have = append(have, e.Name())
	}
	if diff := cmp.Diff(notes, have); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

var (
	first  = tree{"prometheus.yml": "global: {}\n", "rules/a.yml": "groups: []\n", "gone.yml": "x"}
	second = tree{"prometheus.yml": "global: {scrape_interval: 5s}\n", "rules/a.yml": "groups: []\n", "rules/deep/b.yml": "b", "new.yml": "y"}
)

// A program that reads the gate like a mounted volume sees exactly the source's files, with the same digest.
func TestPublishedTreeHasTheSourcesDigest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{})
	for _, tr := range []tree{first, second, first} {
		mustPublish(t, g, tr.set())
		wantTree(t, "through ..data", throughData(t, dir), tr)
		wantTree(t, "through the visible names", throughNames(t, dir), tr)
		snap, err := snapshot.Take(t.Context(), snapshot.Source{Name: "config", Dir: dir}, snapshot.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if snap.Digest != tr.set().Digest || g.Current() != snap.Digest {
			t.Errorf("published %s, current %s, want %s", snap.Digest.Short(), g.Current().Short(), tr.set().Digest.Short())
		}
		if !snap.Atomic {
			t.Error("the published directory does not look like one that is swapped as a whole")
		}
		wantOnly(t, g)
	}
}

// Publishing the files that are already current makes no new generation.
func TestEqualContentsAreNotSwapped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{})
	mustPublish(t, g, first.set())
	before := generations(g)
	mustPublish(t, g, first.set())
	if diff := cmp.Diff(before, generations(g)); diff != "" {
		t.Errorf("equal contents changed the generations (-before +after):\n%s", diff)
	}
}

// Files that did not change are hard links to the previous generation's; only the others are written.
func TestUnchangedFilesAreShared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{})
	mustPublish(t, g, first.set())
	mustPublish(t, g, second.set())
	gens := generations(g)
	want := int64(len(second["prometheus.yml"]) + len(second["rules/deep/b.yml"]) + len(second["new.yml"]))
	if gens[1].Written != want || gens[1].Fresh != 3 || gens[1].Files != 4 {
		t.Errorf("written %d bytes, %d of %d files; want %d bytes, 3 of 4", gens[1].Written, gens[1].Fresh, gens[1].Files, want)
	}
	a, errA := os.Stat(filepath.Join(dir, gens[0].Name, "rules/a.yml"))
	b, errB := os.Stat(filepath.Join(dir, gens[1].Name, "rules/a.yml"))
	if errA != nil || errB != nil || !os.SameFile(a, b) {
		t.Errorf("the unchanged file is not shared: %v, %v", errA, errB)
	}
}

// A file that someone changed in place must not get into the next generation.
func TestATouchedFileIsNotShared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{})
	mustPublish(t, g, first.set())
	if err := os.WriteFile(filepath.Join(dir, "rules/a.yml"), []byte("groups: xx\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, g, second.set())
	wantTree(t, "through ..data", throughData(t, dir), second)
}

// The oldest generation's directory is reused. What someone changed in it must not be visible to readers.
func TestAnOldGenerationIsUsedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{Keep: 2})
	mustPublish(t, g, first.set())
	mustPublish(t, g, good.set())
	old := filepath.Join(dir, generations(g)[0].Name)
	err := errors.Join(
		os.WriteFile(filepath.Join(old, "foreign"), []byte("x"), 0o644),
		os.Mkdir(filepath.Join(old, "foreign.d"), 0o755),
		os.WriteFile(filepath.Join(old, "foreign.d/x"), []byte("x"), 0o644),
		os.Remove(filepath.Join(old, "gone.yml")), os.Mkdir(filepath.Join(old, "gone.yml"), 0o755),
		os.WriteFile(filepath.Join(old, "rules/a.yml"), []byte("GROUPS: []\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	before, errBefore := os.Stat(old)
	mustPublish(t, g, first.set())
	wantTree(t, "through ..data", throughData(t, dir), first)
	wantTree(t, "through the visible names", throughNames(t, dir), first)
	wantOnly(t, g)
	after, errAfter := os.Stat(filepath.Join(dir, snapshot.DataLink))
	if err := errors.Join(errBefore, errAfter); err != nil || !os.SameFile(before, after) {
		t.Errorf("the directory was not used again: %v", err)
	}
}

// On a disk without hard links every file is written, and everything else works the same.
func TestWithoutHardLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g, err := open(dir, Options{}, func(op, _ string) error {
		if op == "link" {
			return syscall.EPERM
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	mustPublish(t, g, first.set())
	mustPublish(t, g, second.set())
	wantTree(t, "through ..data", throughData(t, dir), second)
	if gens := generations(g); gens[1].Fresh != gens[1].Files {
		t.Errorf("%d of %d files written without hard links", gens[1].Fresh, gens[1].Files)
	}
	// The same contents from another source, no longer in memory: they are copied from the current generation.
	moved := snapshot.FromFiles(snapshot.Source{Name: "elsewhere", ServerDir: dir}, bytesOf(second.set().Snapshots[0]))
	set := snapshot.NewSet(moved, snapshot.FromFiles(snapshot.Source{Name: "more", ServerDir: dir}, map[string][]byte{"more.yml": []byte("m")}))
	moved.Forget()
	mustPublish(t, g, set)
	want := maps.Clone(second)
	want["more.yml"] = "m"
	wantTree(t, "through ..data", throughData(t, dir), want)
}

// Changed files whose contents are no longer in memory cannot be published: that is an error, and readers keep the current files.
func TestForgottenContents(t *testing.T) {
	t.Parallel()
	g := mustOpen(t, t.TempDir(), Options{})
	set := first.set()
	mustPublish(t, g, set)
	changed := second.set()
	changed.Forget()
	if err := g.Publish(t.Context(), changed); err == nil || !strings.Contains(err.Error(), `"new.yml": its contents are no longer in memory`) {
		t.Errorf("got %v", err)
	}
	wantTree(t, "through ..data", throughData(t, g.dir), first)
	wantOnly(t, g)
}

// At most Keep generations stay on the disk, and the last accepted one is always among them.
func TestKeepsTheLastGenerations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{Keep: 2})
	versions := []tree{{"f": "0"}, {"f": "1"}, {"f": "2"}, {"f": "3"}, {"f": "4"}}
	for i, tr := range versions {
		mustPublish(t, g, tr.set())
		if i == 1 {
			if err := g.Accept(tr.set().Digest); err != nil {
				t.Fatal(err)
			}
		}
		wantOnly(t, g)
	}
	var got []snapshot.Digest
	for _, gen := range generations(g) {
		got = append(got, gen.Digest)
	}
	// The last accepted one outlives newer ones that were never accepted.
	want := []snapshot.Digest{versions[1].set().Digest, versions[4].set().Digest}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

// A rollback publishes the last accepted generation and removes the refused one. Without an accepted one it changes nothing.
func TestRollback(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{})
	if d, err := g.Rollback(t.Context()); err != nil || !d.IsZero() {
		t.Fatalf("rollback of an empty gate: %s, %v", d, err)
	}
	mustPublish(t, g, first.set())
	if d, err := g.Rollback(t.Context()); err != nil || !d.IsZero() {
		t.Fatalf("rollback without an accepted generation: %s, %v", d, err)
	}
	wantTree(t, "after a rollback to nothing", throughData(t, dir), first)
	if err := g.Accept(first.set().Digest); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, g, second.set())
	for range 2 { // the second time there is nothing to do
		d, err := g.Rollback(t.Context())
		if err != nil || d != first.set().Digest || g.Current() != d {
			t.Fatalf("rolled back to %s, %v; current %s", d.Short(), err, g.Current().Short())
		}
		wantTree(t, "through ..data", throughData(t, dir), first)
		wantTree(t, "through the visible names", throughNames(t, dir), first)
		wantOnly(t, g) // the refused generation is gone
	}
	mustPublish(t, g, second.set())
	wantTree(t, "published again", throughNames(t, dir), second)
}

// A server that was downgraded may refuse accepted files: then the accepted generation before them is published.
func TestRollbackSkipsWhatIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{})
	for _, tr := range []tree{first, second} {
		mustPublish(t, g, tr.set())
		if err := g.Accept(tr.set().Digest); err != nil {
			t.Fatal(err)
		}
	}
	if d, err := g.Rollback(t.Context(), first.set().Digest, second.set().Digest); err != nil || !d.IsZero() {
		t.Fatalf("all are refused, yet rolled back to %s, %v", d.Short(), err)
	}
	wantTree(t, "after a rollback to nothing", throughData(t, dir), second)
	if d, err := g.Rollback(t.Context(), second.set().Digest); err != nil || d != first.set().Digest {
		t.Fatalf("rolled back to %s, %v", d.Short(), err)
	}
	wantTree(t, "through the visible names", throughNames(t, dir), first)
	wantOnly(t, g)
}

// The newest note of what the server refused is known after a restart. A damaged note counts as none.
func TestRefusalsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	type note struct {
		Server, Epoch string
		Digests       []snapshot.Digest
	}
	reopened := func() note {
		var told []string
		g := mustOpen(t, dir, Options{Repaired: collect(&told)})
		defer g.Close()
		if len(told) != 0 {
			t.Errorf("repairs: %q", told)
		}
		var n note
		n.Server, n.Epoch, n.Digests = g.Refused()
		return n
	}
	for _, n := range []note{
		{},
		{"3.15.0", "a", []snapshot.Digest{first.set().Digest}},
		{"3.16.0", "b", []snapshot.Digest{first.set().Digest, second.set().Digest}},
		{},
	} {
		g := mustOpen(t, dir, Options{})
		if err := g.Refuse(n.Server, n.Epoch, n.Digests); err != nil {
			t.Fatal(err)
		}
		g.Close()
		if diff := cmp.Diff(n, reopened()); diff != "" {
			t.Errorf("(-noted +known):\n%s", diff)
		}
	}
	for _, damaged := range []string{"", "{", `{"version":9,"digests":["x"]}`, `{"version":1,"digests":["x"]}`} {
		if err := os.WriteFile(filepath.Join(dir, refusedName), []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(note{}, reopened()); diff != "" {
			t.Errorf("%q counts as no note (-want +got):\n%s", damaged, diff)
		}
	}
}

// The mark of the accepted generation and all digests survive a restart.
func TestStateSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := twoGenerations(t, dir)
	before := generations(g)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	var told []string
	g = mustOpen(t, dir, Options{Repaired: collect(&told)})
	if len(told) != 0 {
		t.Errorf("repairs after a clean stop: %q", told)
	}
	if diff := cmp.Diff(before, generations(g)); diff != "" {
		t.Errorf("generations (-before +after):\n%s", diff)
	}
	if g.Current() != second.set().Digest {
		t.Errorf("current is %s, want %s", g.Current().Short(), second.set().Digest.Short())
	}
	if d := g.LastAccepted(); d != first.set().Digest {
		t.Errorf("last accepted is %s, want %s", d.Short(), first.set().Digest.Short())
	}
	if d, err := g.Rollback(t.Context()); err != nil || d != first.set().Digest {
		t.Errorf("rolled back to %s, %v", d.Short(), err)
	}
}

// After damage while reloader was not running, the next start gives readers a complete generation, and reports the repair.
func TestDamagedGeneration(t *testing.T) {
	t.Parallel()
	damages := map[string]func(t *testing.T, dir, gen string) error{
		"file changed": func(_ *testing.T, dir, gen string) error {
			return os.WriteFile(filepath.Join(dir, gen, "prometheus.yml"), []byte("x"), 0o644)
		},
		"file removed": func(_ *testing.T, dir, gen string) error { return os.Remove(filepath.Join(dir, gen, "new.yml")) },
		"file added": func(_ *testing.T, dir, gen string) error {
			return os.WriteFile(filepath.Join(dir, gen, "z"), nil, 0o644)
		},
		"tree removed": func(_ *testing.T, dir, gen string) error { return os.RemoveAll(filepath.Join(dir, gen)) },
		"link added": func(_ *testing.T, dir, gen string) error {
			return os.Symlink("/etc/hosts", filepath.Join(dir, gen, "z"))
		},
		"..data removed and note garbled": func(_ *testing.T, dir, gen string) error {
			return errors.Join(os.Remove(filepath.Join(dir, snapshot.DataLink)), os.WriteFile(filepath.Join(dir, stateDir, gen), []byte("{"), 0o600))
		},
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			g := twoGenerations(t, dir)
			gens := generations(g)
			if err := errors.Join(g.Close(), damage(t, dir, gens[1].Name)); err != nil {
				t.Fatal(err)
			}
			var told []string
			g = mustOpen(t, dir, Options{Repaired: collect(&told)})
			if len(told) == 0 {
				t.Error("the repair was not reported")
			}
			if g.Current() != first.set().Digest {
				t.Errorf("current is %s, want the last good one", g.Current().Short())
			}
			wantTree(t, "through ..data", throughData(t, dir), first)
			wantTree(t, "through the visible names", throughNames(t, dir), first)
			wantOnly(t, g)
			mustPublish(t, g, second.set())
			wantTree(t, "published again", throughNames(t, dir), second)
			wantOnly(t, g)
		})
	}
}

// The next publication repairs visible names that were removed or lead elsewhere, and leaves a file of someone else alone.
func TestDamagedVisibleNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{})
	mustPublish(t, g, second.set())
	err := errors.Join(
		os.Remove(filepath.Join(dir, "new.yml")),
		os.Remove(filepath.Join(dir, "rules")), os.Symlink("/etc", filepath.Join(dir, "rules")),
		os.Symlink("..data/old.yml", filepath.Join(dir, "old.yml")),
		os.WriteFile(filepath.Join(dir, "mine"), []byte("not the gate's"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	mustPublish(t, g, second.set())
	want := maps.Clone(second)
	want["mine"] = "not the gate's"
	wantTree(t, "through the visible names", throughNames(t, dir), want)
}

// A directory has one writer: a second one gets ErrLocked with the directory's name until the first has closed.
func TestSecondWriterIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{})
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want %v with the directory", err, ErrLocked)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, dir, Options{})
}

// Files and directories get the configured mode, and directories keep the setgid bit that their parent has.
func TestModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o775|fs.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		opts Options
		file fs.FileMode
		dirs fs.FileMode
	}{
		{Options{}, 0o644, 0o755},
		{Options{FileMode: 0o440}, 0o440, 0o750},
		{Options{FileMode: 0o400}, 0o400, 0o700},
	} {
		g := mustOpen(t, dir, c.opts)
		mustPublish(t, g, second.set())
		for name, want := range map[string]fs.FileMode{
			"..data/prometheus.yml": c.file, "..data/rules/deep/b.yml": c.file,
			"..data/": c.dirs | fs.ModeDir | fs.ModeSetgid, "..data/rules/deep": c.dirs | fs.ModeDir | fs.ModeSetgid,
			stateDir: 0o700 | fs.ModeDir | fs.ModeSetgid,
		} {
			info, err := os.Stat(filepath.Join(dir, name))
			rig.Must(t, err)
			if got := info.Mode(); got != want {
				t.Errorf("with mode %v: %s has %v, want %v", c.opts.FileMode, name, got, want)
			}
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Wrong options, and sets that cannot be published, are refused with an error that says why.
func TestBadInput(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	opens := []struct {
		dir  string
		opts Options
		want string
	}{
		{file, Options{}, "not a directory"},
		{t.TempDir(), Options{Keep: -1}, "want at least 1"},
		{t.TempDir(), Options{FileMode: 0o044}, "readable by the owner"},
		{t.TempDir(), Options{FileMode: 0o755}, "executable by no one"},
	}
	for _, c := range opens {
		if _, err := Open(c.dir, c.opts); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open(%v): %v, want %q", c.opts, err, c.want)
		}
	}
	from := func(name, serverDir string, files tree) *snapshot.Snapshot {
		s := files.set().Snapshots[0]
		return snapshot.FromFiles(snapshot.Source{Name: name, ServerDir: serverDir}, bytesOf(s))
	}
	sets := []struct {
		set  *snapshot.Set
		want string
	}{
		{nil, "nothing to publish"},
		{&snapshot.Set{}, "nothing to publish"},
		{snapshot.NewSet(from("a", "", tree{})), "no file to publish"},
		{snapshot.NewSet(from("a", "/elsewhere", tree{"f": ""})), "no file to publish"},
		{snapshot.NewSet(from("a", "", tree{"..data": ""})), "two dots"},
		{snapshot.NewSet(from("a", "", tree{"../f": ""})), "two dots"},
		{snapshot.NewSet(from("a", "", tree{"/f": ""})), "two dots"},
		{snapshot.NewSet(from("a", "/gate", tree{"f": "1"}), from("b", "/gate", tree{"f": "2"})), "with different contents"},
		{snapshot.NewSet(from("a", "/gate", tree{"f": "1"}), from("b", "/gate", tree{"f/g": "2"})), `source "a" has a file "f" where source "b" has a directory`},
		{snapshot.NewSet(from("a", "", tree{"mine": "1"})), `"mine" is in the way`},
	}
	g := mustOpen(t, t.TempDir(), Options{ServerDir: "/gate"})
	if err := os.WriteFile(filepath.Join(g.dir, "mine"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range sets {
		if err := g.Publish(t.Context(), c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if err := g.Accept(first.set().Digest); err == nil {
		t.Error("a digest that was never published was accepted")
	}
}

func bytesOf(s *snapshot.Snapshot) map[string][]byte {
	out := map[string][]byte{}
	for _, f := range s.Files {
		out[f.Name], _ = s.Bytes(f.Name)
	}
	return out
}

// Several sources are published at the same paths relative to each other as the server sees them.
func TestPlaces(t *testing.T) {
	t.Parallel()
	g := mustOpen(t, t.TempDir(), Options{ServerDir: "/gate"})
	main := snapshot.Source{Name: "config", Dir: "/etc/prometheus", ServerDir: "/gate"}
	var snaps []*snapshot.Snapshot
	for dir, src := range map[string]snapshot.Source{
		"prometheus.yml": main,
		"r.yml":          {Name: "rules", Dir: "/etc/prometheus/rules"},
		"t.yml":          {Name: "targets", Dir: "/srv/targets"},
	} {
		src.ServerDir = path.Join("/gate", Place(main.Dir, src))
		snaps = append(snaps, snapshot.FromFiles(src, map[string][]byte{dir: []byte(src.Name)}))
	}
	mustPublish(t, g, snapshot.NewSet(snaps...))
	want := tree{"prometheus.yml": "config", "rules/r.yml": "rules", "targets/t.yml": "targets"}
	wantTree(t, "through the visible names", throughNames(t, g.dir), want)
}

// A directory that the kubelet or another program wrote as a volume stays readable all the time while the gate takes it over.
func TestTakesOverAForeignVolume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gen := "..2026_11_22_11_03_59.953371451"
	err := errors.Join(
		os.Mkdir(filepath.Join(dir, gen), 0o755),
		os.WriteFile(filepath.Join(dir, gen, "old.yml"), []byte("old"), 0o644),
		os.Symlink(gen, filepath.Join(dir, snapshot.DataLink)),
		os.Symlink("..data/old.yml", filepath.Join(dir, "old.yml")))
	if err != nil {
		t.Fatal(err)
	}
	g := mustOpen(t, dir, Options{})
	wantTree(t, "after opening", throughNames(t, dir), tree{"old.yml": "old"})
	mustPublish(t, g, first.set())
	wantTree(t, "after publishing", throughNames(t, dir), first)
	wantOnly(t, g)
}

// FuzzNote: whatever the newest generation's note contains, a start gives readers a complete generation, and publishing
// goes on.
func FuzzNote(f *testing.F) {
	f.Add([]byte("{"))
	f.Add([]byte(`{"version":1,"sequence":18446744073709551615}`))
	f.Add([]byte(`{"version":1,"sequence":1,"digest":"","tree":"","files":-1}`))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, note []byte) {
		dir := fastDir(t)
		g := twoGenerations(t, dir)
		gens := generations(g)
		if err := errors.Join(g.Close(), os.WriteFile(filepath.Join(dir, stateDir, gens[1].Name), note, 0o600)); err != nil {
			t.Fatal(err)
		}
		g = mustOpen(t, dir, Options{})
		want := second
		if g.Current() == first.set().Digest {
			want = first
		}
		wantTree(t, "through ..data", throughData(t, dir), want)
		wantTree(t, "through the visible names", throughNames(t, dir), want)
		third := tree{"prometheus.yml": "third"}
		mustPublish(t, g, third.set())
		wantTree(t, "published again", throughNames(t, dir), third)
	})
}
