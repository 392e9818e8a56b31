package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A file that is written in place, replaced or removed while it is read is read again.
func TestTakeReadsAgain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(p string) error{
		"longer":    func(p string) error { return os.WriteFile(p, []byte("a longer text"), 0o644) },
		"truncated": func(p string) error { return os.Truncate(p, 1) },
		"replaced": func(p string) error {
			return errors.Join(os.WriteFile(p+".new", []byte("other"), 0o644), os.Rename(p+".new", p))
		},
		"removed": os.Remove,
		"a fifo":  func(p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o644)) },
		"a directory": func(p string) error {
			return errors.Join(os.Remove(p), os.Mkdir(p, 0o755), os.WriteFile(p+"/x", []byte("x"), 0o644))
		},
	} {
		for _, op := range []string{"stat", "open", "read"} {
			t.Run(name+" before "+op, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				write(t, dir, map[string]string{"a.yml": "first", "b.yml": "second"})
				p := filepath.Join(dir, "a.yml")
				done := false
				tk := newTaker(Source{Dir: dir}, Limits{})
				tk.patience = time.Minute
				tk.before = func(o, path string) {
					if o == op && path == p && !done {
						done = true
						must(t, change(p))
					}
				}
				s, err := tk.take(t.Context())
				must(t, err)
				if !done {
					t.Fatal("the change never happened")
				}
				wantFiles(t, s, contents(t, take(t, dir)))
			})
		}
	}
}

// A directory that becomes a fifo, a file or nothing just before it is listed blocks nothing, and what is there then counts.
func TestDirectoryThatBecomesSomethingElse(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(p string) error{
		"a fifo":  func(p string) error { return syscall.Mkfifo(p, 0o644) },
		"a file":  func(p string) error { return os.WriteFile(p, []byte("x"), 0o644) },
		"nothing": func(string) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, map[string]string{"a.yml": "first", "sub/b.yml": "second"})
			sub, done := filepath.Join(dir, "sub"), false
			tk := newTaker(Source{Dir: dir}, Limits{})
			tk.patience = time.Minute
			tk.before = func(op, path string) {
				if op == "list" && path == sub && !done {
					done = true
					must(t, errors.Join(os.RemoveAll(sub), change(sub)))
				}
			}
			s, err := tk.take(t.Context())
			must(t, err)
			if !done {
				t.Fatal("the change never happened")
			}
			wantFiles(t, s, contents(t, take(t, dir)))
		})
	}
}

// A writer that never stops ends in an error that names the file, or with the context.
func TestTakeGivesUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.yml": "a", "log": "x"})
	p := filepath.Join(dir, "log")
	keepWriting := func(op, _ string) {
		if op != "list" {
			return
		}
		f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteString("more\n")
		must(t, errors.Join(err, f.Close()))
	}
	tk := newTaker(Source{Dir: dir}, Limits{})
	tk.before, tk.patience = keepWriting, 50*time.Millisecond
	_, err := tk.take(t.Context())
	if !errors.Is(err, ErrChanging) || err.Error() != "read source: "+p+": keeps changing while being read" {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	looks := 0
	_, err = takeBefore(ctx, dir, func(op, path string) {
		keepWriting(op, path)
		if looks++; looks == 20 {
			cancel(stopped)
		}
	})
	if !errors.Is(err, stopped) {
		t.Errorf("got %v, want the context's cause", err)
	}
}

// A directory that is removed during the reading gives an error, no files, or all of them.
func TestTakeDirectoryThatGoes(t *testing.T) {
	t.Parallel()
	for op := range 8 {
		dir := filepath.Join(t.TempDir(), "d")
		write(t, dir, map[string]string{"a": "1", "b": "2"})
		n := 0
		s, err := takeBefore(t.Context(), dir, func(string, string) {
			if n++; n == op+1 {
				must(t, os.RemoveAll(dir))
			}
		})
		switch {
		case n <= op: // the reading ended before
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			t.Errorf("removed at step %d: %v", op, err)
		case err == nil && len(s.Files) != 0 && len(s.Files) != 2:
			t.Errorf("removed at step %d: %v", op, contents(t, s))
		}
	}
}

// aged makes a snapshot look as if its tree had not been touched for an hour before.
func aged(t testing.TB, s *Snapshot) *Snapshot {
	t.Helper()
	s.started = s.started.Add(time.Hour)
	return s
}

// Unchanged sees every change of a tree. It is false too while a write just before the reading may have been missed.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.yml": "a", "sub/b.yml": "b"})
	s := take(t, dir)
	if s.started = time.Unix(0, s.seen.newest).Add(racyWindow); s.Unchanged(t.Context()) {
		t.Error("files written just before the reading count as unchanged")
	}
	if s.started = s.started.Add(1); !s.Unchanged(t.Context()) {
		t.Error("files written longer than racyWindow before the reading count as changed")
	}
	aged(t, s)
	s.Forget()
	if !s.Unchanged(t.Context()) {
		t.Error("an untouched tree counts as changed")
	}
	if !FromFiles(Source{}, nil).Unchanged(t.Context()) {
		t.Error("files in memory count as changed")
	}
	for i, change := range []func() error{
		func() error { return os.WriteFile(filepath.Join(dir, "a.yml"), []byte("b"), 0o644) },
		func() error { return os.WriteFile(filepath.Join(dir, "sub", "c.yml"), nil, 0o644) },
		func() error { return os.Remove(filepath.Join(dir, "sub", "b.yml")) },
		func() error { return os.Chmod(filepath.Join(dir, "a.yml"), 0o600) },
		func() error { return os.Symlink("nowhere", filepath.Join(dir, "link")) },
		func() error { return os.Rename(filepath.Join(dir, "sub"), filepath.Join(dir, "bus")) },
		func() error { return errors.Join(os.Rename(dir, dir+"2"), os.Mkdir(dir, 0o755)) },
		func() error { return os.RemoveAll(dir) },
	} {
		s := aged(t, take(t, dir))
		must(t, change())
		if s.Unchanged(t.Context()) {
			t.Errorf("change %d is not seen", i)
		}
	}
}

// Unchanged sees a swap.
func TestUnchangedVolume(t *testing.T) {
	t.Parallel()
	k := newKubelet(t, t.TempDir(), false, map[string]string{"a.yml": "a"})
	s := aged(t, take(t, k.dir))
	if !s.Unchanged(t.Context()) {
		t.Error("an untouched volume counts as changed")
	}
	for _, step := range k.update(map[string]string{"a.yml": "b"}) {
		step()
	}
	if s.Unchanged(t.Context()) {
		t.Error("a swap is not seen")
	}
}

// A reading opens each file of a volume once, and makes no other call for it. SameCommit makes none at all: it sees only
// swaps.
func TestTakeVolumeOpensOnce(t *testing.T) {
	t.Parallel()
	k := newKubelet(t, t.TempDir(), false, map[string]string{"a.yml": "a", "b.yml": "b"})
	ops := map[string]int{}
	s, err := takeBefore(t.Context(), k.dir, func(op, path string) {
		if filepath.Ext(path) == ".yml" {
			ops[op]++
		}
	})
	must(t, err)
	if want := map[string]int{"open": 2, "read": 2}; !maps.Equal(ops, want) {
		t.Errorf("%v, want %v", ops, want)
	}
	if !s.SameCommit() {
		t.Error("another commit, although nothing happened")
	}
	must(t, os.WriteFile(k.at("..data/a.yml"), []byte("b"), 0o644))
	must(t, os.WriteFile(k.at(".other"), nil, 0o644))
	if !s.SameCommit() {
		t.Error("a change that is no swap counts as one")
	}
	for _, step := range k.update(map[string]string{"a.yml": "a", "b.yml": "b"}) {
		step()
	}
	if s.SameCommit() {
		t.Error("a swap is not seen")
	}
	plain := t.TempDir()
	write(t, plain, map[string]string{"a.yml": "a"})
	if take(t, plain).SameCommit() {
		t.Error("a plain directory has no commits")
	}
}

// The limits also apply to the files of a volume, which are opened without a stat call.
func TestVolumeLimits(t *testing.T) {
	t.Parallel()
	k := newKubelet(t, t.TempDir(), false, map[string]string{"a.yml": "123", "b.yml": "12345"})
	for _, lim := range []Limits{{MaxFileSize: 4}, {MaxTotal: 7}, {MaxFiles: 1}} {
		if _, err := Take(t.Context(), Source{Dir: k.dir}, lim); !errors.Is(err, ErrLimit) {
			t.Errorf("%+v: got %v", lim, err)
		}
	}
	if _, err := Take(t.Context(), Source{Dir: k.dir}, Limits{MaxFileSize: 5, MaxTotal: 8, MaxFiles: 2}); err != nil {
		t.Error(err)
	}
}

// The scan that polling makes opens no file.
func TestUnchangedOpensNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 100 {
		write(t, dir, map[string]string{fmt.Sprintf("%d.yml", i): "x"})
	}
	s := take(t, dir)
	opened := 0
	tk := newTaker(s.Source, s.limits)
	tk.before = func(op, _ string) {
		if op == "open" || op == "read" {
			opened++
		}
	}
	v, err := tk.scan(t.Context())
	must(t, err)
	if !v.equal(s.seen) || opened > 0 {
		t.Errorf("equal %v, %d files opened", v.equal(s.seen), opened)
	}
}
