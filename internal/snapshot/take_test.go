package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes the files below dir, with their directories.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		p := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		must(t, os.WriteFile(p, []byte(text), 0o644))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func take(t testing.TB, dir string) *Snapshot {
	t.Helper()
	s, err := Take(t.Context(), Source{Name: "config", Dir: dir}, Limits{})
	must(t, err)
	return s
}

// contents are a snapshot's files as text. Their digests and sizes must be right.
func contents(t testing.TB, s *Snapshot) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, f := range s.Files {
		b, ok := s.Bytes(f.Name)
		if !ok {
			t.Fatalf("%s is listed without contents", f.Name)
		}
		if f.Digest != DigestBytes(b) || f.Size != int64(len(b)) {
			t.Fatalf("%s: digest and size are not those of the bytes", f.Name)
		}
		got[f.Name] = string(b)
	}
	return got
}

func wantFiles(t testing.TB, s *Snapshot, want map[string]string) {
	t.Helper()
	if d := cmp.Diff(want, contents(t, s)); d != "" {
		t.Fatalf("files (-want +got):\n%s", d)
	}
}

// A plain directory is read with its subdirectories, without hidden directories, names that begin with two dots, and databases.
func TestTakePlainDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"a.yml": "a", "rules/b.yml": "b", "rules/deep/c.yml": "c", ".hidden.yaml": "grafana reads this",
		".git/config": "not this", "..2026_x/secret": "nor this", "..odd": "nor this", "lost+found/x": "nor this",
		"data/wal/0001": "nor the server's database", "data/chunks_head/1": "", "data/lock": "", "walled/wal/ok.yml": "w",
		"elsewhere/.kept/no.yml": "hidden directory", "empty.yml": "",
	})
	s := take(t, dir)
	wantFiles(t, s, map[string]string{
		"a.yml": "a", "rules/b.yml": "b", "rules/deep/c.yml": "c", ".hidden.yaml": "grafana reads this", "empty.yml": "",
		"walled/wal/ok.yml": "w",
	})
	if s.Atomic {
		t.Error("a plain directory is not swapped as a whole")
	}
	if same := FromFiles(Source{}, map[string][]byte{
		"a.yml": []byte("a"), "rules/b.yml": []byte("b"), "rules/deep/c.yml": []byte("c"),
		".hidden.yaml": []byte("grafana reads this"), "empty.yml": {},
		"walled/wal/ok.yml": []byte("w"),
	}); same.Digest != s.Digest {
		t.Error("the same files in memory have another digest")
	}
}

// Links to files and directories are followed. Each name that leads to nothing readable is listed with the reason.
func TestTakeFollowsLinks(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	write(t, other, map[string]string{"x.yml": "x", "sub/y.yml": "y"})
	write(t, dir, map[string]string{"d/real.yml": "r"})
	for name, target := range map[string]string{
		"file.yml": filepath.Join(other, "x.yml"), "dir": filepath.Join(other, "sub"), "gone.yml": "nowhere",
		"self.yml": "self.yml", "d/up": "..", "null": "/dev/null", "through": "d/real.yml/impossible",
	} {
		must(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	s := take(t, dir)
	wantFiles(t, s, map[string]string{"file.yml": "x", "dir/y.yml": "y", "d/real.yml": "r"})
	want := []Missing{
		{"d/up", ReasonLoop}, {"fifo", ReasonSpecial}, {"gone.yml", ReasonDangling}, {"null", ReasonSpecial},
		{"self.yml", ReasonLoop}, {"through", ReasonDangling},
	}
	if d := cmp.Diff(want, s.Missing); d != "" {
		t.Errorf("missing (-want +got):\n%s", d)
	}
}

// Links can form more paths than can ever be followed. The reading must still end.
func TestTakeEndsInAMazeOfLinks(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for i := range 40 {
		d := filepath.Join(root, "level", string(rune('a'+i%26))+strings.Repeat("x", i/26))
		must(t, os.MkdirAll(d, 0o755))
		next := filepath.Join(root, "level", string(rune('a'+(i+1)%26))+strings.Repeat("x", (i+1)/26))
		must(t, os.Symlink(next, filepath.Join(d, "left")))
		must(t, os.Symlink(next, filepath.Join(d, "right")))
	}
	_, err := Take(t.Context(), Source{Dir: filepath.Join(root, "level", "a")}, Limits{MaxFiles: 500})
	if !errors.Is(err, ErrLimit) {
		t.Fatalf("got %v, want a limit error", err)
	}
}

// Errors name the source, file or limit, and can be told apart with errors.Is.
func TestTakeErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"a": "12345", "b": "12345", "c": "1"})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx  context.Context
		src  Source
		lim  Limits
		want error
		text string
	}{
		"not there yet":    {src: Source{Name: "rules", Dir: filepath.Join(dir, "x")}, want: fs.ErrNotExist, text: "(is the directory mounted into reloader's container"},
		"below a file":     {src: Source{Dir: filepath.Join(dir, "a", "x")}, want: syscall.ENOTDIR},
		"a file":           {src: Source{Dir: filepath.Join(dir, "a")}, want: syscall.ENOTDIR, text: "not a directory"},
		"too many files":   {src: Source{Dir: dir}, lim: Limits{MaxFiles: 2}, want: ErrLimit, text: "more than 2 files"},
		"too large a file": {src: Source{Dir: dir}, lim: Limits{MaxFileSize: 4}, want: ErrLimit, text: filepath.Join(dir, "a") + ": 5 bytes"},
		"too much":         {src: Source{Dir: dir}, lim: Limits{MaxTotal: 10}, want: ErrLimit, text: "more than 10 bytes"},
		"bad pattern":      {src: Source{Dir: dir, Include: []string{"[a"}}, text: `pattern "[a"`},
		"cancelled":        {ctx: cancelled, src: Source{Dir: dir}, want: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.ctx == nil {
				tc.ctx = t.Context()
			}
			_, err := Take(tc.ctx, tc.src, tc.lim)
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("got %v, want %v with %q", err, tc.want, tc.text)
			}
		})
	}
}

// Patterns limit which files are read, and the size limits apply to those alone.
func TestTakeInclude(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"prometheus.yml": "p", "other.yml": "o", "rules/a.yml": "a", "rules/a.txt": "t", "big/x": "too large"})
	s, err := Take(t.Context(), Source{Dir: dir, Include: []string{"prometheus.yml", "rules/*.yml"}}, Limits{MaxFileSize: 1})
	must(t, err)
	wantFiles(t, s, map[string]string{"prometheus.yml": "p", "rules/a.yml": "a"})
}

// A stop interrupts the walk through a large tree.
func TestTakeIsInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{}
	for i := range 200 {
		files[fmt.Sprintf("d%03d/x", i)] = "x"
	}
	write(t, dir, files)
	ctx, cancel := context.WithCancel(t.Context())
	dirs := map[string]bool{}
	_, err := takeBefore(ctx, dir, func(_, path string) {
		if rel, err := filepath.Rel(dir, path); err == nil && rel != "." {
			dirs[strings.SplitN(rel, "/", 2)[0]] = true
		}
		if len(dirs) == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(dirs) > 4 {
		t.Errorf("%v after %d directories", err, len(dirs))
	}
}

// A file or directory that this user may not read is an error with its name, unless the patterns leave it out.
func TestTakeUnreadable(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root reads everything: TestUnreadableAsOtherUser covers this")
	}
	unreadable(t, t.TempDir())
}

func unreadable(t *testing.T, dir string) {
	t.Helper()
	write(t, dir, map[string]string{"ok.yml": "1", "secret.yml": "2", "sub/x": "3"})
	must(t, os.Chmod(filepath.Join(dir, "secret.yml"), 0))
	_, err := Take(t.Context(), Source{Dir: dir}, Limits{})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "secret.yml") {
		t.Errorf("unreadable file: got %v", err)
	}
	must(t, os.Chmod(filepath.Join(dir, "secret.yml"), 0o600))
	must(t, os.Chmod(filepath.Join(dir, "sub"), 0))
	defer func() { _ = os.Chmod(filepath.Join(dir, "sub"), 0o755) }()
	_, err = Take(t.Context(), Source{Dir: dir}, Limits{})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "sub") {
		t.Errorf("unreadable directory: got %v", err)
	}
	s, err := Take(t.Context(), Source{Dir: dir, Include: []string{"ok.yml"}}, Limits{})
	must(t, err)
	wantFiles(t, s, map[string]string{"ok.yml": "1"})
}

// Forget drops the contents and keeps the list of files and the digests.
func TestForgetKeepsDigests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"a": "1"})
	s := take(t, dir)
	before := s.Digest
	s.Forget()
	if _, ok := s.Bytes("a"); ok || s.Digest != before || len(s.Files) != 1 {
		t.Errorf("after Forget: %+v", s)
	}
}
