package manifest

import (
	"path"
	"strings"
)

// Bounds of all that the containers of one input find: each mount of a volume shows all its files again, so that a small
// text can mean any number of them.
const (
	MaxFiles = 100_000
	// MaxBytes is the sum of their sizes and of the lengths of their paths.
	MaxBytes = 256 << 20
)

func (in *Input) overfull() bool { return in.found > MaxFiles || in.foundBytes > MaxBytes }

// putAll adds files by their names below the mount, without a prefix.
func (v *View) putAll(m *ViewMount, names []string, prefix string, files map[string]*Value) {
	for _, name := range names {
		if v.Cut {
			return
		}
		v.put(m, path.Join(m.Path, strings.TrimPrefix(name, prefix)), files[name])
	}
}

// put adds a file unless another mount lies over it.
func (v *View) put(m *ViewMount, p string, f *Value) {
	if f.Problem != "" && f.Encoded {
		return // not one byte of it is known
	}
	v.in.found, v.in.foundBytes = v.in.found+1, v.in.foundBytes+len(p)+len(f.Content)
	if v.Cut = v.in.overfull(); v.Cut {
		return
	}
	if _, at := v.Covering(p); at != nil && at.Path == m.Path {
		v.Files[p] = f
	}
}
