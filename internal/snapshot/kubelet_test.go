package snapshot

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// kubelet writes a volume as the kubelet's atomic writer does, one system call at a time, so that
// a test can stop between any two of them.
type kubelet struct {
	t   testing.TB
	dir string
	// linksFirst makes new visible links before the rename, as older kubelets do.
	linksFirst bool
	generation int
	current    map[string]string
}

func newKubelet(t testing.TB, dir string, linksFirst bool, files map[string]string) *kubelet {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o755))
	k := &kubelet{t: t, dir: dir, linksFirst: linksFirst}
	for _, step := range k.update(files) {
		step()
	}
	return k
}

func (k *kubelet) at(name string) string { return filepath.Join(k.dir, name) }

// update returns the sequence of calls that publishes files.
func (k *kubelet) update(files map[string]string) []func() {
	old, was := k.timestamped(), k.current
	k.generation++
	fresh := k.timestamped()
	k.current = files
	var steps []func()
	do := func(f func() error) { steps = append(steps, func() { must(k.t, f()) }) }

	do(func() error { return os.Mkdir(k.at(fresh), 0o755) })
	for _, name := range slices.Sorted(maps.Keys(files)) {
		do(func() error {
			p := k.at(filepath.Join(fresh, name))
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				return err
			}
			return os.WriteFile(p, []byte(files[name]), 0o644)
		})
	}
	commit := func() {
		do(func() error { return os.Symlink(fresh, k.at("..data_tmp")) })
		do(func() error { return os.Rename(k.at("..data_tmp"), k.at("..data")) })
	}
	links := func() {
		for name := range without(files, was) {
			do(func() error { return os.Symlink("..data/"+name, k.at(name)) })
		}
	}
	if k.linksFirst {
		links()
		commit()
	} else {
		commit()
		links()
	}
	for name := range without(was, files) {
		do(func() error { return os.Remove(k.at(name)) })
	}
	if was != nil {
		for _, name := range slices.Sorted(maps.Keys(was)) {
			do(func() error { return os.Remove(k.at(filepath.Join(old, name))) })
		}
		do(func() error { return os.RemoveAll(k.at(old)) })
	}
	return steps
}

func (k *kubelet) timestamped() string {
	return fmt.Sprintf("..2026_11_22_11_03_59.%09d", k.generation)
}

// without is the set of top-level names in files that are not in other.
func without(files, other map[string]string) map[string]bool {
	top := func(name string) string { first, _, _ := strings.Cut(name, "/"); return first }
	names := map[string]bool{}
	for name := range files {
		names[top(name)] = true
	}
	for name := range other {
		delete(names, top(name))
	}
	return names
}

// published returns two states that differ in every way: kept, changed, removed, added and nested files.
func published() (before, after map[string]string) {
	return map[string]string{"kept.yml": "same", "changed.yml": "one", "removed.yml": "old", "sub/x.yml": "old x"},
		map[string]string{"kept.yml": "same", "changed.yml": "two", "added.yml": "new", "sub/x.yml": "new x", "sub/y.yml": "new y"}
}

// A volume is read as the kubelet published it, and has the digest of a plain directory with the same files.
func TestTakeVolume(t *testing.T) {
	t.Parallel()
	files, _ := published()
	k := newKubelet(t, t.TempDir(), false, files)
	s := take(t, k.dir)
	wantFiles(t, s, files)
	if !s.Atomic || len(s.Missing) > 0 {
		t.Errorf("atomic %v, missing %v", s.Atomic, s.Missing)
	}
	plain := t.TempDir()
	write(t, plain, files)
	if p := take(t, plain); p.Digest != s.Digest {
		t.Error("the same files in a plain directory have another digest")
	}
}

// At every step of a reading, and for both orders of links, a swap either begins there and continues by one call per
// step, or happens completely. The reading is the old state or the new one.
func TestTakeInTheMiddleOfASwap(t *testing.T) {
	t.Parallel()
	for _, linksFirst := range []bool{false, true} {
		for _, atOnce := range []bool{false, true} {
			t.Run(fmt.Sprintf("linksFirst=%v/atOnce=%v", linksFirst, atOnce), func(t *testing.T) {
				t.Parallel()
				before, after := published()
				seen := map[string]bool{}
				for start, over := 0, false; !over; start++ {
					k := newKubelet(t, t.TempDir(), linksFirst, before)
					steps := k.update(after)
					n := 0
					s := takeWith(t, k.dir, func() {
						for n++; n > start && len(steps) > 0; {
							steps[0]()
							if steps = steps[1:]; !atOnce {
								return
							}
						}
					})
					seen[oldOrNew(t, s, start)] = true
					over = n <= start // the reading ended before the swap began
				}
				if !seen["old"] || !seen["new"] {
					t.Errorf("seen %v: the test missed the swap", seen)
				}
			})
		}
	}
}

// The same with a kubelet that pauses between any two calls for longer than several scans take: two equal
// scans are not enough, the names must agree with ..data.
func TestTakeDuringASlowSwap(t *testing.T) {
	t.Parallel()
	for _, linksFirst := range []bool{false, true} {
		before, after := published()
		seen := map[string]bool{}
		for done, calls := 0, 1; done < calls; done++ {
			k := newKubelet(t, t.TempDir(), linksFirst, before)
			steps := k.update(after)
			calls = len(steps)
			for _, step := range steps[:done] {
				step()
			}
			steps = steps[done:]
			n := 0
			s := takeWith(t, k.dir, func() {
				if n++; n%100 == 0 && len(steps) > 0 {
					steps[0]()
					steps = steps[1:]
				}
			})
			seen[oldOrNew(t, s, done)] = true
		}
		if !seen["old"] || !seen["new"] {
			t.Errorf("seen %v: the test missed the swap", seen)
		}
	}
}

// takeBefore reads with enough time to settle, and calls before at each step.
func takeBefore(ctx context.Context, dir string, before func(op, path string)) (*Snapshot, error) {
	tk := newTaker(Source{Dir: dir}, Limits{})
	tk.settle, tk.patience, tk.before = time.Minute, time.Minute, before
	return tk.take(ctx)
}

func takeWith(t *testing.T, dir string, before func()) *Snapshot {
	t.Helper()
	s, err := takeBefore(t.Context(), dir, func(string, string) { before() })
	must(t, err)
	return s
}

func oldOrNew(t *testing.T, s *Snapshot, start int) string {
	t.Helper()
	before, after := published()
	switch got := contents(t, s); {
	case maps.Equal(got, before):
		return "old"
	case maps.Equal(got, after):
		return "new"
	default:
		t.Fatalf("swap at %d: a mixture: %v", start, got)
		return ""
	}
}

// A kubelet that dies while it makes links leaves some missing. The reading is what is visible, as a server sees it,
// and changes when the links are made.
func TestTakeStuckInTheMiddleOfASwap(t *testing.T) {
	t.Parallel()
	before, after := published()
	k := newKubelet(t, t.TempDir(), false, before)
	for _, step := range k.update(after) {
		step()
		if link, _ := os.Readlink(k.at("..data")); link == k.timestamped() {
			break
		}
	}
	s := take(t, k.dir)
	visible := maps.Clone(after)
	delete(visible, "added.yml")
	wantFiles(t, s, visible)
	if want := []Missing{{"added.yml", ReasonUnlinked}, {"removed.yml", ReasonDangling}}; !slices.Equal(s.Missing, want) {
		t.Errorf("missing %v, want %v", s.Missing, want)
	}
	must(t, os.Symlink("..data/added.yml", k.at("added.yml")))
	if s.Unchanged(t.Context()) {
		t.Error("the new link is not seen")
	}
	wantFiles(t, take(t, k.dir), after)
}

// A volume mounted below another one is separate: each is read consistently, but both together are not atomic.
func TestTakeNestedVolume(t *testing.T) {
	t.Parallel()
	outer := newKubelet(t, t.TempDir(), false, map[string]string{"prometheus.yml": "one"})
	must(t, os.Mkdir(outer.at("empty"), 0o755))
	if s := take(t, outer.dir); !s.Atomic {
		t.Error("an empty directory, as a mount point leaves it in another container, makes the volume not atomic")
	}
	inner := newKubelet(t, outer.at("rules"), true, map[string]string{"a.yml": "a1", "b.yml": "b1"})
	s := take(t, outer.dir)
	wantFiles(t, s, map[string]string{"prometheus.yml": "one", "rules/a.yml": "a1", "rules/b.yml": "b1"})
	if s.Atomic {
		t.Error("two volumes are not swapped as one")
	}
	for start := range 30 {
		steps := inner.update(map[string]string{"a.yml": fmt.Sprint("a", start), "c.yml": fmt.Sprint("c", start)})
		old := contents(t, take(t, outer.dir))
		n := 0
		s := takeWith(t, outer.dir, func() {
			if n++; n > start && len(steps) > 0 {
				steps[0]()
				steps = steps[1:]
			}
		})
		want := map[string]string{"prometheus.yml": "one", "rules/a.yml": fmt.Sprint("a", start), "rules/c.yml": fmt.Sprint("c", start)}
		if got := contents(t, s); !maps.Equal(got, old) && !maps.Equal(got, want) {
			t.Fatalf("start %d: a mixture: %v", start, got)
		}
		for _, step := range steps {
			step()
		}
	}
}

// Files that someone put next to the volume's links are read too, as a server reads them.
func TestTakeVolumeWithOwnFiles(t *testing.T) {
	t.Parallel()
	k := newKubelet(t, t.TempDir(), false, map[string]string{"a.yml": "a", "b.yml": "b", "config/c.yml": "c"})
	must(t, os.Remove(k.at("b.yml")))
	write(t, k.dir, map[string]string{"b.yml": "own b", "own.yml": "own"})
	must(t, os.Symlink("..data/config/c.yml", k.at("deep.yml")))
	must(t, os.Symlink("own.yml", k.at("alias.yml")))
	s := take(t, k.dir)
	wantFiles(t, s, map[string]string{
		"a.yml": "a", "b.yml": "own b", "own.yml": "own", "alias.yml": "own", "config/c.yml": "c", "deep.yml": "c",
	})
	if s.Atomic {
		t.Error("own files are not swapped")
	}
}

// A volume that the kubelet tears down, or that is unmounted, gives an empty reading, not an error.
func TestTakeTornDownVolume(t *testing.T) {
	t.Parallel()
	k := newKubelet(t, t.TempDir(), false, map[string]string{"a.yml": "a"})
	must(t, os.RemoveAll(k.at(k.timestamped())))
	s := take(t, k.dir)
	wantFiles(t, s, map[string]string{})
	if want := []Missing{{"a.yml", ReasonDangling}}; !slices.Equal(s.Missing, want) {
		t.Errorf("missing %v, want %v", s.Missing, want)
	}
	must(t, os.Remove(k.at("a.yml")))
	must(t, os.Remove(k.at("..data")))
	if s := take(t, k.dir); len(s.Files) != 0 || s.Atomic {
		t.Errorf("emptied: %+v", s)
	}
}
