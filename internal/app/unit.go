package app

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"reloader/internal/config"
	"reloader/internal/inputs"
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
	var work sync.WaitGroup
	work.Go(func() {
		for {
			select {
			case <-u.hints.C():
				u.target.Hint()
			case <-ctx.Done():
				return
			}
		}
	})
	work.Go(func() {
		// Run ends with ctx only, and without an error then.
		_ = u.target.Run(ctx)
	})
	go func() {
		defer close(u.done)
		work.Wait()
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

// following is a reader that keeps the watches where the sources are: a changed prometheus.yml may
// name other directories.
type following struct {
	inputs.Reader
	hints *watch.Subscription
	files int // in the newest reading
}

// manyFiles is how many files make a reading worth all processors.
const manyFiles = 1000

// Read implements reload.Reader. The watches come first and another reading follows when they
// changed: SetDirs hints then, so that nothing is missed between the two.
func (f *following) Read(ctx context.Context) (*snapshot.Set, error) {
	if f.files >= manyFiles {
		defer allProcessors()()
	}
	set, err := f.Reader.Read(ctx)
	if err == nil {
		f.files = set.Len()
	}
	f.hints.SetDirs(f.Dirs())
	return set, err
}
