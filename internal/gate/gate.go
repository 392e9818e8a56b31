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

// ErrLocked says that another process writes the directory.
var ErrLocked = errors.New("another process writes this directory")

// errClosed keeps a gate that was closed from taking its directory again: it is another writer's by then.
var errClosed = errors.New("the gate is closed")

// DefaultKeep is how many generations stay on the disk unless Options say otherwise.
const DefaultKeep = 3

// Options say how a Gate writes. The zero value means the defaults.
type Options struct {
	// Keep is how many generations stay on the disk, at least 1, default DefaultKeep. The current
	// and the last accepted one stay in any case.
	Keep int
	// FileMode is that of the published files, default 0644; it must let the owner read. Directories
	// can be searched by whoever may read. A set-group-ID bit on the directory is handed down, so that
	// with a pod's fsGroup files of mode 0440 belong to that group.
	FileMode fs.FileMode
	// ServerDir is the directory as the server names it; empty means the same path.
	ServerDir string
	// Repaired is told in a sentence what had to be put right, or could not be removed; nil: no one is. It must not
	// block, and not call the gate.
	Repaired func(what string)
}

// Gate is a published directory. One process at a time writes it. Its methods may be called from
// several goroutines.
type Gate struct {
	dir  string
	opts Options
	// shown is what Current and LastAccepted answer. It is a value, so that no one waits for a disk to hear it.
	shown atomic.Pointer[shown]

	mu     sync.Mutex
	closed bool
	disk   *disk
	lock   *os.File
	links  int    // counts temporary links, so that their names differ
	unkept string // what could not be removed when that was last told
	// gens are the complete generations, oldest first; current is one of them, or nil when readers
	// see nothing, or something that this package did not write.
	gens    []*generation
	current *generation
}

// shown are the digests that readers see and that Rollback would go back to.
type shown struct{ current, accepted snapshot.Digest }

// show publishes what is true now; it is called after each change of it.
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

// Open takes the directory for this process, making it if need be, and repairs what a crash of an
// earlier writer left behind. An error that wraps ErrLocked means that another process has it.
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

// take makes the directory that is at the path now this process's own.
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
			_ = g.release() // the first error is the one to tell
		}
		g.show()
	}()
	if err := g.takeLock(); err != nil {
		return err
	}
	return g.repair()
}

// heal takes the directory again when another one has come to its path: readers look there, and what is written to
// the old one helps no one.
func (g *Gate) heal() error {
	if g.closed {
		return errClosed
	}
	if g.disk.root == nil {
		return g.take(g.disk.before) // an earlier try failed
	}
	there, err := os.Stat(g.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for the directory: %w", cause(err))
	}
	ours, statErr := g.disk.root.Stat(".")
	if err == nil && (statErr != nil || os.SameFile(there, ours)) {
		return nil
	}
	g.repaired("the directory was replaced; writing it again")
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

// takeLock keeps other writers out until Close, or until this process ends in whatever way.
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

// Close lets other writers in, once the call that is under way has ended. What was published stays.
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

// Look sees whether the directory is still the one that was published to, and returns what readers see then: the
// zero Digest when someone has put another directory in its place.
func (g *Gate) Look() (snapshot.Digest, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.heal(); err != nil {
		return snapshot.Digest{}, fmt.Errorf("look at gate %q: %w", g.dir, err)
	}
	return g.Current(), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
