package sources

import (
	"path"
	"path/filepath"
	"strings"

	"reloader/internal/snapshot"
)

// Serves reports whether src lies inside the known source, as the server sees both.
func Serves(known, src snapshot.Source) bool {
	outer, inner := known.ServerPath(""), src.ServerDir
	if filepath.IsAbs(outer) != filepath.IsAbs(inner) {
		// A relative path comes from the command line and is relative to this process's working directory.
		outer, inner = absolute(outer), absolute(inner)
	}
	rel, err := filepath.Rel(outer, inner)
	return err == nil && filepath.IsLocal(rel)
}

func absolute(p string) string {
	if abs, err := filepath.Abs(p); err == nil {
		return abs
	}
	return p
}

// Split cuts a pattern into the directory before its first special character and the rest.
func Split(pattern string) (dir, rest string) {
	literal := pattern
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		literal = pattern[:i]
	}
	cut := strings.LastIndex(literal, "/")
	switch cut {
	case -1:
		return ".", pattern
	case 0:
		return "/", pattern[1:]
	}
	return pattern[:cut], pattern[cut+1:]
}

// Holds reports whether known contains everything of src, at the same path for the server.
func Holds(known, src snapshot.Source) bool {
	rel, err := filepath.Rel(known.Dir, src.Dir)
	return err == nil && filepath.IsLocal(rel) && len(known.Include) == 0 &&
		path.Clean(known.ServerPath(filepath.ToSlash(rel))) == path.Clean(src.ServerPath(""))
}

// Literal escapes a name: the result is a pattern that matches only that name.
func Literal(name string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(name)
}
