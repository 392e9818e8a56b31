package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reloader/internal/snapshot"
)

// A publication that hangs keeps the lock, even when the gate is closed meanwhile. No other writer is let in until the rename
// that is under way has ended, because it would undo what that writer publishes. After that the closed gate writes nothing, and
// the other writer continues from what was published.
func TestCloseDuringAPublication(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g, err := openNow(dir, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustPublish(t, g, first.set())
	hang, in := make(chan struct{}), make(chan struct{})
	g.disk.before = func(op, name string) error {
		if op == "rename" && name == snapshot.DataLink {
			close(in)
			<-hang
		}
		return nil
	}
	published := make(chan error, 1)
	go func() { published <- g.Publish(context.Background(), second.set()) }()
	<-in
	closed := make(chan error, 1)
	go func() { closed <- g.Close() }()
	for range 20 {
		if other, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
			t.Fatalf("another writer was let in: %v %v", other, err)
		}
		time.Sleep(time.Millisecond) // gives Close time to do the wrong thing
	}
	select {
	case err := <-closed:
		t.Fatalf("closed during a publication: %v", err)
	default:
	}
	close(hang)
	if err := errors.Join(<-published, <-closed); err != nil {
		t.Fatal(err)
	}
	if err := g.Publish(t.Context(), good.set()); !errors.Is(err, errClosed) {
		t.Errorf("a closed gate publishes: %v", err)
	}
	other := mustOpen(t, dir, Options{})
	mustPublish(t, other, next.set())
	wantTree(t, "by the next writer", throughNames(t, dir), next)
	wantOnly(t, other)
}

// A tree of hundreds of directories is published with a bounded number of open files, also when an old generation's directory is
// reused: a process may have 1,024.
func TestOpenFilesOfAPublication(t *testing.T) {
	t.Parallel()
	dir := fastDir(t)
	g := mustOpen(t, dir, Options{})
	most, ops := 0, 0
	g.disk.before = func(string, string) error {
		if ops++; ops%7 == 0 {
			most = max(most, openBelow(t, dir))
		}
		return nil
	}
	for n := range 6 {
		tr := tree{}
		for i := range 8 * maxOpenDirs {
			tr[fmt.Sprintf("d%03d/a", i)] = fmt.Sprint(n * (i % 2)) // half of it changes
		}
		mustPublish(t, g, tr.set())
		if err := g.Accept(tr.set().Digest); err != nil {
			t.Fatal(err)
		}
	}
	if most == 0 || most > 2*maxOpenDirs+16 {
		t.Errorf("%d open files, want 1 to %d", most, 2*maxOpenDirs+16)
	}
}

// openBelow is how many files and directories below dir this process has open.
func openBelow(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here: ", err)
	}
	n := 0
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil && strings.HasPrefix(to, dir+"/") {
			n++
		}
	}
	return n
}
