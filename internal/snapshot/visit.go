package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// visit looks at one visible name: base in the directory s.v.places[at].
func (s *scanner) visit(at int, base, name string, kind fs.FileMode) error {
	if !s.mayHold(name) {
		return nil
	}
	p := filepath.Join(s.v.places[at].path, base)
	s.step("stat", p)
	id, err := stat(p)
	switch {
	case err == nil:
	case errors.Is(err, syscall.ELOOP):
		s.miss(name, ReasonLoop)
		return nil
	case vanished(err) || errors.Is(err, syscall.ENOTDIR):
		if kind&fs.ModeSymlink != 0 {
			s.miss(name, ReasonDangling)
		}
		return nil
	default:
		return err
	}
	switch {
	case id.isDir():
		return s.subdir(p, name, id)
	case !s.included(name):
		return nil
	case !id.isRegular():
		s.miss(name, ReasonSpecial)
		return nil
	}
	return s.file(at, base, name, p, id)
}

// subdir leaves out hidden directories (.git, .snapshot: no server reads them, and they are large)
// and lost+found, which every ext4 volume has at its root and only root can read.
func (s *scanner) subdir(p, name string, id fileID) error {
	if strings.HasPrefix(path.Base(name), ".") || name == "lost+found" {
		return nil
	}
	return s.dir(p, name, id)
}

func (s *scanner) file(at int, base, name, p string, id fileID) error {
	if err := s.admit(p, id.size); err != nil {
		return err
	}
	return s.add(at, base, name, id)
}

func (s *scanner) add(at int, base, name string, id fileID) error {
	if len(s.v.entries) >= s.lim.MaxFiles {
		return fmt.Errorf("%s: more than %d files: %w", s.src.Dir, s.lim.MaxFiles, ErrLimit)
	}
	s.v.entries = append(s.v.entries, entry{name: name, place: at, base: base, id: id})
	s.v.newest = max(s.v.newest, id.ctime)
	return nil
}

// admit checks a file of that size against the limits, and counts it.
func (t *taker) admit(p string, size int64) error {
	if err := t.lim.checkSize(p, size); err != nil {
		return err
	}
	if t.total.Add(size) > t.lim.MaxTotal {
		return fmt.Errorf("%s: more than %d bytes in all files: %w", t.src.Dir, t.lim.MaxTotal, ErrLimit)
	}
	return nil
}

func (s Source) checkInclude() error {
	for _, pattern := range s.Include {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("pattern %q: %w", pattern, err)
		}
	}
	return nil
}

// included reports whether a file of that name belongs to the source.
func (s *scanner) included(name string) bool {
	if len(s.src.Include) == 0 {
		return true
	}
	for _, pattern := range s.src.Include {
		if ok, err := path.Match(pattern, name); err == nil && ok {
			return true
		}
	}
	return false
}

// mayHold reports whether name, or a file below it if it is a directory, can belong to the source. So
// a source of one file does not walk the whole tree around it.
func (s *scanner) mayHold(name string) bool {
	if len(s.src.Include) == 0 {
		return true
	}
	for _, pattern := range s.src.Include {
		if ok, err := path.Match(leading(pattern, 1+strings.Count(name, "/")), name); err == nil && ok {
			return true
		}
	}
	return false
}

// leading returns the first n components of a pattern.
func leading(pattern string, n int) string {
	parts := strings.SplitN(pattern, "/", n+1)
	return strings.Join(parts[:min(n, len(parts))], "/")
}
