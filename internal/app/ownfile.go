package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"reloader/internal/snapshot"
	"reloader/internal/sources"
	"reloader/internal/status"
	"reloader/internal/watch"
)

// maxOwnFile is as many bytes as a ConfigMap can hold.
const maxOwnFile = 1 << 20

// ownFile follows reloader's own configuration file, like any other source.
type ownFile struct {
	path   string
	source snapshot.Source
	digest snapshot.Digest
	// atomic means that the directory is swapped as a whole, so that a half-written file is never read.
	atomic bool
	hints  *watch.Subscription
	kick   chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

// openOwnFile reads the file for the first time.
func openOwnFile(ctx context.Context, path string) (*ownFile, []byte, error) {
	type opened struct {
		*ownFile
		data []byte
	}
	o, err := patiently(ctx, "read "+path, lookPatience, func() (opened, error) {
		f, data, err := readOwnFile(ctx, path)
		return opened{f, data}, err
	}, func(opened) {})
	return o.ownFile, o.data, err
}

func readOwnFile(ctx context.Context, path string) (*ownFile, []byte, error) {
	info, err := snapshot.Stat(path)
	switch {
	case err != nil:
		return nil, nil, err
	case info.IsDir():
		return nil, nil, fmt.Errorf("%s: a directory, want a file", path)
	case !info.Mode().IsRegular():
		return nil, nil, fmt.Errorf("%s: not a regular file", path)
	case info.Size() > maxOwnFile:
		return nil, nil, fmt.Errorf("%s: %d bytes, more than the %d of a ConfigMap", path, info.Size(), maxOwnFile)
	}
	f := &ownFile{
		path:   path,
		source: snapshot.Source{Name: "config", Dir: filepath.Dir(path), Include: []string{sources.Literal(filepath.Base(path))}},
		kick:   make(chan struct{}, 1),
	}
	data, err := f.read(ctx)
	return f, data, err
}

// read returns the contents and stores their digest; nil contents if they have not changed.
func (f *ownFile) read(ctx context.Context) ([]byte, error) {
	snap, err := snapshot.Take(ctx, f.source, snapshot.Limits{MaxFileSize: maxOwnFile})
	if err != nil {
		return nil, err
	}
	f.atomic = snap.Atomic
	if snap.Digest == f.digest {
		return nil, nil
	}
	data, ok := snap.Bytes(filepath.Base(f.path))
	if !ok {
		return nil, fmt.Errorf("%s: no such file", f.path)
	}
	f.digest = snap.Digest
	return data, nil
}

func (f *ownFile) hint() {
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// start follows the file until stop. apply puts new contents into use or returns why not. Contents that it
// refuses with an ErrConfig are not passed to it again.
func (f *ownFile) start(ctx context.Context, w *watch.Watcher, settle time.Duration, log *slog.Logger, tracker *status.Tracker, apply func([]byte) error) {
	ctx, f.cancel = context.WithCancel(ctx)
	f.done = make(chan struct{})
	f.hints = w.Subscribe([]string{f.source.Dir})
	loaded, failed := time.Now(), ""
	report := func(err error) {
		text := "" // an error is logged once, not after every reading
		if err != nil {
			text = err.Error()
			if text != failed {
				log.Error("rejected the new file of --config; keeping the previous one", "file", f.path, "err", err)
			}
		}
		failed = text
		tracker.OwnFile(status.ConfigFile{Path: f.path, Error: text, Loaded: loaded})
	}
	report(nil)
	var refused error // why the newest contents that could be read are not in use
	go func() {
		defer close(f.done)
		defer f.hints.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case <-f.kick:
			case <-f.hints.C():
			}
			if !f.quiet(ctx, settle) {
				return
			}
			data, err := f.read(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				report(err)
				continue
			case data != nil:
				refused = apply(data)
				switch {
				case refused == nil:
					loaded = time.Now()
				case !errors.Is(refused, ErrConfig):
					// The cause is in the environment, and no change of a file shows when it is gone: the next hint tries again.
					f.digest = snapshot.Digest{}
				}
			}
			report(refused)
		}
	}()
}

// quiet gives a writer that is not atomic time to finish; false if ctx ended meanwhile.
func (f *ownFile) quiet(ctx context.Context, settle time.Duration) bool {
	if f.atomic || settle <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(settle):
		return true
	}
}

// cancelNow stops following the file, without waiting for the end.
func (f *ownFile) cancelNow() {
	if f.cancel != nil {
		f.cancel()
	}
}

// end waits for the end; false if late is closed first.
func (f *ownFile) end(late <-chan struct{}) bool {
	if f.cancel == nil {
		return true
	}
	select {
	case <-f.done:
		return true
	case <-late:
		return false
	}
}

// ReadOwnFile reads reloader's own configuration file once.
func ReadOwnFile(ctx context.Context, path string) ([]byte, error) {
	_, data, err := openOwnFile(ctx, path)
	return data, err
}
