package watch

import (
	"github.com/fsnotify/fsnotify"
)

// notifier is what is needed of an fsnotify.Watcher.
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

// forward always takes fsnotify's errors. It reports some of them while it holds its lock (a watched directory that was
// renamed and removed, version 1.10.1), and would never let a call of Remove or WatchList in. One error stands for all
// that come before it was read: each makes everyone look.
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
