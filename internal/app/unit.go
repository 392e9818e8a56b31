package app

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"reloader/internal/config"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/internal/watch"
)

// unit is one target with what belongs to it alone.
type unit struct {
	cfg    config.Target
	target *reload.Target
	gate   reload.Gate // nil in direct mode
	hints  *watch.Subscription
	// closers are released after the target has ended.
	closers []io.Closer

	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once
}

// start lets the target work until stop.
func (u *unit) start(ctx context.Context) {
	ctx, u.cancel = context.WithCancel(ctx)
	u.done = make(chan struct{})
	go func() {
		defer close(u.done)
		// Run ends with ctx only, and without an error then.
		_ = u.target.Run(ctx)
	}()
}

// stop ends the target and releases what it holds, at most after the given time.
func (u *unit) stop(within time.Duration) error {
	var err error
	u.once.Do(func() {
		if u.cancel != nil {
			u.cancel()
			select {
			case <-u.done:
			case <-time.After(within):
				err = fmt.Errorf("still busy after %s", within)
			}
		}
		u.hints.Close()
		for _, c := range u.closers {
			if closeErr := c.Close(); err == nil {
				err = closeErr
			}
		}
	})
	return err
}

// processors is a reader that uses all processors for a large tree.
type processors struct {
	reload.Reader
	files int // in the newest reading
}

// manyFiles is how many files make a reading worth all processors.
const manyFiles = 1000

// Read implements reload.Reader.
func (p *processors) Read(ctx context.Context) (*snapshot.Set, error) {
	if p.files >= manyFiles {
		defer allProcessors()()
	}
	set, err := p.Reader.Read(ctx)
	if err == nil {
		p.files = set.Len()
	}
	return set, err
}
