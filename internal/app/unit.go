package app

import (
	"context"

	"reloader/internal/config"
	"reloader/internal/reload"
	"reloader/internal/watch"
)

// unit is one target with everything that belongs to it alone. A change of its settings makes another unit, which takes
// over what is known about the server: see takeOver.
type unit struct {
	cfg    config.Target
	target *reload.Target
	driver reload.Driver
	gate   gateway // nil in direct mode
	kept   []byte  // the history in the gate, if this unit opened it
	hints  *watch.Subscription
	reader *patientReader
	// prepare makes the validator ready when a change seems to begin; nil: nothing to do.
	prepare func()

	// previous is the unit that this one replaces; nil if there is none, and after it has ended.
	previous *unit
	// handedOn means that another unit continues with the gate; App.mu guards it until the unit has ended.
	handedOn bool

	cancel context.CancelFunc
	done   chan struct{}
	// failed is why something could not be released; read it only after done is closed.
	failed error
}

// gateway is what a unit needs from a gate.
type gateway interface {
	reload.Gate
	Close() error
}

// start runs the target until cancel is called. It waits for the end of the previous unit first, so that two of them
// never talk to the server at the same time.
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

// release closes what the unit holds; the gate only if no other unit continues with it.
func (u *unit) release() {
	u.hints.Close()
	if u.gate != nil && !u.handedOn {
		u.failed = u.gate.Close()
	}
}

// inheritor is a driver that continues where another one for the same server stopped: with a request that is still in
// flight, with the attempts to log in, with the reason for which it terminated the server.
type inheritor interface {
	// Inherit is called before anything else, after the last use of the other driver.
	Inherit(from reload.Driver)
}

// takeOver copies what is known about the server from the unit that has ended. Without it, an edit of reloader's own file
// would be like a restart of reloader: nothing known, and nothing in flight.
func (u *unit) takeOver(from *unit) {
	if !sameServer(u.cfg, from.cfg) {
		return
	}
	u.target.Inherit(from.target)
	if d, ok := u.driver.(inheritor); ok {
		d.Inherit(from.driver)
	}
}

// sameServer reports whether two settings of a target are about the same server.
func sameServer(a, b config.Target) bool {
	return a.Kind == b.Kind && a.URL == b.URL && a.ProcessName == b.ProcessName
}

// end waits until the unit has ended; false if late is closed first.
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
