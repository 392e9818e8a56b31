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

// maxRounds limits how often one re-arming looks again at a tree that changes meanwhile; it continues
// after a pause.
const (
	maxRounds     = 8
	restlessPause = 100 * time.Millisecond
	// swapPause is how long re-arming waits after a swap, so that the new files are read first.
	swapPause = 500 * time.Millisecond
	// patience is how long to wait for one directory's answer; then it is the others' turn.
	patience = 5 * time.Second
)

// rearm adds and removes watches until they are those that are needed now. What was created in a directory before its
// watch began is not reported. So it looks again until nothing is new, and hints subscriptions with new watches.
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

// arm adds and removes watches. It reports whether to look at the tree again, because a
// watch began or a directory vanished, and why a watch is missing.
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
			// Until it answers, no other watch can be added.
			w.errors.Add(1)
			return false, fmt.Errorf("%s: %w", n.path, err)
		case err == nil:
			w.armed[id] = n.path
			w.hintNode(n)
			again = true
		case vanished(err):
			// It vanished before a watch could report it: look at what is there instead.
			again = true
		case errors.Is(err, fs.ErrPermission):
			// Retrying would not help; polling at the usual interval has to do.
			w.errors.Add(1)
		default:
			w.errors.Add(1)
			lost = err
		}
	}
	return again, lost
}

var errNoAnswer = errors.New("the file system does not answer")

// add watches one directory. For that the kernel accesses it once more, which can take forever.
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

// survey looks at the directories of all subscriptions, each in a goroutine of its own. If one does not answer, its
// earlier plan stays, and its look goes on in the background.
func (w *Watcher) survey() plan {
	for _, s := range w.subs {
		if s.looking == nil {
			looking, dirs := make(chan plan, 1), s.dirs
			go func() {
				began := time.Now()
				looking <- makePlan(s, dirs)
				if time.Since(began) >= patience {
					w.post(func() { w.dirty = true }) // no one waits for it now, so survey again
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
					limit.Reset(0) // the next ones had just as much time
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

// disarm removes watches that are not planned, and forgets those that the kernel has dropped (the
// directory was removed or unmounted), even if a new directory got the old one's identity.
func (w *Watcher) disarm() {
	for _, path := range w.leftover {
		_ = w.notifier.Remove(path)
	}
	w.leftover = nil
	alive := map[string]bool{}
	for _, p := range w.notifier.WatchList() {
		alive[p] = true
	}
	for id, path := range w.armed {
		if n := w.plan.nodes[id]; n != nil && n.path == path && alive[path] {
			continue
		}
		// It fails if the kernel was faster; then there is nothing left to remove.
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

// failure handles lost events and a broken inotify alike: all subscriptions get a hint, all watches are set again.
func (w *Watcher) failure(err error, ok bool) {
	w.errors.Add(1)
	if ok && errors.Is(err, fsnotify.ErrEventOverflow) {
		w.rearm()
	} else {
		// inotify is opened again at the next poll, not at once, so that a lasting fault costs little.
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
			go w.notifier.Close() // it may wait for the pending Add
		}
		w.notifier, w.adding = nil, nil
	}
	w.leftover = nil
	clear(w.armed)
	w.watches.Store(0)
}

// setLost logs once that inotify is lost, and once that it is back.
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
