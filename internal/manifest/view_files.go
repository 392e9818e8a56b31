package manifest

import (
	"path"
	"strings"

	"reloader/internal/paths"
)

// Limits for all containers of an input together. Each mount of a volume shows all its files again, so a small text can mean any
// number of files.
const (
	MaxFiles = 100_000
	// MaxBytes limits the sum of their sizes and of the lengths of their paths.
	MaxBytes = 256 << 20
)

func (in *Input) overfull() bool { return in.found > MaxFiles || in.foundBytes > MaxBytes }

// File is what the container finds at a path, in its innermost mount there; nil when that is not in the input. It needs no View.
func (in *Input) File(w *Workload, c Container, file string) *Value {
	var m *Mount
	for i, other := range c.Mounts {
		if paths.Inside(file, other.Path) && (m == nil || len(other.Path) > len(m.Path)) {
			m = &c.Mounts[i]
		}
	}
	if m == nil {
		return nil
	}
	vol, _ := w.Volume(m.Volume)
	inVolume := strings.TrimPrefix(file, m.Path)
	var v *Value
	if g := in.gates(w)[vol.Name]; g != nil && !c.IsReloader() {
		v = g.files[path.Join("/", inVolume)[1:]]
	} else if vol.FromAPI() && !m.IsExpr() {
		v = in.volumeFiles(w, vol).files[path.Join("/", m.Sub, inVolume)[1:]]
	}
	if v == nil || v.unreadable() {
		return nil
	}
	return v
}

// unreadable reports whether nothing of the contents is known.
func (v *Value) unreadable() bool { return v.Problem != "" && v.Encoded }

// putAll adds files below the mount, by their names without a prefix.
func (v *View) putAll(m *ViewMount, names []string, prefix string, files map[string]*Value) {
	for _, name := range names {
		if v.Cut {
			return
		}
		v.put(m, path.Join(m.Path, strings.TrimPrefix(name, prefix)), files[name])
	}
}

// put adds a file unless another mount covers it.
func (v *View) put(m *ViewMount, p string, f *Value) {
	if f.unreadable() {
		return
	}
	v.in.found, v.in.foundBytes = v.in.found+1, v.in.foundBytes+len(p)+len(f.Content)
	if v.Cut = v.in.overfull(); v.Cut {
		return
	}
	if _, at := v.Covering(p); at != nil && at.Path == m.Path {
		v.Files[p] = f
	}
}
