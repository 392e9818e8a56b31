package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"

	"reloader/internal/snapshot"
)

// ErrLocked says that another process writes the directory.
var ErrLocked = errors.New("another process writes this directory")

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
}

// Gate is a published directory. One process at a time writes it. Its methods may be called from
// several goroutines.
type Gate struct {
	dir     string
	opts    Options
	disk    *disk
	lock    *os.File
	repairs []string
	links   int // counts temporary links, so that their names differ

	mu sync.Mutex
	// gens are the complete generations, oldest first; current is one of them, or nil when readers
	// see nothing, or something that this package did not write.
	gens    []*generation
	current *generation
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
	if err := os.MkdirAll(dir, dirMode(opts.FileMode)); err != nil {
		return nil, fmt.Errorf("open gate %q: make the directory: %w", dir, cause(err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open gate %q: %w", dir, cause(err))
	}
	g := &Gate{dir: dir, opts: opts, disk: &disk{root: root, before: before}}
	opened := false
	defer func() {
		if !opened {
			_ = g.Close() // the first error is the one to tell
		}
	}()
	if err := g.takeLock(); err != nil {
		return nil, fmt.Errorf("open gate %q: %w", dir, err)
	}
	if err := g.repair(); err != nil {
		return nil, fmt.Errorf("open gate %q: %w", dir, err)
	}
	opened = true
	return g, nil
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
		return o, fmt.Errorf("file mode %#o: want permission to read for the owner, and none to execute", o.FileMode)
	}
	return o, nil
}

// dirMode lets whoever may read a file also find it, and the owner write.
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
		return fmt.Errorf("%q is there and is no directory; remove it", stateDir)
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

// Close lets other writers in. What was published stays.
func (g *Gate) Close() error {
	var err error
	if g.lock != nil {
		err = errors.Join(unlockFile(g.lock), g.lock.Close())
	}
	return errors.Join(err, g.disk.root.Close())
}

// Dir is the directory.
func (g *Gate) Dir() string { return g.dir }

// Repairs says in sentences what had to be put right since it was last asked; empty after a clean stop.
func (g *Gate) Repairs() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := g.repairs
	g.repairs = nil
	return out
}

// Current is the digest that readers see now; the zero Digest when there is none.
func (g *Gate) Current() snapshot.Digest {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.current == nil {
		return snapshot.Digest{}
	}
	return g.current.Digest
}

// Generations are the generations on the disk, oldest first.
func (g *Gate) Generations() []Generation {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]Generation, 0, len(g.gens))
	for _, gen := range g.gens {
		out = append(out, gen.Generation)
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
