package snapshot

import (
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// volume walks a directory that is swapped through ..data, whose target is now data. Its visible
// links are followed through data and not through ..data, which may move meanwhile.
func (s *scanner) volume(dir, name, data string, visible []os.DirEntry) error {
	payload := data
	if !filepath.IsAbs(payload) {
		payload = filepath.Join(dir, data)
	}
	here := len(s.v.places) - 1
	inside, err := s.payload(payload)
	if err != nil {
		return err
	}
	there := len(s.v.places) - 1
	seen := make(map[string]bool, len(visible))
	links := s.readlinks(dir, visible)
	if err := context.Cause(s.ctx); err != nil {
		return err
	}
	for i, e := range visible {
		full := path.Join(name, e.Name())
		rest, ours := throughData(links[i])
		if !ours {
			// An entry that is not one of the volume's links hides a file of the same name, and is visible itself.
			seen[e.Name()] = true
			if err := s.visit(here, e.Name(), full, e.Type()); err != nil {
				return err
			}
			continue
		}
		first, _, _ := strings.Cut(rest, "/")
		kind, ok := inside[first]
		if !ok {
			s.stale(full)
			continue
		}
		seen[first] = true
		if s.lazy && first == rest && kind.IsRegular() {
			if s.included(full) {
				if err := s.add(there, rest, full, fileID{}); err != nil {
					return err
				}
			}
			continue
		}
		if err := s.visit(there, rest, full, fs.ModeSymlink); err != nil {
			return err
		}
	}
	for inner := range inside {
		if !seen[inner] && s.mayHold(path.Join(name, inner)) {
			s.v.settled = false
			s.miss(path.Join(name, inner), ReasonUnlinked)
		}
	}
	return nil
}

// stale notes a link whose file is gone from ..data: the kubelet is about to remove the link.
func (s *scanner) stale(name string) {
	if s.mayHold(name) {
		s.v.settled = false
		s.miss(name, ReasonDangling)
	}
}

// payload lists the directory that ..data names, with types. If it is gone, the volume is being swapped or torn
// down, and holds nothing at present.
func (s *scanner) payload(dir string) (map[string]fs.FileMode, error) {
	var inside map[string]fs.FileMode
	id, err := stat(dir)
	if err == nil && id.isDir() {
		var list []os.DirEntry
		if list, _, err = s.list(dir); err == nil {
			inside = make(map[string]fs.FileMode, len(list))
			for _, e := range list {
				inside[e.Name()] = e.Type()
			}
		}
	}
	if err != nil && !vanished(err) {
		return nil, err
	}
	s.addPlace(place{path: dir, dev: id.dev, ino: id.ino})
	return inside, nil
}

// throughData reports whether a link's target leads through ..data, and returns its name there.
func throughData(target string) (string, bool) {
	return strings.CutPrefix(path.Clean(filepath.ToSlash(target)), DataLink+"/")
}
