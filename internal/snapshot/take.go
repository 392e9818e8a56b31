package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"
)

const (
	// settleWait is how long a swapped volume gets to make its new links and to remove its old
	// ones. The kubelet needs microseconds; after this the visible names count.
	settleWait = 250 * time.Millisecond
	// giveUpAfter limits the re-reading of a directory that keeps changing. The caller tries again.
	giveUpAfter = 5 * time.Second
	// racyWindow is how much older than the reading a file's change time must be before equal
	// metadata prove equal contents: file systems with coarse clocks (2 s on some) give two
	// writes in one tick the same times.
	racyWindow = 2 * time.Second

	firstPause = 100 * time.Microsecond
	maxPause   = 20 * time.Millisecond
)

// Take reads the source once. If the directory changes meanwhile, it reads again. Bytes returns
// the same bytes that were hashed.
//
// A volume that is swapped through ..data is read through the directory that ..data names, at every
// level that has one, and the result is always one of the published states. Because the kubelet
// makes new links and removes old ones around the swap, Take also waits until the visible names
// agree with ..data, so that a server that uses them sees the same files. If they do not
// agree within 250 ms, what is visible counts: names without a link are listed in Missing,
// and the digest changes when the link appears.
//
// Hidden files are read (Grafana reads .x.yaml); hidden directories are not (.git), and names
// that begin with two dots never are. Links to files and directories are followed. A Prometheus data directory below the
// source is left out.
//
// Errors wrap fs.ErrNotExist (the directory is not there yet), fs.ErrPermission, syscall.ENOTDIR,
// ErrLimit, ErrChanging or the context's error.
func Take(ctx context.Context, src Source, lim Limits) (*Snapshot, error) {
	return newTaker(src, lim).take(ctx)
}

// Unchanged reports, without reading any contents, that the directory still holds what the snapshot
// holds. False means that only a reading can tell: something looks different, or
// is so recent that it could have changed again unseen.
func (s *Snapshot) Unchanged(ctx context.Context) bool {
	if s.seen == nil {
		return true
	}
	if s.seen.newest >= s.started.Add(-racyWindow).UnixNano() {
		return false
	}
	now, err := newTaker(s.Source, s.limits).scan(ctx)
	return err == nil && now.equal(s.seen)
}

// SameCommit reports, with a few system calls, that the directory is a volume that was not swapped since
// it was read. False means that only Unchanged or a reading can tell.
func (s *Snapshot) SameCommit() bool {
	return s.seen == nil || newTaker(s.Source, s.limits).sameCommit(s.seen)
}

// taker makes one reading.
type taker struct {
	src Source
	lim Limits
	// total is the size of all files, in bytes.
	total atomic.Int64
	// settle and patience are settleWait and giveUpAfter, except in tests.
	settle, patience time.Duration
	// before, if set, is called before each step: tests change the directory there.
	before func(op, path string)
}

func newTaker(src Source, lim Limits) *taker {
	return &taker{src: src, lim: lim.withDefaults(), settle: settleWait, patience: giveUpAfter}
}

func (t *taker) step(op, path string) {
	if t.before != nil {
		t.before(op, path)
	}
}

func (t *taker) take(ctx context.Context) (*Snapshot, error) {
	s, err := t.reread(ctx)
	if err != nil {
		if t.src.Name == "" {
			return nil, fmt.Errorf("read source: %w", err)
		}
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("read source %q: %w (let reloader's user, uid %d, read it: the volume's defaultMode, or the pod's fsGroup)", t.src.Name, err, os.Getuid())
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, Absent(t.src, withLink(t.src.Dir, err))
		}
		return nil, fmt.Errorf("read source %q: %w", t.src.Name, err)
	}
	return s, nil
}

// Absent says that a source's directory does not exist, and what the cause may be.
func Absent(src Source, err error) error {
	return fmt.Errorf("read source %q: %w (is the directory mounted into reloader's container, and is its name correct?)", src.Name, err)
}

// reread looks, reads, and looks again until both looks agree. For a volume, whose generations never change, the
// second look checks only its ..data link. Files that did not change in between are not read twice.
func (t *taker) reread(ctx context.Context) (*Snapshot, error) {
	if err := t.src.checkInclude(); err != nil {
		return nil, err
	}
	started := time.Now()
	look, err := t.scanToRead(ctx)
	if err != nil {
		return nil, err
	}
	var read *reading
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		var complete bool
		if read, complete, err = t.readAll(ctx, look, read); err != nil {
			return nil, err
		}
		if complete && t.sameCommit(look) {
			return t.snapshot(read, started), nil
		}
		again, err := t.scan(ctx)
		if err != nil {
			return nil, err
		}
		if complete && again.equal(look) && (again.settled || time.Since(started) > t.settle) {
			return t.snapshot(read, started), nil
		}
		if time.Since(started) > t.patience {
			return nil, fmt.Errorf("%s: %w", again.difference(look, t.src.Dir), ErrChanging)
		}
		look = again
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

func (t *taker) snapshot(r *reading, started time.Time) *Snapshot {
	v := r.look
	s := &Snapshot{
		Source: t.src, Atomic: v.atomic, Missing: v.missing, seen: v, started: started, limits: t.lim,
		Files: make([]File, len(v.entries)), contents: make([][]byte, len(v.entries)),
	}
	for i, e := range v.entries {
		b := r.blobs[i]
		s.Files[i] = File{Name: e.name, Size: int64(len(b.bytes)), Mode: fs.FileMode(e.id.mode).Perm(), Digest: b.digest}
		s.contents[i] = b.bytes
	}
	s.Digest = digestFiles(s.Files)
	return s
}

// vanished reports whether an error means "gone meanwhile".
func vanished(err error) bool { return errors.Is(err, fs.ErrNotExist) }
