package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// swaps is how often TestReadersDuringSwaps publishes at least, and reads how often it reads at least,
// however slow the machine is.
const swaps, reads = 10_000, 1_000

// A reader reads in a loop while the directory is swapped 10,000 times. Through ..data it never sees a mixture
// of two generations. Through the visible names it never misses a file, and no name leads nowhere.
func TestReadersDuringSwaps(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	dir := fastDir(t)
	g := mustOpen(t, dir, Options{Keep: 8})
	mustPublish(t, g, endless(0).set())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group sync.WaitGroup
	var done atomic.Int64
	group.Go(func() {
		for ctx.Err() == nil && !t.Failed() {
			for _, read := range []func(dir string) error{oneGeneration, constantNames, listedNames} {
				if err := read(dir); err != nil {
					t.Errorf("after %d reads: %v", done.Load(), err)
				}
			}
			done.Add(1)
			time.Sleep(200 * time.Microsecond) // leaves the processor to the writer
		}
	})
	n := 0
	for (n < swaps || done.Load() < reads) && !t.Failed() {
		n++
		mustPublish(t, g, endless(n).set())
	}
	cancel()
	group.Wait()
	t.Logf("%d swaps, %d reads of each kind", n, done.Load())
}

// oneGeneration reads as the contract says: the link once, then everything below its target. A
// generation that is removed meanwhile is no fault.
func oneGeneration(dir string) error {
	target, err := os.Readlink(filepath.Join(dir, snapshot.DataLink))
	if err != nil {
		return err
	}
	got, err := readTree(filepath.Join(dir, target))
	if now, linkErr := os.Readlink(filepath.Join(dir, snapshot.DataLink)); linkErr != nil {
		return linkErr
	} else if err != nil && now != target {
		return nil
	}
	if err != nil {
		return err
	}
	now, err := os.Readlink(filepath.Join(dir, snapshot.DataLink))
	if err != nil {
		return err
	}
	// While a generation is removed, files are missing. That is no mixture, and the reader sees that ..data has moved.
	if !published(got) && now == target {
		return fmt.Errorf("%d files with id %s are no generation", len(got), got["id"])
	}
	for name, text := range got {
		if text != got["id"] && text != "same" && got["id"] != "" {
			return fmt.Errorf("%s is of generation %s, id says %s", name, text, got["id"])
		}
	}
	return nil
}

// constantNames reads the names that are in all generations.
func constantNames(dir string) error {
	for _, name := range []string{"id", "rules/a.yml", "rules/b.yml"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if _, err := strconv.Atoi(string(b)); err != nil && string(b) != "same" {
			return fmt.Errorf("%s holds %q", name, b)
		}
	}
	return nil
}

// listedNames reads what the directory lists, as a glob does. A name that was removed after it was listed is
// no fault.
func listedNames(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		p := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), "..") {
			continue
		}
		if _, err := os.Stat(p); err == nil {
			continue
		}
		// The link may have been replaced or removed: only one that stays and leads nowhere is a fault.
		before, err := os.Readlink(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		_, statErr := os.Stat(p)
		after, err := os.Readlink(p)
		if err == nil && statErr != nil && before == after {
			return fmt.Errorf("%s -> %s leads nowhere: %w", e.Name(), after, statErr)
		}
	}
	return nil
}

// published says whether it is one of the endless trees, complete.
func published(got tree) bool {
	n, err := strconv.Atoi(got["id"])
	return err == nil && maps.Equal(got, endless(n))
}

// endless is the n-th tree of an endless series, in which names are added and removed.
func endless(n int) tree {
	id := strconv.Itoa(n)
	tr := tree{"id": id, "rules/a.yml": id, "rules/b.yml": "same"}
	if n%2 == 0 {
		tr["even.yml"] = id
	}
	if n%3 == 0 {
		tr["three/deep/x.yml"] = id
	}
	return tr
}
