package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// maxRounds bounds how often one re-arming follows a tree that changes meanwhile; after a pause
// it goes on.
const (
	maxRounds     = 8
	restlessPause = 100 * time.Millisecond
	// swapPause is how long a swap goes before the watches.
	swapPause = 500 * time.Millisecond
	// patience is how long one directory's answer is waited for; the others are served then.
	patience = 5 * time.Second
)

// rearm makes the watches those that are needed now. A watch begins at a moment; what was made in the
// directory before it is not reported. So it looks again until nothing is new, and hints those with new watches.
func (w *Watcher) rearm() {
	started := time.Now()
	w.lastTry = started
	defer func() {
		pause := 4 * time.Since(started)
		if w.dirty {
			pause = max(pause, restlessPause)
		}
		w.notBefore = time.Now().Add(pause)
		w.release()
	}()
	var lost error
	w.dirty = true // until a round finds nothing to do
	for range maxRounds {
		w.plan = w.survey()
		if w.dirty, lost = w.arm(); !w.dirty {
			break
		}
	}
	if lost == nil {
		lost = w.plan.left
	}
	w.watches.Store(int64(len(w.armed)))
	w.setLost(lost)
}

// arm adds and removes watches. It reports whether the tree must be looked at again, because a
// watch began or a directory went, and why a watch is lacking.
func (w *Watcher) arm() (again bool, lost error) {
	if w.adding != nil {
		select {
		case <-w.adding:
			w.adding = nil
		default:
			return false, errNoAnswer
		}
	}
	if w.notifier == nil {
		n, err := w.opts.open()
		if err != nil {
			w.errors.Add(1)
			return false, err
		}
		w.notifier = n
	}
	w.disarm()
	for id, n := range w.plan.nodes {
		if _, ok := w.armed[id]; ok {
			continue
		}
		switch err := w.add(n.path); {
		case errors.Is(err, errNoAnswer):
			// No other one can be added meanwhile.
			w.errors.Add(1)
			return false, fmt.Errorf("%s: %w", n.path, err)
		case err == nil:
			w.armed[id] = n.path
			w.hintNode(n)
			again = true
		case vanished(err):
			// Its going happened before any watch could tell: see what is there instead.
			again = true
		case errors.Is(err, fs.ErrPermission):
			// More inotify would not help; polling at the usual pace has to do.
			w.errors.Add(1)
		default:
			w.errors.Add(1)
			lost = err
		}
	}
	return again, lost
}

var errNoAnswer = errors.New("the file system does not answer")

// add watches one directory. The kernel looks at it once more, which can take forever.
func (w *Watcher) add(path string) error {
	var err error
	done := make(chan struct{})
	go func(n notifier) {
		defer close(done)
		err = n.Add(path)
	}(w.notifier)
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for events := w.notifier.Events(); ; {
		select {
		case <-done:
			return err
		case ev, ok := <-events:
			events = w.hold(events, ev, ok)
		case <-limit.C:
			w.adding = done
			return errNoAnswer
		}
	}
}

// survey looks at the directories of all subscriptions, at each by itself: what is known of one that does not answer
// stays as it was, and it is looked at on its own.
func (w *Watcher) survey() plan {
	for _, s := range w.subs {
		if s.looking == nil {
			looking, dirs := make(chan plan, 1), s.dirs
			go func() {
				began := time.Now()
				looking <- makePlan(s, dirs)
				if time.Since(began) >= patience {
					w.post(func() { w.dirty = true }) // no one waits for it any more
				}
			}()
			s.looking = looking
		}
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	all := newPlan()
	var events <-chan fsnotify.Event
	if w.notifier != nil {
		events = w.notifier.Events()
	}
	for _, s := range w.subs {
		if !s.late {
			for waiting := true; waiting; {
				select {
				case s.plan = <-s.looking:
					s.looking, waiting = nil, false
				case ev, ok := <-events:
					events = w.hold(events, ev, ok)
				case <-limit.C:
					limit.Reset(0) // the next ones had as much time
					s.late, waiting = true, false
				}
			}
		} else {
			select {
			case s.plan = <-s.looking:
				s.looking, s.late = nil, false
				s.hint()
			default:
			}
		}
		all.merge(s.plan)
		if s.late {
			all.left = fmt.Errorf("%s: %w", strings.Join(s.dirs, ", "), errNoAnswer)
		}
	}
	return all
}

// disarm removes what is not planned, and forgets what the kernel has dropped by itself (the
// directory was removed or unmounted), even where a new directory got the old one's identity.
func (w *Watcher) disarm() {
	alive := map[string]bool{}
	for _, p := range w.notifier.WatchList() {
		alive[p] = true
	}
	for id, path := range w.armed {
		if n := w.plan.nodes[id]; n != nil && n.path == path && alive[path] {
			continue
		}
		// It fails when the kernel was faster, and then nothing is left to remove.
		_ = w.notifier.Remove(path)
		delete(w.armed, id)
	}
}

func vanished(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func (w *Watcher) hintNode(n *node) {
	for s := range n.subs {
		s.hint()
	}
	for _, subs := range n.names {
		for s := range subs {
			s.hint()
		}
	}
}

// failure handles lost events and a broken inotify alike: everyone looks, everything is armed again.
func (w *Watcher) failure(err error, ok bool) {
	w.errors.Add(1)
	if ok && errors.Is(err, fsnotify.ErrEventOverflow) {
		w.rearm()
	} else {
		// It is opened again at the next poll, not at once, so that a lasting fault costs little.
		w.closeNotifier()
		if err == nil {
			err = errors.New("inotify ended")
		}
		w.lastTry = time.Time{}
		w.setLost(err)
	}
	w.hintAll()
}

func (w *Watcher) closeNotifier() {
	if w.notifier != nil {
		if w.adding == nil {
			_ = w.notifier.Close()
		} else {
			go w.notifier.Close() // it may wait for the addition
		}
		w.notifier, w.adding = nil, nil
	}
	clear(w.armed)
	w.watches.Store(0)
}

// setLost says once that inotify is lost, and once that it is back.
func (w *Watcher) setLost(err error) {
	was := w.lost
	w.lost = err
	w.polling.Store(err != nil)
	switch {
	case was == nil && err != nil:
		w.log.Warn("inotify cannot watch everything; polling instead", "err", err, "interval", w.interval())
	case was != nil && err == nil:
		w.log.Info("inotify watches everything again")
	}
}
