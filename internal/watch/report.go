package watch

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"reloader/internal/snapshot"
)

// event passes one report of the kernel on.
func (w *Watcher) event(ev fsnotify.Event, ok bool) {
	if !ok {
		w.failure(errors.New("inotify ended"), true)
		return
	}
	w.events.Add(1)
	w.tell(ev)
	name := filepath.Clean(ev.Name)
	if w.plan.paths[name] != nil && (ev.Has(fsnotify.Remove) || ev.Has(fsnotify.Rename)) {
		w.forget(name)
		w.dirty = true
	}
	// Only what can be a directory, or a link to one, changes what is to be watched.
	n := w.plan.paths[filepath.Dir(name)]
	switch {
	case n == nil || !ev.Has(fsnotify.Create) || len(n.interested(filepath.Base(name))) == 0:
	case filepath.Base(name) == snapshot.DataLink:
		w.swapped(name)
	case !isFile(name):
		w.dirty = true
	}
}

// tell hints those for whom a report of the kernel is, and says that a change begins.
func (w *Watcher) tell(ev fsnotify.Event) {
	name := filepath.Clean(ev.Name)
	if n := w.plan.paths[name]; n != nil {
		w.hintNode(n)
	}
	n := w.plan.paths[filepath.Dir(name)]
	if n == nil {
		return
	}
	if ev.Has(fsnotify.Create) && isGeneration(filepath.Base(name)) {
		for s := range n.subs {
			s.stirred()
		}
	}
	for _, s := range n.interested(filepath.Base(name)) {
		s.stirred()
		s.hint()
	}
}

// swapped lets go of a volume's old generation, whose removal says nothing new, and leaves the new one alone for a
// moment: it is being read, and whoever edits it in place is seen when its watch begins.
func (w *Watcher) swapped(data string) {
	w.forget(data)
	w.dirty = true
	if until := time.Now().Add(swapPause); w.notBefore.Before(until) {
		w.notBefore = until
	}
}

// forget makes sure that the directory at the path, if there is one again, is watched again.
func (w *Watcher) forget(path string) {
	for id, p := range w.armed {
		if p == path {
			_ = w.notifier.Remove(path)
			delete(w.armed, id)
		}
	}
}

// maxHeld bounds the events that wait until the watches are in order again.
const maxHeld = 4096

// hold passes on what the kernel reports while a directory is waited for, and keeps it for what it means for the watches.
// It returns where more comes from; nil: nothing more for now.
func (w *Watcher) hold(events <-chan fsnotify.Event, ev fsnotify.Event, ok bool) <-chan fsnotify.Event {
	if !ok || len(w.held) == maxHeld {
		return nil // it is found again after the waiting
	}
	w.held = append(w.held, ev)
	w.tell(ev)
	return events
}

// release does the rest of what hold has kept.
func (w *Watcher) release() {
	held := w.held
	w.held = nil
	for _, ev := range held {
		w.event(ev, true)
	}
}
