package gate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"reloader/test/rig"
)

// A fifo in place of a note or of a published file holds nothing up. Otherwise anyone who can write to the gate could keep
// reloader from starting.
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
	var repairs []string
	done := make(chan error, 1)
	go func() {
		g, err := openNow(dir, Options{Repaired: collect(&repairs)}, nil)
		if err == nil {
			err = errors.Join(g.Publish(context.Background(), tree{"a": "2"}.set()), g.Close())
		}
		done <- err
	}()
	select {
	case err := <-done:
		rig.Must(t, err)
	case <-time.After(rig.Patience):
		t.Fatal("a fifo holds the gate up")
	}
	wantTree(t, "published after the repair", throughNames(t, dir), tree{"a": "2"})
	if len(repairs) == 0 {
		t.Error("the repair was not reported")
	}
}
