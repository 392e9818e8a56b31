package watch

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// DefaultInterval limits how long a change can stay unseen that the kernel did not report. A
	// poll of an unchanged ConfigMap costs about 0.2 ms with everything it wakes, so twenty
	// in ten minutes stay well below 10 ms of CPU time. Prometheus' own auto-reload has the same interval.
	DefaultInterval = 30 * time.Second
	// DefaultFallback is the interval while inotify is unavailable and there is only polling.
	DefaultFallback = 2 * time.Second
)

// Options of a Watcher. The zero value is ready to use.
type Options struct {
	// Interval is how often all subscriptions get a hint even if nothing was reported; default DefaultInterval.
	Interval time.Duration
	// Fallback replaces a longer Interval while inotify is unavailable; default DefaultFallback.
	Fallback time.Duration
	// Logger gets a line when inotify is lost and when it is back; nil: nothing is logged.
	Logger *slog.Logger

	// open makes the notifier; tests replace it.
	open func() (notifier, error)
}

// Stats are counters since New, and the current state.
type Stats struct {
	// Events counts what the kernel reported.
	Events uint64
	// Errors counts failures of inotify, including lost events.
	Errors uint64
	// Watches is the number of directories that inotify watches now.
	Watches int
	// Polling means that inotify is unavailable for some or all directories.
	Polling bool
}

// Watcher watches directories for any number of subscriptions with one inotify instance: there
// are only 128 for each user of a node by default, and all containers of that user share them.
type Watcher struct {
	opts Options
	log  *slog.Logger

	// queue is what the goroutine should run; adding to it never blocks.
	mu    sync.Mutex
	queue []func()
	wake  chan struct{}

	closing context.CancelFunc
	done    chan struct{}
	closed  sync.Once

	events, errors atomic.Uint64
	watches        atomic.Int64
	polling        atomic.Bool

	// The rest belongs to the goroutine.
	subs     []*Subscription
	notifier notifier // nil while inotify is unavailable
	// adding is closed when an Add ends that the file system has not answered; nil: none.
	adding <-chan struct{}
	armed  map[dirID]string
	// leftover are watches that forget could not remove; there is at most one for each that was armed.
	leftover []string
	plan     plan
	dirty    bool // directories may have been added or removed
	// held are events that came while rearm waited for a directory.
	held []fsnotify.Event
	// notBefore spaces re-armings in proportion to their cost, so that writing a large tree
	// does not cause one walk for each of its directories.
	notBefore time.Time
	lost      error
	lastTry   time.Time
}

// Subscription is one reader's interest in some directories and all that is below them.
type Subscription struct {
	w     *Watcher
	hints chan struct{}
	stir  func() // from Stirs
	// The rest belongs to the watcher's goroutine.
	dirs []string
	plan plan // from the newest look at the directories
	// looking delivers the plan of a look in progress; late means that it takes suspiciously long.
	looking <-chan plan
	late    bool
}

// New starts a Watcher. It always works: without inotify, it polls.
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
		opts: opts, log: opts.Logger, wake: make(chan struct{}, 1), closing: cancel, done: make(chan struct{}),
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

// Stats returns the counters and the current state.
func (w *Watcher) Stats() Stats {
	return Stats{
		Events: w.events.Load(), Errors: w.errors.Load(), Watches: int(w.watches.Load()), Polling: w.polling.Load(),
	}
}

// Subscribe watches directories, which need not exist yet, and everything below them. Whatever happens after it
// returns causes a hint; one hint is there from the start. For a directory that does not answer, that holds only
// later, after another hint.
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

// C delivers hints. It holds one: more hints that no one has received yet are merged into it.
func (s *Subscription) C() <-chan struct{} { return s.hints }

// SetDirs replaces the directories, without waiting for it. A directory that was not watched before causes a hint, because
// something may have happened in it meanwhile. Setting the same directories again costs nothing.
func (s *Subscription) SetDirs(dirs []string) {
	s.w.post(func() {
		if !slices.Contains(s.w.subs, s) || slices.Equal(s.dirs, cleaned(dirs)) {
			return
		}
		s.dirs = cleaned(dirs)
		s.w.rearm()
	})
}

// Stirs sets a function that is called when the kernel reports that a change has begun: before the hint, and already when
// the kubelet creates the directory into which it will write new files. It must not block. It is called often, and the
// change may never come.
func (s *Subscription) Stirs(f func()) { s.w.post(func() { s.stir = f }) }

func (s *Subscription) stirred() {
	if s.stir != nil {
		s.stir()
	}
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

// post makes the goroutine run f; after Close nothing happens.
func (w *Watcher) post(f func()) {
	w.mu.Lock()
	w.queue = append(w.queue, f)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// call is post, but waits until f has run, or until a file system that does not answer exceeds patience.
func (w *Watcher) call(f func()) {
	finished := make(chan struct{})
	w.post(func() { defer close(finished); f() })
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-finished:
	case <-w.done:
	case <-limit.C:
	}
}

func (w *Watcher) work() {
	w.mu.Lock()
	queue := w.queue
	w.queue = nil
	w.mu.Unlock()
	for _, f := range queue {
		f()
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
		case <-w.wake:
			w.work()
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

// rearmDue returns a channel that fires when re-arming is due; nil, and so never ready, if it is not needed.
func (w *Watcher) rearmDue() <-chan time.Time {
	if !w.dirty {
		return nil
	}
	return time.After(time.Until(w.notBefore))
}

func (w *Watcher) interval() time.Duration {
	// A tree that is too large to be watched is also too large to be polled often.
	if w.lost != nil && !errors.Is(w.lost, errTooMany) {
		return w.opts.Fallback
	}
	return w.opts.Interval
}

// tick trusts nothing: a directory may have been mounted over, which inotify does not
// report, and inotify may be available again.
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
