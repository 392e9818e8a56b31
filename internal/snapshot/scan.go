package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
)

const (
	// DataLink is the link to the current generation of a volume, of the kubelet or of a gate.
	DataLink = "..data"
	// maxDepth ends the walk in mazes of links that the loop detection does not recognise.
	maxDepth = 64
)

// scanner walks one tree once.
type scanner struct {
	*taker
	ctx      context.Context
	v        *view
	looked   int // directory entries, for the limit
	onTheWay []fileID
	// lazy skips the stat of a volume's files: readFile makes it when it opens them.
	lazy bool
}

// scan looks at everything.
func (t *taker) scan(ctx context.Context) (*view, error) { return t.walk(ctx, false) }

// scanToRead looks at everything except a volume's files that the directory listing already shows to be files: each
// look would be one more system call, and reading opens them anyway.
func (t *taker) scanToRead(ctx context.Context) (*view, error) { return t.walk(ctx, true) }

func (t *taker) walk(ctx context.Context, lazy bool) (*view, error) {
	root, err := stat(t.src.Dir)
	if err != nil {
		return nil, err
	}
	if !root.isDir() {
		return nil, &fs.PathError{Op: "read", Path: t.src.Dir, Err: syscall.ENOTDIR}
	}
	t.total.Store(0)
	s := &scanner{taker: t, ctx: ctx, v: &view{settled: true}, lazy: lazy}
	if err := s.dir(filepath.Clean(t.src.Dir), "", root); err != nil {
		return nil, err
	}
	v := s.v
	slices.SortFunc(v.entries, func(a, b entry) int { return compareNames(a.name, b.name) })
	sort.Slice(v.missing, func(i, j int) bool { return compareNames(v.missing[i].Name, v.missing[j].Name) < 0 })
	v.atomic = s.isAtomic()
	return v, nil
}

// isAtomic reports that the root is swapped through ..data, and that every file was reached through it.
func (s *scanner) isAtomic() bool {
	if len(s.v.places) == 0 || s.v.places[0].data == "" {
		return false
	}
	payload := filepath.Join(s.src.Dir, s.v.places[0].data)
	ours := make([]bool, len(s.v.places))
	for i, p := range s.v.places {
		ours[i] = p.path == payload || strings.HasPrefix(p.path, payload+string(filepath.Separator))
	}
	return !slices.ContainsFunc(s.v.entries, func(e entry) bool { return !ours[e.place] })
}

// dir walks one directory. name is "" for the root.
func (s *scanner) dir(dir, name string, id fileID) error {
	if err := context.Cause(s.ctx); err != nil {
		return err
	}
	if len(s.onTheWay) >= maxDepth || slices.ContainsFunc(s.onTheWay, func(up fileID) bool { return up.ino == id.ino && up.dev == id.dev }) {
		s.miss(name, ReasonLoop)
		return nil
	}
	s.onTheWay = append(s.onTheWay, id)
	defer func() { s.onTheWay = s.onTheWay[:len(s.onTheWay)-1] }()

	list, data, err := s.list(dir)
	// In order, so that two looks at the same tree are equal whatever the file system does.
	slices.SortFunc(list, func(a, b os.DirEntry) int { return compareNames(a.Name(), b.Name()) })
	if err != nil {
		if name != "" && vanished(err) {
			return nil
		}
		return err
	}
	if name != "" && IsDatabase(list) {
		return nil
	}
	here := s.addPlace(place{path: dir, dev: id.dev, ino: id.ino, data: data})
	if data != "" {
		return s.volume(dir, name, data, list)
	}
	for _, e := range list {
		if err := s.visit(here, e.Name(), path.Join(name, e.Name()), e.Type()); err != nil {
			return err
		}
	}
	return nil
}

// IsDatabase recognises Prometheus' data directory. Anyone who unpacks the release archive and starts it has one
// next to prometheus.yml. It is large, changes all the time, and is not configuration.
func IsDatabase(list []os.DirEntry) bool {
	found := 0
	for _, e := range list {
		if e.IsDir() && (e.Name() == "wal" || e.Name() == "chunks_head") {
			found++
		}
	}
	return found == 2
}

func (s *scanner) addPlace(p place) int {
	s.v.places = append(s.v.places, p)
	return len(s.v.places) - 1
}

func (s *scanner) miss(name, reason string) {
	s.v.missing = append(s.v.missing, Missing{Name: name, Reason: reason})
}

// list returns the entries whose names do not begin with two dots, and the target of ..data if there is
// one. Only a link counts: a real directory of that name is never swapped.
func (s *scanner) list(dir string) ([]os.DirEntry, string, error) {
	s.step("list", dir)
	// O_DIRECTORY: a fifo that has taken the directory's place must not block.
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if errors.Is(err, syscall.ENOTDIR) {
		err = &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist} // the next look shows what it is now
	}
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = f.Close() }()
	var visible []os.DirEntry
	hasData := false
	for {
		part, err := f.ReadDir(1024)
		s.looked += len(part)
		if s.looked > s.lim.maxEntries() {
			return nil, "", fmt.Errorf("%s: more than %d directory entries: %w", dir, s.lim.maxEntries(), ErrLimit)
		}
		for _, e := range part {
			if e.Name() == DataLink && e.Type()&fs.ModeSymlink != 0 {
				hasData = true
			}
			if !strings.HasPrefix(e.Name(), "..") {
				visible = append(visible, e)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", err
		}
	}
	if !hasData {
		return visible, "", nil
	}
	s.step("readlink", dir)
	data, err := os.Readlink(filepath.Join(dir, DataLink))
	if vanished(err) {
		err = nil
	}
	return visible, data, err
}
