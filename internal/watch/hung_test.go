package watch

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"reloader/test/rig"
	"reloader/test/volume"
)

// hanging is an inotify that hangs when dir is added, as with a file system that does not answer.
type hanging struct {
	notifier
	dir  string
	hang chan struct{}
}

func (h hanging) Add(dir string) error {
	if dir == h.dir {
		<-h.hang
	}
	return h.notifier.Add(dir)
}

// A directory that hangs delays only itself. Others can be subscribed to, watched and closed meanwhile, and once it answers it
// is watched too.
func TestHungDirectory(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"during the survey", "when it is added"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			dir, other := t.TempDir(), t.TempDir()
			hang := make(chan struct{})
			var log logged
			w := New(Options{Interval: 50 * time.Millisecond, Fallback: 10 * time.Millisecond, Logger: log.logger(), open: func() (notifier, error) {
				h := hanging{notifier: newFaulty(t).notifier, hang: hang}
				if where == "when it is added" {
					h.dir = dir
				}
				return h, nil
			}})
			bad := &Subscription{w: w, hints: make(chan struct{}, 1)}
			w.post(func() {
				w.subs = append(w.subs, bad)
				bad.dirs = []string{dir}
				if where == "during the survey" {
					looking := make(chan plan)
					bad.looking = looking
					go func() { <-hang; looking <- makePlan(bad, bad.dirs) }()
				}
				w.rearm()
			})
			good := w.Subscribe([]string{other})
			step(t, good, "another directory", func() { put(t, filepath.Join(other, "x"), "1") }, holds(filepath.Join(other, "x"), "1"))
			rig.Until(t, "the log", func() bool { return strings.Contains(log.String(), "does not answer") })
			close(hang)
			rig.Until(t, "watches of both", func() bool { st := w.Stats(); return st.Watches == 2 && !st.Polling })
			step(t, bad, "the directory", func() { put(t, filepath.Join(dir, "x"), "1") }, holds(filepath.Join(dir, "x"), "1"))
			good.Close()
			w.Close()
		})
	}
}

// locking is a hanging inotify with fsnotify's lock: while an addition waits, so does everything else that changes the watches.
type locking struct {
	hanging
	mu *sync.Mutex
}

func (l locking) Add(dir string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hanging.Add(dir)
}

func (l locking) Remove(dir string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hanging.Remove(dir)
}

func (l locking) WatchList() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hanging.WatchList()
}

// While a watch on a directory that hangs is being added, no other watch can be removed. Swaps elsewhere still cause hints, although
// the old generation's watch must be removed.
func TestSwapsDuringAHungAdd(t *testing.T) {
	t.Parallel()
	dir, hung, hang := t.TempDir(), t.TempDir(), make(chan struct{})
	v := volume.New(t, dir, map[string]string{"a": "0"})
	n := newFaulty(t).notifier
	w := New(Options{Interval: never, Fallback: 10 * time.Millisecond, open: func() (notifier, error) {
		return locking{hanging{n, hung, hang}, &sync.Mutex{}}, nil
	}})
	good := w.Subscribe([]string{dir})
	bad := w.Subscribe([]string{hung})
	for i := range 5 {
		text := fmt.Sprint(i + 1)
		step(t, good, "swap "+text, func() { v.Swap(map[string]string{"a": text}) }, holds(filepath.Join(dir, "a"), text))
	}
	close(hang)
	rig.Until(t, "watches of both", func() bool { w.call(w.rearm); return w.Stats().Watches == 3 && !w.Stats().Polling })
	step(t, bad, "the directory", func() { put(t, filepath.Join(hung, "x"), "1") }, holds(filepath.Join(hung, "x"), "1"))
	step(t, good, "an edit in place", func() { put(t, filepath.Join(dir, "..data", "a"), "6") }, holds(filepath.Join(dir, "a"), "6"))
	w.Close()
}

// A fifo in place of a directory does not block the survey.
func TestFIFOInsteadOfADirectory(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "fifo")
	rig.Must(t, syscall.Mkfifo(fifo, 0o644))
	done := make(chan error, 1)
	go func() { _, err := readDir(fifo); done <- err }()
	select {
	case err := <-done:
		if !vanished(err) {
			t.Errorf("got %v", err)
		}
	case <-time.After(rig.Patience):
		t.Error("it blocks")
	}
}

// A directory that never answers does not keep Close from returning.
func TestCloseWithAHungDirectory(t *testing.T) {
	t.Parallel()
	dir, hang := t.TempDir(), make(chan struct{})
	defer close(hang)
	n := newFaulty(t).notifier
	w := New(Options{Interval: never, open: func() (notifier, error) { return hanging{n, dir, hang}, nil }})
	s := w.Subscribe([]string{dir})
	s.SetDirs([]string{t.TempDir()})
	s.Close()
	w.Close()
}

// While the watcher's goroutine is blocked, SetDirs does not wait, and closing a subscription waits for patience at most.
func TestBusyWatcherDelaysNoCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{open: func() (notifier, error) { return nil, syscall.EMFILE }})
		s := w.Subscribe(nil)
		release := make(chan struct{})
		w.post(func() { <-release })
		begin := time.Now()
		s.SetDirs([]string{"/hung"})
		if took := time.Since(begin); took != 0 {
			t.Errorf("SetDirs waited %v", took)
		}
		s.Close()
		if took := time.Since(begin); took > patience {
			t.Errorf("Close waited %v, want at most %v", took, patience)
		}
		close(release)
		w.Close()
	})
}
