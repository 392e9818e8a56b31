package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"reloader/internal/confine"
	"reloader/internal/reload"
)

// stopAll limits the whole stop; a pod's default grace period is 30 s. What has not ended by then ends with the process.
const (
	stopUnits = 10 * time.Second
	stopAll   = 15 * time.Second
)

// HeldBack returns, after Stop, the targets whose gates never got a first generation, so that their servers
// could not start.
func (a *App) HeldBack() []reload.Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.heldBack
}

// Stop ends everything in order: readiness; targets and following reloader's own file, at the same time; their last
// Events; watches; HTTP. It takes no longer than stopAll, whatever hangs. It may be called more than once.
func (a *App) Stop() error {
	a.tracker.Stopping()
	a.mu.Lock()
	a.stopping = true
	units := slices.Clone(a.leaving)
	for _, u := range a.units {
		if u.gate != nil && u.gate.Current().IsZero() {
			a.heldBack = append(a.heldBack, u.target.Status())
		}
		if u.cancel != nil {
			u.cancel()
		}
		units = append(units, u)
	}
	clear(a.units)
	a.leaving = nil
	a.mu.Unlock()
	if a.file != nil {
		a.file.cancelNow()
	}
	var errs []error
	all, unitsEnd := time.NewTimer(stopAll), make(chan struct{})
	defer all.Stop()
	late := time.AfterFunc(stopUnits, func() { close(unitsEnd) })
	defer late.Stop()
	for _, u := range units {
		if !u.end(unitsEnd) {
			errs = append(errs, fmt.Errorf("stop target %s: still busy after %s", u.cfg.Name, stopUnits))
		} else if u.failed != nil {
			errs = append(errs, fmt.Errorf("stop target %s: %w", u.cfg.Name, u.failed))
		}
	}
	if a.file != nil && !a.file.end(unitsEnd) {
		errs = append(errs, fmt.Errorf("stop following %s: still busy after %s", a.file.path, stopUnits))
	}
	rest := make(chan error, 1)
	go func() { rest <- a.stopRest() }()
	select {
	case err := <-rest:
		errs = append(errs, err)
	case <-all.C:
		errs = append(errs, fmt.Errorf("stop: still busy after %s", stopAll))
	}
	return errors.Join(errs...)
}

// stopRest ends what the targets used: last Events, watches, HTTP.
func (a *App) stopRest() error {
	a.cluster.stop()
	a.watcher.Close()
	confine.EndIdle()
	if a.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopHTTP)
	defer cancel()
	err := a.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		// A client that keeps a connection open, or opens one and sends nothing, is not a failure.
		err = a.server.Close()
	}
	if err != nil {
		err = fmt.Errorf("stop serving: %w", err)
	}
	// Shutdown closes only listeners that were passed to Serve.
	_ = a.listener.Close()
	return err
}
