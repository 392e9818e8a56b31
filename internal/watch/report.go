package watch

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"reloader/internal/snapshot"
)

// event handles one event of the kernel.
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
	// Only a new directory, or a link to one, changes what must be watched.
	n := w.plan.paths[filepath.Dir(name)]
	switch {
	case n == nil || !ev.Has(fsnotify.Create) || len(n.interested(filepath.Base(name))) == 0:
	case filepath.Base(name) == snapshot.DataLink:
		w.swapped(name)
	case !isFile(name):
		w.dirty = true
	}
}

// tell hints the subscriptions to which an event matters, and announces the beginning of a change.
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

// swapped stops watching a volume's old generation, whose removal does not matter. It delays watching the new one for a
// moment, because it is being read; an edit in place meanwhile is found when the watch begins.
func (w *Watcher) swapped(data string) {
	w.forget(data)
	w.dirty = true
	if until := time.Now().Add(swapPause); w.notBefore.Before(until) {
		w.notBefore = until
	}
}

// forget removes the watch at the path, so that a new directory there gets a watch of its own. While an addition waits for a file
// system that does not answer, fsnotify holds its lock, and to remove a watch would take just as long: disarm does it later.
func (w *Watcher) forget(path string) {
	for id, p := range w.armed {
		if p != path {
			continue
		}
		delete(w.armed, id)
		if w.adding != nil {
			w.leftover = append(w.leftover, path)
		} else {
			_ = w.notifier.Remove(path)
		}
	}
}

// maxHeld limits the events that wait until re-arming is done; each addition of a watch may exceed it by one.
const maxHeld = 4096

// hold passes an event on while rearm waits for a directory, and keeps it, because it may affect the watches.
// It returns the channel to receive more from; nil: no more for now.
func (w *Watcher) hold(events <-chan fsnotify.Event, ev fsnotify.Event, ok bool) <-chan fsnotify.Event {
	if !ok {
		return nil // closed: the main loop sees it again
	}
	w.held = append(w.held, ev)
	w.tell(ev)
	if len(w.held) >= maxHeld {
		return nil
	}
	return events
}

// release handles the events that hold has kept.
func (w *Watcher) release() {
	held := w.held
	w.held = nil
	for _, ev := range held {
		w.event(ev, true)
	}
}
