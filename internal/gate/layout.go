package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"reloader/internal/snapshot"
)

// item is one file to publish.
type item struct {
	from *snapshot.Snapshot
	file snapshot.File
}

// plan maps names relative to the gate to the files that belong there. A source whose ServerDir is
// outside the gate is not published: the server reads it where it is.
func (g *Gate) plan(set *snapshot.Set) (map[string]item, error) {
	if set == nil || len(set.Snapshots) == 0 {
		return nil, errors.New("there is nothing to publish")
	}
	out := map[string]item{}
	for _, s := range set.Snapshots {
		dir, ok := g.place(s.Source)
		if !ok && len(set.Snapshots) == 1 && s.Source.ServerDir == "" {
			dir, ok = ".", true // a set of one source without a server's directory
		}
		if !ok {
			continue
		}
		for _, f := range s.Files {
			name := path.Join(dir, f.Name)
			if !fs.ValidPath(f.Name) || strings.HasPrefix(name, "..") {
				return nil, fmt.Errorf("source %q, file %q: names that begin with two dots are reserved for the gate", s.Source.Name, f.Name)
			}
			if other, ok := out[name]; ok && other.file.Digest != f.Digest {
				return nil, fmt.Errorf("sources %q and %q both have a file %q, with different contents",
					other.from.Source.Name, s.Source.Name, name)
			}
			out[name] = item{from: s, file: f}
		}
	}
	if len(out) == 0 {
		return nil, errors.New("there is no file to publish")
	}
	for name := range out {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if other, ok := out[dir]; ok {
				return nil, fmt.Errorf("source %q has a file %q where source %q has a directory",
					other.from.Source.Name, dir, out[name].from.Source.Name)
			}
		}
	}
	return out, nil
}

// place returns where a source's files go, relative to the gate; false when the server reads the source elsewhere.
func (g *Gate) place(src snapshot.Source) (string, bool) {
	rel, err := filepath.Rel(g.opts.ServerDir, src.ServerPath(""))
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// Place returns the directory of a source, relative to the gate, for a target with its main file in mainDir.
// A source below mainDir keeps its relative path, so that relative paths in the main file stay right.
// Any other source gets a directory with its own name.
func Place(mainDir string, src snapshot.Source) string {
	rel, err := filepath.Rel(mainDir, src.Dir)
	if err != nil || !filepath.IsLocal(rel) {
		return src.Name
	}
	return filepath.ToSlash(rel)
}
