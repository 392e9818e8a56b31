package gate

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A fifo in the place of a note or of a published file holds nothing up: whoever can write the gate could
// else keep reloader from starting.
func TestFIFOsInTheGate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g, err := openNow(dir, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustPublish(t, g, tree{"a": "1"}.set())
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	notes, err := filepath.Glob(filepath.Join(dir, stateDir, "*"))
	if err != nil || len(notes) == 0 {
		t.Fatal(notes, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "..2*", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range append(notes, files...) {
		if filepath.Base(name) == "lock" {
			continue
		}
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() {
		g, err := openNow(dir, Options{}, nil)
		if err == nil {
			mustPublish(t, g, tree{"a": "2"}.set())
			err = g.Close()
		}
		done <- err
	}()
	select {
	case err := <-done:
		// Whether it is repaired or refused: it is said, and nothing waits.
		t.Log(err)
	case <-time.After(20 * time.Second):
		t.Fatal("a fifo holds the gate up")
	}
}
