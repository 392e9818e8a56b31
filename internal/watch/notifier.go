package watch

import (
	"github.com/fsnotify/fsnotify"
)

// notifier is the part of an fsnotify.Watcher that this package uses.
type notifier interface {
	Add(dir string) error
	Remove(dir string) error
	WatchList() []string
	Events() <-chan fsnotify.Event
	Errors() <-chan error
	Close() error
}

type fsNotifier struct {
	*fsnotify.Watcher
	errors chan error
}

func openNotifier() (notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	n := fsNotifier{w, make(chan error, 1)}
	go n.forward()
	return n, nil
}

// forward always receives fsnotify's errors. fsnotify 1.10.1 reports some of them while it holds its lock (a watched
// directory that was renamed and removed); if no one received them, Remove and WatchList would block forever. One error
// stands for all that come before it is read: each has the same effect.
func (n fsNotifier) forward() {
	defer close(n.errors)
	for err := range n.Watcher.Errors {
		select {
		case n.errors <- err:
		default:
		}
	}
}

func (n fsNotifier) Events() <-chan fsnotify.Event { return n.Watcher.Events }
func (n fsNotifier) Errors() <-chan error          { return n.errors }
