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

// Without inotify (no instance left, or not supported), the watcher polls until inotify is available again. Each is logged once.
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

// When the user's watches are used up, existing watches stay and the rest is polled.
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

// A directory that may not be watched is logged, and does not make the watcher poll faster.
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

// When inotify fails, the next poll opens it again.
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
	rig.Until(t, "both are logged", func() bool { return len(log.lines()) == 2 })
	if st := w.Stats(); st.Polling || st.Watches != 1 || st.Errors != 1 {
		t.Errorf("%+v", st)
	}
	file := filepath.Join(dir, "x")
	put(t, file, "1")
	until(t, s, "change after", holds(file, "1"))
	wantLog(t, &log, "input/output error", "inotify watches everything again")
}

// When the notifier ends by itself and closes its channels, another one is opened.
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

// When the kernel's event queue overflows, directories whose events were lost are watched all the same, without polling.
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
	// The watcher's goroutine is kept busy, so that only one read's worth of events leaves the queue.
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
	// The event about this new directory is lost. It must be watched later all the same.
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

// A tree with too many directories is polled at the usual interval, because each poll costs much. Each poll hints, because some
// directories have no watch.
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
	rig.Eventually(t, "as many watches as allowed", func() error {
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
