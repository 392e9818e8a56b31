package watch

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// DefaultInterval bounds how long a change stays unseen that the kernel did not report. A
	// poll of an unchanged ConfigMap costs about 0.2 ms with everything it wakes, so twenty
	// in ten minutes stay well below 10 ms of CPU time; it is also how often Prometheus' own auto-reload looks.
	DefaultInterval = 30 * time.Second
	// DefaultFallback is the interval while inotify cannot be had: polling is all there is then.
	DefaultFallback = 2 * time.Second
)

// Options of a Watcher. The zero value is ready to use.
type Options struct {
	// Interval is how often everybody is hinted although nothing was reported; default DefaultInterval.
	Interval time.Duration
	// Fallback replaces Interval, when that is longer, while inotify cannot be had; default DefaultFallback.
	Fallback time.Duration
	// Logger is told when inotify is lost and when it is back; default: nobody is.
	Logger *slog.Logger

	// open makes the notifier; tests replace it.
	open func() (notifier, error)
}

// Stats are counters since New, and the present state.
type Stats struct {
	// Events counts what the kernel reported.
	Events uint64
	// Errors counts failures of inotify, lost events among them.
	Errors uint64
	// Watches is the number of directories that inotify watches now.
	Watches int
	// Polling says that inotify cannot be had, or not for all directories.
	Polling bool
}

// Watcher watches directories for any number of subscriptions with one inotify instance: there
// are only 128 for each user of a node by default, and all containers of that user share them.
type Watcher struct {
	opts Options
	log  *slog.Logger

	do      chan func()
	closing context.CancelFunc
	done    chan struct{}
	closed  sync.Once

	events, errors atomic.Uint64
	watches        atomic.Int64
	polling        atomic.Bool

	// The rest belongs to the goroutine.
	subs     []*Subscription
	notifier notifier // nil while inotify cannot be had
	armed    map[dirID]string
	plan     plan
	dirty    bool // directories may have come or gone
	// notBefore spaces re-armings out by what they cost, so that a large tree being written
	// does not mean one walk for each of its directories.
	notBefore time.Time
	lost      error
	lastTry   time.Time
}

// Subscription is one reader's interest in some directories and all that is below them.
type Subscription struct {
	w     *Watcher
	hints chan struct{}
	dirs  []string // belongs to the watcher's goroutine
}

// New starts a Watcher. It always works: where inotify does not, by polling alone.
func New(opts Options) *Watcher {
	if opts.Interval <= 0 {
		opts.Interval = DefaultInterval
	}
	if opts.Fallback <= 0 {
		opts.Fallback = DefaultFallback
	}
	opts.Fallback = min(opts.Fallback, opts.Interval)
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.open == nil {
		opts.open = openNotifier
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watcher{
		opts: opts, log: opts.Logger, do: make(chan func()), closing: cancel, done: make(chan struct{}),
		armed: map[dirID]string{},
	}
	go w.run(ctx)
	return w
}

// Close ends watching and waits until everything has ended. Hint channels stay open and silent.
func (w *Watcher) Close() {
	w.closed.Do(w.closing)
	<-w.done
}

// Stats tells what happened until now.
func (w *Watcher) Stats() Stats {
	return Stats{
		Events: w.events.Load(), Errors: w.errors.Load(), Watches: int(w.watches.Load()), Polling: w.polling.Load(),
	}
}

// Hint hints everybody, as SIGHUP and POST /-/reload ask for.
func (w *Watcher) Hint() { w.call(w.hintAll) }

// Subscribe watches directories, which need not exist yet, with all that is below them. When it
// returns, everything that happens from then on leads to a hint; one hint is there already.
func (w *Watcher) Subscribe(dirs []string) *Subscription {
	s := &Subscription{w: w, hints: make(chan struct{}, 1)}
	s.hint()
	w.call(func() {
		w.subs = append(w.subs, s)
		s.dirs = cleaned(dirs)
		w.rearm()
	})
	return s
}

// C gives hints. There is room for one: hints that nobody takes are one hint.
func (s *Subscription) C() <-chan struct{} { return s.hints }

// SetDirs replaces the directories. A directory that was not watched before leads to a hint, for what
// may have happened in it meanwhile; the same directories again cost nothing.
func (s *Subscription) SetDirs(dirs []string) {
	s.w.call(func() {
		if !slices.Contains(s.w.subs, s) || slices.Equal(s.dirs, cleaned(dirs)) {
			return
		}
		s.dirs = cleaned(dirs)
		s.w.rearm()
	})
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.w.call(func() {
		s.w.subs = slices.DeleteFunc(s.w.subs, func(o *Subscription) bool { return o == s })
		s.w.rearm()
	})
}

func (s *Subscription) hint() {
	select {
	case s.hints <- struct{}{}:
	default:
	}
}

// call runs f in the goroutine and waits for it; after Close it does nothing.
func (w *Watcher) call(f func()) {
	finished := make(chan struct{})
	select {
	case w.do <- func() { defer close(finished); f() }:
		<-finished
	case <-w.done:
	}
}

func (w *Watcher) run(ctx context.Context) {
	defer close(w.done)
	defer w.closeNotifier()
	poll := time.NewTimer(w.interval())
	defer poll.Stop()
	for {
		var events <-chan fsnotify.Event
		var errs <-chan error
		if w.notifier != nil {
			events, errs = w.notifier.Events(), w.notifier.Errors()
		}
		wasLost := w.lost != nil
		select {
		case <-ctx.Done():
			return
		case f := <-w.do:
			f()
		case ev, ok := <-events:
			w.event(ev, ok)
		case err, ok := <-errs:
			w.failure(err, ok)
		case <-w.rearmDue():
			w.rearm()
		case <-poll.C:
			w.tick()
			poll.Reset(w.interval())
		}
		if wasLost != (w.lost != nil) {
			poll.Reset(w.interval())
		}
	}
}

// rearmDue is nil, and so never ready, while nothing is to be armed again.
func (w *Watcher) rearmDue() <-chan time.Time {
	if !w.dirty {
		return nil
	}
	return time.After(time.Until(w.notBefore))
}

func (w *Watcher) interval() time.Duration {
	if w.lost != nil {
		return w.opts.Fallback
	}
	return w.opts.Interval
}

// tick trusts nothing: a directory may have been mounted over, which inotify does not
// tell, and inotify may be available again.
func (w *Watcher) tick() {
	if w.lost == nil || time.Since(w.lastTry) >= w.opts.Interval {
		w.rearm()
	}
	w.hintAll()
}

func (w *Watcher) hintAll() {
	for _, s := range w.subs {
		s.hint()
	}
}
