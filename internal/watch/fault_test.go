package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"reloader/test/rig"
)

// faulty is the real inotify with faults.
type faulty struct {
	notifier
	addError atomic.Pointer[error]
	errs     chan error
}

func (f *faulty) Add(dir string) error {
	if err := f.addError.Load(); err != nil {
		return *err
	}
	return f.notifier.Add(dir)
}

func (f *faulty) Errors() <-chan error { return f.errs }

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	n, err := openNotifier()
	rig.Must(t, err)
	return &faulty{notifier: n, errs: make(chan error)}
}

func wantLog(t *testing.T, l *logged, want ...string) {
	t.Helper()
	got := l.lines()
	if len(got) != len(want) {
		t.Fatalf("log: %q, want %d lines", got, len(want))
	}
	for i, w := range want {
		if !strings.Contains(got[i], w) {
			t.Errorf("log line %q, want %q in it", got[i], w)
		}
	}
}

// No instance of inotify is left, or the system has none: polling, said once; then inotify again, said once.
func TestNoInotify(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOSYS} {
		t.Run(fault.Error(), func(t *testing.T) {
			t.Parallel()
			var log logged
			var healed atomic.Bool
			w := start(t, Options{Interval: 20 * time.Millisecond, Fallback: time.Millisecond, Logger: log.logger(), open: func() (notifier, error) {
				if healed.Load() {
					return openNotifier()
				}
				return nil, fmt.Errorf("couldn't initialize inotify: %w", fault)
			}})
			dir := t.TempDir()
			file := filepath.Join(dir, "x")
			s := w.Subscribe([]string{dir})
			for i := range 10 {
				text := fmt.Sprint(i)
				put(t, file, text)
				until(t, s, "change while polling", holds(file, text))
			}
			rig.Until(t, "tried again", func() bool { return w.Stats().Errors > 2 })
			if st := w.Stats(); !st.Polling || st.Watches != 0 || st.Events != 0 {
				t.Errorf("while polling: %+v", st)
			}
			healed.Store(true)
			rig.Until(t, "inotify is back", func() bool { return !w.Stats().Polling })
			put(t, file, "again")
			until(t, s, "change after", holds(file, "again"))
			rig.Until(t, "the kernel reports", func() bool { return w.Stats().Events > 0 })
			wantLog(t, &log, fault.Error(), "inotify watches everything again")
		})
	}
}

// The user's watches are used up: what is watched stays so, the rest is polled.
func TestNoWatches(t *testing.T) {
	t.Parallel()
	var log logged
	f := newFaulty(t)
	w := start(t, Options{Interval: 20 * time.Millisecond, Fallback: 10 * time.Millisecond, Logger: log.logger(), open: func() (notifier, error) { return f, nil }})
	one, two := t.TempDir(), t.TempDir()
	s := w.Subscribe([]string{one})
	full := error(syscall.ENOSPC)
	f.addError.Store(&full)
	s.SetDirs([]string{one, two})
	rig.Eventually(t, "one watch too few", func() error {
		if st := w.Stats(); !st.Polling || st.Watches != 1 || st.Errors == 0 {
			return fmt.Errorf("%+v", st)
		}
		return nil
	})
	file := filepath.Join(two, "x")
	put(t, file, "1")
	until(t, s, "change in the directory without a watch", holds(file, "1"))
	f.addError.Store(nil)
	rig.Until(t, "watches are back", func() bool { st := w.Stats(); return !st.Polling && st.Watches == 2 })
	wantLog(t, &log, "no space left on device", "inotify watches everything again")
}

// A directory that must not be watched does not make everything else poll fast.
func TestUnreadableDirectory(t *testing.T) {
	t.Parallel()
	var log logged
	f := newFaulty(t)
	denied := error(syscall.EACCES)
	f.addError.Store(&denied)
	w := start(t, Options{Interval: never, Logger: log.logger(), open: func() (notifier, error) { return f, nil }})
	w.Subscribe([]string{t.TempDir()})
	if st := w.Stats(); st.Polling || st.Errors == 0 {
		t.Errorf("%+v", st)
	}
	wantLog(t, &log, "")
}

// inotify breaks: it is opened again by the next poll.
func TestInotifyBreaks(t *testing.T) {
	t.Parallel()
	var log logged
	f := newFaulty(t)
	opened := 0
	w := start(t, Options{Interval: 20 * time.Millisecond, Fallback: 10 * time.Millisecond, Logger: log.logger(), open: func() (notifier, error) {
		if opened++; opened == 1 {
			return f, nil
		}
		return openNotifier()
	}})
	dir := t.TempDir()
	s := w.Subscribe([]string{dir})
	f.errs <- errors.New("input/output error")
	rig.Until(t, "both were said", func() bool { return len(log.lines()) == 2 })
	if st := w.Stats(); st.Polling || st.Watches != 1 || st.Errors != 1 {
		t.Errorf("%+v", st)
	}
	file := filepath.Join(dir, "x")
	put(t, file, "1")
	until(t, s, "change after", holds(file, "1"))
	wantLog(t, &log, "input/output error", "inotify watches everything again")
}

// The notifier ends by itself, with closed channels.
func TestInotifyEnds(t *testing.T) {
	t.Parallel()
	opened := make(chan notifier, 10)
	w := start(t, Options{Interval: 20 * time.Millisecond, Fallback: 10 * time.Millisecond, open: func() (notifier, error) {
		n, err := openNotifier()
		opened <- n
		return n, err
	}})
	w.Subscribe([]string{t.TempDir()})
	rig.Must(t, (<-opened).Close())
	<-opened // another one
	rig.Until(t, "inotify is back", func() bool { st := w.Stats(); return !st.Polling && st.Watches == 1 && st.Errors > 0 })
}

// The kernel's queue really overflows while no one takes events.
func TestQueueOverflow(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Skip("no inotify here: ", err)
	}
	var queue int
	if _, err := fmt.Sscan(string(b), &queue); err != nil || queue > 1<<17 {
		t.Skipf("the queue is too long to fill: %s", b)
	}
	dir := t.TempDir()
	w := start(t, Options{Interval: never})
	s := w.Subscribe([]string{dir})
	quiet(s)
	// The goroutine is kept busy, so that nothing is taken from the queue but what one read holds.
	release := make(chan struct{})
	busy := make(chan struct{})
	go w.call(func() { close(busy); <-release })
	<-busy
	a, c := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	put(t, a, "")
	for range queue/2 + 5000 {
		rig.Must(t, os.Rename(a, c))
		a, c = c, a
	}
	// This is what gets lost: a directory whose files are watched from now on.
	inside := filepath.Join(dir, "new", "x")
	put(t, inside, "1")
	close(release)
	rig.Until(t, "the overflow is counted", func() bool { return w.Stats().Errors > 0 })
	rig.Until(t, "the new directory is watched", func() bool { return w.Stats().Watches == 2 })
	step(t, s, "change in the new directory", func() { put(t, inside, "2") }, holds(inside, "2"))
	if w.Stats().Polling {
		t.Error("an overflow is no reason to poll")
	}
}

// A tree that is too large is polled at the usual pace: it costs the most. Each poll hints, for what has no watch.
func TestTooManyDirectories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range maxDirs + 10 {
		rig.Must(t, os.Mkdir(filepath.Join(dir, fmt.Sprint(i)), 0o755))
	}
	var log logged
	f := fakeWatches{newFaulty(t).notifier, new([]string)}
	w := start(t, Options{Interval: never, Logger: log.logger(), open: func() (notifier, error) { return f, nil }})
	s := w.Subscribe([]string{dir})
	rig.Eventually(t, "as many watches as may be", func() error {
		if st := w.Stats(); st.Watches != maxDirs || !st.Polling {
			return fmt.Errorf("%+v", st)
		}
		return nil
	})
	w.call(func() {
		if got := w.interval(); got != never {
			t.Errorf("polled every %v", got)
		}
	})
	quiet(s)
	w.call(w.tick)
	select {
	case <-s.C():
	default:
		t.Error("a poll did not hint")
	}
	wantLog(t, &log, "too many directories to watch: more than 4096")
}

// fakeWatches uses up none of the user's watches.
type fakeWatches struct {
	notifier
	paths *[]string
}

func (f fakeWatches) Add(dir string) error { *f.paths = append(*f.paths, dir); return nil }
func (f fakeWatches) WatchList() []string  { return *f.paths }

// hanging is an inotify whose additions wait for a file system that does not answer.
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

// A directory that hangs holds up only itself: others are subscribed, followed and closed, and when it answers again it
// is followed too.
func TestHungDirectory(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"while it is looked at", "while it is added"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			dir, other := t.TempDir(), t.TempDir()
			hang := make(chan struct{})
			var log logged
			w := New(Options{Interval: 50 * time.Millisecond, Fallback: 10 * time.Millisecond, Logger: log.logger(), open: func() (notifier, error) {
				h := hanging{notifier: newFaulty(t).notifier, hang: hang}
				if where == "while it is added" {
					h.dir = dir
				}
				return h, nil
			}})
			bad := &Subscription{w: w, hints: make(chan struct{}, 1)}
			w.post(func() {
				w.subs = append(w.subs, bad)
				bad.dirs = []string{dir}
				if where == "while it is looked at" {
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

// One that never answers does not keep the watcher from ending.
func TestHungForGood(t *testing.T) {
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

// While the watcher itself is held up, a target's directories are replaced without waiting, and its subscription ends after a
// moment.
func TestBusyWatcherHoldsNoOneUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{open: func() (notifier, error) { return nil, syscall.EMFILE }})
		s := w.Subscribe(nil)
		release := make(chan struct{})
		w.post(func() { <-release })
		begin := time.Now()
		s.SetDirs([]string{"/hung"})
		if took := time.Since(begin); took != 0 {
			t.Errorf("other directories: waited %v", took)
		}
		s.Close()
		if took := time.Since(begin); took > patience {
			t.Errorf("closed after %v", took)
		}
		close(release)
		w.Close()
	})
}
