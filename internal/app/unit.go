package app

import (
	"context"

	"reloader/internal/config"
	"reloader/internal/reload"
	"reloader/internal/watch"
)

// unit is one target with what belongs to it alone. A change of its settings makes another unit, which takes over what is
// about the server and not about the settings: see takeOver.
type unit struct {
	cfg    config.Target
	target *reload.Target
	driver reload.Driver
	gate   gateway // nil in direct mode
	hints  *watch.Subscription
	// reader is what the target reads with.
	reader *patientReader
	// prepare gets the validator ready when there are signs of a change; nil: nothing to do.
	prepare func()

	// previous is the unit whose place this one takes; nil for none, and after it has ended.
	previous *unit
	// handedOn says that another unit goes on with the gate; App.mu guards it until the unit has ended.
	handedOn bool

	cancel context.CancelFunc
	done   chan struct{}
	// failed is why something could not be released, once done is closed.
	failed error
}

// gateway is what a unit needs of a gate.
type gateway interface {
	reload.Gate
	Close() error
}

// start lets the target work until its cancel is called. Nothing is asked of the server before the unit that it follows
// has ended, so that there are never two of them at work.
func (u *unit) start(ctx context.Context) {
	ctx, u.cancel = context.WithCancel(ctx)
	u.done = make(chan struct{})
	go func() {
		defer close(u.done)
		if u.previous != nil {
			<-u.previous.done
			u.takeOver(u.previous)
			u.previous = nil
		}
		if ctx.Err() == nil {
			// Run ends with ctx only, and without an error then.
			_ = u.target.Run(ctx)
		}
		u.release()
	}()
}

// release gives back what the unit holds; the gate only when no other unit goes on with it.
func (u *unit) release() {
	u.hints.Close()
	if u.gate != nil && !u.handedOn {
		u.failed = u.gate.Close()
	}
}

// inheritor is a driver that goes on where another one for the same server has stopped: with a request that is still in
// flight, with the tries of a password, with what it ended the server for.
type inheritor interface {
	// Inherit is called before anything else, when the other one is not used any more.
	Inherit(from reload.Driver)
}

// takeOver brings what is known of the server from the unit that has ended. Without it an edit of our own file would
// mean what a restart of reloader means: nothing known, and nothing in flight.
func (u *unit) takeOver(from *unit) {
	if !sameServer(u.cfg, from.cfg) {
		return
	}
	u.target.Inherit(from.target)
	if d, ok := u.driver.(inheritor); ok {
		d.Inherit(from.driver)
	}
}

// sameServer says that two settings of a target are about one server.
func sameServer(a, b config.Target) bool {
	return a.Kind == b.Kind && a.URL == b.URL && a.ProcessName == b.ProcessName
}

// end waits until the unit has ended, or until the channel says that it is too late; false then.
func (u *unit) end(late <-chan struct{}) bool {
	if u.cancel == nil { // it never started
		u.release()
		return true
	}
	select {
	case <-u.done:
		return true
	case <-late:
		return false
	}
}
