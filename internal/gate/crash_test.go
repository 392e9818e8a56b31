package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// big needs more than two write calls, so that a crash leaves a half-written file.
var big = strings.Repeat("# a line of a rule file\n", 3*chunk/24)

// The trees of the crash tests: good was accepted, then next is published.
var (
	good = tree{"prometheus.yml": "good", "rules/a.yml": "groups: []", "gone.yml": "x", "sub/gone/x.yml": "x", "same": "same"}
	next = tree{"prometheus.yml": "next", "rules/a.yml": "groups: []", "rules/big.yml": big, "new.yml": "y", "zoo/new.yml": "z", "same": "same"}
)

// action is something that a writer does to a directory. A crash test kills it at each system call.
type action struct {
	name string
	// history prepares the directory; it may be nil.
	history func(t *testing.T, g *Gate)
	// warm is what the same writer does first, undisturbed; it may be nil.
	warm func(ctx context.Context, g *Gate) error
	// run is what is interrupted.
	run func(ctx context.Context, g *Gate) error
	// before and after are the complete trees that readers may see; nil means no files.
	before, after tree
}

func accept(t *testing.T, g *Gate, tr tree) {
	t.Helper()
	mustPublish(t, g, tr.set())
	if err := g.Accept(tr.set().Digest); err != nil {
		t.Fatal(err)
	}
}

var actions = []action{
	{
		name:  "first publish",
		run:   func(ctx context.Context, g *Gate) error { return g.Publish(ctx, next.set()) },
		after: next,
	},
	{
		name:    "publish",
		history: func(t *testing.T, g *Gate) { accept(t, g, good) },
		run:     func(ctx context.Context, g *Gate) error { return g.Publish(ctx, next.set()) },
		before:  good, after: next,
	},
	{
		name: "publish that prunes",
		history: func(t *testing.T, g *Gate) {
			accept(t, g, first)
			accept(t, g, second)
			accept(t, g, good)
		},
		run:    func(ctx context.Context, g *Gate) error { return g.Publish(ctx, next.set()) },
		before: good, after: next,
	},
	{
		name:    "publish into an old generation's directory",
		history: func(t *testing.T, g *Gate) { accept(t, g, good) },
		warm: func(ctx context.Context, g *Gate) error {
			var errs []error
			for _, tr := range []tree{first, second, good} {
				errs = append(errs, g.Publish(ctx, tr.set()))
			}
			return errors.Join(errs...)
		},
		run:    func(ctx context.Context, g *Gate) error { return g.Publish(ctx, next.set()) },
		before: good, after: next,
	},
	{
		name: "roll back",
		history: func(t *testing.T, g *Gate) {
			accept(t, g, good)
			mustPublish(t, g, next.set())
		},
		run: func(ctx context.Context, g *Gate) error {
			_, err := g.Rollback(ctx)
			return err
		},
		before: next, after: good,
	},
	{
		name: "accept",
		history: func(t *testing.T, g *Gate) {
			accept(t, g, good)
			mustPublish(t, g, next.set())
		},
		run:    func(_ context.Context, g *Gate) error { return g.Accept(next.set().Digest) },
		before: next, after: next,
	},
	{
		name: "refuse",
		history: func(t *testing.T, g *Gate) {
			accept(t, g, good)
			mustPublish(t, g, next.set())
		},
		run: func(_ context.Context, g *Gate) error {
			return g.Refuse("3.15.0", "1", []snapshot.Digest{next.set().Digest})
		},
		before: next, after: next,
	},
}

// errCrash ends an action as kill -9 would: nothing after it runs.
var errCrash = errors.New("killed")

// killed opens the directory and runs the action, but kills it after n system calls. It is false if the action
// needs no more than n.
func (a action) killed(t *testing.T, dir string, n int) bool {
	t.Helper()
	calls := 0
	before := func(string, string) error {
		if calls++; calls > n {
			panic(errCrash)
		}
		return nil
	}
	var g *Gate
	defer func() {
		if g != nil {
			// Close releases the lock, as the end of a process does, and changes nothing in the directory.
			_ = g.Close()
		}
	}()
	return crashes(func() {
		var err error
		if g, err = openNow(dir, Options{}, nil); err == nil {
			err = a.warmUp(t.Context(), g)
		}
		if err == nil {
			g.disk.before = before
			err = a.run(t.Context(), g)
		}
		if err != nil {
			t.Fatalf("with %d calls: %v", n, err)
		}
	})
}

func (a action) warmUp(ctx context.Context, g *Gate) error {
	if a.warm == nil {
		return nil
	}
	return a.warm(ctx, g)
}

func crashes(f func()) (yes bool) {
	defer func() {
		if r := recover(); r != nil {
			if err, ok := r.(error); !ok || !errors.Is(err, errCrash) {
				panic(r)
			}
			yes = true
		}
	}()
	f()
	return false
}

// wantComplete checks that readers see before or after, complete, and no mixture of the two.
func (a action) wantComplete(t *testing.T, dir string) {
	t.Helper()
	seen := throughData(t, dir)
	now, other := a.before, a.after
	if !maps.Equal(seen, now) {
		now, other = other, now
	}
	wantTree(t, "through ..data", seen, now)
	names := throughNames(t, dir) // fails for a name that leads nowhere
	for name, text := range now {
		if names[name] != text {
			t.Errorf("the visible name %q shows %.20q, want %.20q", name, names[name], text)
		}
	}
	for name, text := range names {
		if now[name] != text && other[name] != text {
			t.Errorf("the visible name %q shows %.20q, which is in no generation", name, text)
		}
	}
}

// wantGoesOn checks that the next writer repairs the directory and goes on.
func (a action) wantGoesOn(t *testing.T, dir string) {
	t.Helper()
	g := mustOpen(t, dir, Options{})
	defer func() { _ = g.Close() }()
	seen := throughData(t, dir)
	if !maps.Equal(seen, a.before) {
		wantTree(t, "through ..data after the repair", seen, a.after)
	}
	for _, gen := range g.gens {
		if err := g.inspect(gen); err != nil {
			t.Errorf("a generation that is kept for later is not complete: %v", err)
		}
	}
	wantTree(t, "through the visible names after the repair", throughNames(t, dir), throughNamesOf(seen))
	if seen != nil {
		wantOnly(t, g)
		if g.Current() != seen.set().Digest {
			t.Errorf("current is %s, readers see %s", g.Current().Short(), seen.set().Digest.Short())
		}
	}
	if err := a.run(t.Context(), g); err != nil && a.name != "accept" {
		t.Errorf("the same again: %v", err)
	}
	mustPublish(t, g, second.set())
	wantTree(t, "published after the repair", throughNames(t, dir), second)
	wantOnly(t, g)
	if a.history != nil {
		if d, err := g.Rollback(t.Context()); err != nil || d.IsZero() {
			t.Errorf("the accepted generation was lost: %s, %v", d.Short(), err)
		}
	}
}

// throughNamesOf is what the visible names show of a complete tree.
func throughNamesOf(tr tree) tree {
	if tr == nil {
		return tree{}
	}
	return tr
}

// A writer that is killed at any system call leaves one complete generation, and the next writer repairs the rest.
func TestKilledAtEverySystemCall(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	for _, a := range actions {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			n := 0
			for ; ; n++ {
				dir := a.prepare(t)
				if !a.killed(t, dir, n) {
					break
				}
				if a.wantComplete(t, dir); t.Failed() {
					t.Fatalf("killed before call %d", n+1)
				}
				if a.wantGoesOn(t, dir); t.Failed() {
					t.Fatalf("after it was killed before call %d", n+1)
				}
				_ = os.RemoveAll(dir)
			}
			if n < 2 {
				t.Errorf("only %d system calls: the hook is not called", n)
			}
			t.Logf("%d system calls", n)
		})
	}
}

// A writer that is killed again during its repair leaves one complete generation too.
func TestKilledWhileRepairing(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	a := actions[2]
	repairs := 0
	for n := 0; ; n += 3 {
		dir := a.prepare(t)
		if !a.killed(t, dir, n) {
			break
		}
		for m := 0; crashes(func() { openUntil(t, dir, m) }); m++ {
			repairs++
			if a.wantComplete(t, dir); t.Failed() {
				t.Fatalf("killed before call %d, then before call %d of the repair", n+1, m+1)
			}
		}
		if a.wantGoesOn(t, dir); t.Failed() {
			t.Fatalf("killed before call %d", n+1)
		}
		_ = os.RemoveAll(dir)
	}
	if repairs < 50 {
		t.Errorf("only %d repairs were interrupted", repairs)
	}
}

// openUntil opens the directory, and panics after m system calls.
func openUntil(t *testing.T, dir string, m int) {
	t.Helper()
	calls := 0
	g, err := openNow(dir, Options{}, func(op, _ string) error {
		if op == "open" {
			calls = 0 // a new try
		}
		if calls++; calls > m {
			panic(errCrash)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = g.Close()
}

func (a action) prepare(t *testing.T) string {
	t.Helper()
	dir := fastDir(t)
	if a.history != nil {
		g := mustOpen(t, dir, Options{})
		a.history(t, g)
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Any system call can fail. The error names the operation and the object, readers see one complete generation,
// and the same writer can go on when the fault has ended. If there is no error, readers see the new files: only the removal of
// something that is no longer needed has failed.
func TestFailureOfEverySystemCall(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	// A full disk takes another path: old generations make room for the new one.
	for errno, list := range map[syscall.Errno][]action{syscall.EIO: actions, syscall.ENOSPC: actions[2:3]} {
		for _, a := range list {
			t.Run(fmt.Sprintf("%s/%v", a.name, errno), func(t *testing.T) {
				t.Parallel()
				n := 0
				for ; a.failsAt(t, n, errno); n++ {
					if t.Failed() {
						t.Fatalf("call %d failed", n+1)
					}
				}
				if n < 2 {
					t.Errorf("only %d system calls failed", n)
				}
			})
		}
	}
}

// failsAt lets all system calls after the first n fail, then ends the fault. It is false if the action needs no more than n.
func (a action) failsAt(t *testing.T, n int, errno syscall.Errno) bool {
	t.Helper()
	dir := a.prepare(t)
	defer func() { _ = os.RemoveAll(dir) }()
	g := mustOpen(t, dir, Options{})
	defer func() { _ = g.Close() }()
	if err := a.warmUp(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	calls, failed := 0, []string(nil)
	g.disk.before = func(op, name string) error {
		if calls++; calls <= n {
			return nil
		}
		failed = append(failed, fmt.Sprintf("%s %q", op, name))
		return errno
	}
	err := a.run(t.Context(), g)
	g.disk.before = nil
	if calls <= n {
		if err != nil {
			t.Errorf("without a fault: %v", err)
		}
		return false
	}
	named := func(op string) bool { return strings.Contains(err.Error(), op) }
	switch {
	case err == nil:
		wantTree(t, "through the visible names, without an error", throughNames(t, dir), a.after)
	case !errors.Is(err, errno) || !slices.ContainsFunc(failed, named) || !strings.Contains(err.Error(), dir):
		t.Errorf("got %v, want %v of one of %q in %s", err, errno, failed, dir)
	}
	a.wantComplete(t, dir)
	if err := a.run(t.Context(), g); err != nil {
		t.Errorf("after the fault: %v", err)
	}
	wantTree(t, "through the visible names after the fault", throughNames(t, dir), a.after)
	// What could not be removed during the fault is removed by the next publication.
	mustPublish(t, g, second.set())
	wantTree(t, "published after the fault", throughNames(t, dir), second)
	wantOnly(t, g)
	return true
}

// One call fails and all later ones succeed, so that the clean-up after the failure runs too.
func TestFailureOfOneSystemCall(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	a := actions[2]
	for n := 0; ; n++ {
		dir := a.prepare(t)
		g := mustOpen(t, dir, Options{})
		calls := 0
		g.disk.before = func(string, string) error {
			if calls++; calls == n+1 {
				return syscall.EIO
			}
			return nil
		}
		err := a.run(t.Context(), g)
		g.disk.before = nil
		if calls <= n {
			if err != nil || n < 20 {
				t.Errorf("%d system calls failed, the rest without a fault: %v", n, err)
			}
			return
		}
		a.wantComplete(t, dir)
		if err == nil {
			wantTree(t, "through the visible names", throughNames(t, dir), a.after)
		}
		mustPublish(t, g, next.set()) // it also removes what could not be removed
		wantTree(t, "published again", throughNames(t, dir), a.after)
		wantOnly(t, g)
		if t.Failed() {
			t.Fatalf("call %d failed with %v", n+1, err)
		}
		_ = g.Close()
		_ = os.RemoveAll(dir)
	}
}

// A cancelled publish leaves nothing behind.
func TestCancelledPublish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := mustOpen(t, dir, Options{})
	mustPublish(t, g, good.set())
	ctx, cancel := context.WithCancel(t.Context())
	g.disk.before = func(op, name string) error {
		if op == "create" && filepath.Base(name) == "new.yml" {
			cancel()
		}
		return nil
	}
	if err := g.Publish(ctx, next.set()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	wantTree(t, "through the visible names", throughNames(t, dir), good)
	wantOnly(t, g)
}
