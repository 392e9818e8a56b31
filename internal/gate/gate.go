package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"reloader/internal/snapshot"
)

// ErrLocked means that another process writes the directory.
var ErrLocked = errors.New("another process writes this directory")

// errClosed keeps a closed gate from opening its directory again: another writer may own it by then.
var errClosed = errors.New("the gate is closed")

// DefaultKeep is how many generations stay on the disk unless Options say otherwise.
const DefaultKeep = 3

// Options say how a Gate writes. The zero value means the defaults.
type Options struct {
	// Keep is how many generations stay on the disk, at least 1, default DefaultKeep. The current
	// one and the last accepted one always stay.
	Keep int
	// FileMode is the mode of the published files, default 0644; the owner must be able to read them. Whoever may
	// read the files may also search the directories. A set-group-ID bit on the directory is inherited, so that
	// with a pod's fsGroup, files of mode 0440 belong to that group.
	FileMode fs.FileMode
	// ServerDir is the path of the directory in the server's container; empty means the same path.
	ServerDir string
	// Repaired gets one sentence about each repair, or about what could not be removed. It may be nil. It must not
	// block or call the gate.
	Repaired func(what string)
}

// Gate is a published directory. Only one process at a time writes it. Its methods may be called from
// several goroutines.
type Gate struct {
	dir  string
	opts Options
	// shown is what Current and LastAccepted return. It is atomic, so that they never wait for a disk.
	shown atomic.Pointer[shown]

	mu        sync.Mutex
	closed    bool
	disk      *disk
	lock      *os.File
	links     int    // counts temporary links, so that their names differ
	unremoved string // what could not be removed, as last reported
	// gens are the complete generations, oldest first. current is one of them, or nil when readers
	// see nothing, or something that this package did not write.
	gens    []*generation
	current *generation
}

// shown are the digest that readers see and the one that Rollback would go back to.
type shown struct{ current, accepted snapshot.Digest }

// show updates shown. It is called after each change of current or of gens.
func (g *Gate) show() {
	var now shown
	if g.current != nil {
		now.current = g.current.Digest
	}
	if gen := g.lastAccepted(); gen != nil {
		now.accepted = gen.Digest
	}
	g.shown.Store(&now)
}

// Open locks the directory for this process, creates it if necessary, and repairs what the crash of an
// earlier writer left behind. An error that wraps ErrLocked means that another process holds the lock.
func Open(dir string, opts Options) (*Gate, error) {
	return open(dir, opts, nil)
}

func open(dir string, opts Options, before func(op, name string) error) (*Gate, error) {
	opts, err := opts.withDefaults(dir)
	if err != nil {
		return nil, fmt.Errorf("open gate %q: %w", dir, err)
	}
	g := &Gate{dir: dir, opts: opts}
	if err := g.take(before); err != nil {
		return nil, fmt.Errorf("open gate %q: %w", dir, err)
	}
	return g, nil
}

// take opens, locks and repairs the directory that is at the path now.
func (g *Gate) take(before func(op, name string) error) (err error) {
	if err := os.MkdirAll(g.dir, dirMode(g.opts.FileMode)); err != nil {
		return fmt.Errorf("make the directory: %w", cause(err))
	}
	root, err := os.OpenRoot(g.dir)
	if err != nil {
		return cause(err)
	}
	g.disk, g.lock, g.gens, g.current = &disk{root: root, before: before}, nil, nil, nil
	defer func() {
		if err != nil {
			_ = g.release() // the first error is the one to report
		}
		g.show()
	}()
	if err := g.takeLock(); err != nil {
		return err
	}
	return g.repair()
}

// heal opens the directory again when its path leads to another one now: readers use the path, so writing to the old
// directory is pointless. It also does so when what readers see is no longer what was published.
func (g *Gate) heal() error {
	if g.closed {
		return errClosed
	}
	if g.disk.root == nil {
		return g.take(g.disk.before) // an earlier attempt failed
	}
	there, err := os.Stat(g.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for the directory: %w", cause(err))
	}
	ours, statErr := g.disk.root.Stat(".")
	switch {
	case err == nil && statErr != nil:
		return nil
	case err != nil || !os.SameFile(there, ours):
		g.repaired("the directory was replaced; writing it again")
	case g.intact():
		return nil
	default:
		g.repaired("someone else changed the directory; checking all of it")
	}
	_ = g.release() // no one reads there any more
	return g.take(g.disk.before)
}

func (o Options) withDefaults(dir string) (Options, error) {
	if o.Keep == 0 {
		o.Keep = DefaultKeep
	}
	if o.FileMode == 0 {
		o.FileMode = 0o644
	}
	if o.ServerDir == "" {
		o.ServerDir = dir
	}
	switch {
	case o.Keep < 1:
		return o, fmt.Errorf("keep %d generations: want at least 1", o.Keep)
	case o.FileMode&^0o666 != 0 || o.FileMode&0o400 == 0:
		return o, fmt.Errorf("file mode %#o: want it readable by the owner and executable by no one", o.FileMode)
	}
	return o, nil
}

// dirMode adds search permission for everyone who may read, and lets the owner write.
func dirMode(file fs.FileMode) fs.FileMode {
	return file | file&0o444>>2 | 0o700
}

// takeLock keeps other writers out until Close, or until this process ends, however it ends.
func (g *Gate) takeLock() error {
	switch info, err := g.disk.root.Lstat(stateDir); {
	case errors.Is(err, fs.ErrNotExist):
		if err := g.disk.mkdir(stateDir); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	case err != nil:
		return fmt.Errorf("stat %q: %w", stateDir, cause(err))
	case !info.IsDir():
		return fmt.Errorf("%q exists and is not a directory; remove it", stateDir)
	}
	err := g.disk.do("open", lockName, func() (err error) {
		g.lock, err = g.disk.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
		return err
	})
	if err != nil {
		return err
	}
	return g.disk.do("lock", lockName, func() error { return lockFile(g.lock) })
}

// Close waits for the call in progress and lets other writers in. What was published stays.
func (g *Gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	return g.release()
}

func (g *Gate) release() error {
	var err error
	if g.lock != nil {
		err = errors.Join(unlockFile(g.lock), g.lock.Close())
	}
	if g.disk.root != nil {
		err = errors.Join(err, g.disk.root.Close())
	}
	g.lock, g.disk = nil, &disk{before: g.disk.before}
	return err
}

// Current is the digest that readers see now; the zero Digest when there is none. It never waits.
func (g *Gate) Current() snapshot.Digest { return g.shown.Load().current }

// LastAccepted is the digest that Rollback would go back to; the zero Digest when there is none. It never waits.
func (g *Gate) LastAccepted() snapshot.Digest { return g.shown.Load().accepted }

// Look checks whether the directory is still the one that was published to, and still has what was published. It returns the digest
// that readers see: the zero Digest when another directory has taken its place or nothing intact is left, and that of an older
// generation when only that is.
func (g *Gate) Look() (snapshot.Digest, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.heal(); err != nil {
		return snapshot.Digest{}, fmt.Errorf("look at gate %q: %w", g.dir, err)
	}
	return g.Current(), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
