package inject

import (
	"fmt"
	"path"
	"slices"

	"reloader/internal/manifest"
	"reloader/internal/paths"
	"reloader/internal/yamledit"
)

// place is where the file of a subPath mount goes.
type place struct {
	dir, file string
	// as is the name for a new volume, if one is needed.
	as string
	// strict means that the server reads every file in dir, so no other key may appear there.
	strict bool
}

// member is one subPath mount that becomes part of a directory.
type member struct {
	manifest.Mount
	vol manifest.Volume
	place
	key string // of the object; "" when the volume does not say
}

// finalMount is a mount in the result.
type finalMount struct {
	path, sub, volume string
	kind              string // of the volume
	token             bool
	at                yamledit.Cursor
	// shared means that the sidecar gets it too.
	shared bool
	// source is where a gated sidecar sees it after the server no longer does.
	source string
	// writable is true for gates only.
	writable bool
	// items are the mounts in the manifest that it replaces: the first one is changed, the others are removed. A single item
	// that already says the same stays as it is.
	items []manifest.Mount
}

// directories turns subPath mounts into directory mounts if want knows a place for them, and returns all mounts that the container
// will have.
func (pl *plan) directories(c manifest.Container, want func(m manifest.Mount) (place, bool)) ([]finalMount, error) {
	groups := map[string][]member{}
	var order []string
	var final []finalMount
	for _, m := range c.Mounts {
		vol, _ := pl.w.Volume(m.Volume)
		if m.Sub == "" || !vol.FromAPI() {
			final = append(final, finalMount{path: m.Path, sub: m.Sub, volume: m.Volume, kind: vol.Kind, token: vol.IsToken(), at: m.Cursor, items: []manifest.Mount{m}})
			continue
		}
		at, ok := want(m)
		if !ok || m.IsExpr() {
			pl.frozen(c, m)
			continue
		}
		if groups[at.dir] == nil {
			order = append(order, at.dir)
		}
		groups[at.dir] = append(groups[at.dir], member{Mount: m, vol: vol, place: at, key: vol.KeyOf(m.Sub)})
	}
	for _, dir := range order {
		f, err := pl.directory(c, groups[dir], groups)
		if err != nil {
			return nil, err
		}
		final = slices.DeleteFunc(final, func(o finalMount) bool { return o.path == dir })
		final = append(final, f)
	}
	return final, nil
}

// frozen warns about a subPath mount that has to stay.
func (pl *plan) frozen(c manifest.Container, m manifest.Mount) {
	reason := fmt.Sprintf("%s may have other files", path.Dir(m.Path))
	if m.IsExpr() {
		reason = "its path is an expression"
	}
	pl.warn(m.Cursor, "container %s: %s (volume %s, by subPath) never changes in a running pod. It stays as it is, because %s: mount the volume as its own directory",
		c.Name(), m.Path, m.Volume, reason)
}

// directory makes one directory mount out of mounts of single files.
func (pl *plan) directory(c manifest.Container, members []member, groups map[string][]member) (finalMount, error) {
	first := members[0]
	f := finalMount{path: first.dir, at: first.Cursor}
	var whole *manifest.Mount
	for _, m := range c.Mounts {
		if m.Path == first.dir && m.Sub == "" {
			whole = &m
			f.items = append(f.items, m)
		}
	}
	for _, m := range members {
		f.items = append(f.items, m.Mount)
	}
	if pl.reusable(members, whole, groups) {
		f.volume, f.kind = first.vol.Name, first.vol.Kind
		return f, nil
	}
	vol, err := pl.combine(members, whole)
	if err != nil {
		return finalMount{}, err
	}
	pl.added = append(pl.added, vol.value)
	f.volume, f.kind = vol.name, vol.kind
	return f, nil
}

// emit changes a mount of the server's container.
func (pl *plan) emit(c manifest.Container, f finalMount) {
	m := f.items[0]
	if m.Path == f.path && m.Volume == f.volume && m.Sub == f.sub && len(f.items) == 1 || !pl.ed.Writable(m.Cursor) {
		return
	}
	if m.Path != f.path {
		pl.ed.SetScalar(m.Get("mountPath"), f.path)
	}
	if m.Sub != "" {
		pl.ed.RemoveKey(m.Cursor, "subPath")
		pl.did(c.Name(), m.Line(), "volume %s is mounted as the directory %s, not %s alone by subPath%s", f.volume, f.path, path.Base(m.Path), pl.why())
	}
	if m.Volume != f.volume {
		pl.moved[m.Node] = true
		pl.ed.SetScalar(m.Get("name"), f.volume)
	}
	for _, m := range f.items[1:] {
		pl.drop(c, m)
		pl.did(c.Name(), m.Line(), "%s becomes part of the directory %s", path.Base(m.Path), f.path)
	}
}

// why is the reason for these changes, the first time that a change is reported.
func (pl *plan) why() string {
	if pl.told {
		return ""
	}
	pl.told = true
	return ", because such a mount never changes in a running pod"
}

// drop removes a mount from a container.
func (pl *plan) drop(c manifest.Container, m manifest.Mount) {
	pl.moved[m.Node] = true
	pl.ed.RemoveItem(c.Get("volumeMounts"), m.Cursor)
}

// reusable reports whether the volume of the mounts can be mounted as the directory without a change.
func (pl *plan) reusable(members []member, whole *manifest.Mount, groups map[string][]member) bool {
	vol := members[0].vol
	if whole != nil && whole.Volume != vol.Name {
		return false
	}
	for _, m := range members {
		if m.vol.Name != vol.Name || m.Sub != m.file {
			return false
		}
	}
	for dir, g := range groups {
		for _, m := range g {
			if dir != members[0].dir && m.vol.Name == vol.Name {
				return false // the volume has files for several directories, and each may only get its own
			}
		}
	}
	if !members[0].strict || len(vol.Get(vol.Kind, "items").Items()) > 0 {
		return true
	}
	o := pl.in.Object(manifest.ObjectKind[vol.Kind], vol.ObjectName(), pl.w.Namespace)
	return o == nil || !slices.ContainsFunc(o.Values, func(v *manifest.Value) bool {
		return !slices.ContainsFunc(members, func(m member) bool { return m.key == v.Key })
	})
}

// covering is the index of the innermost mount that contains the file; -1 when there is none.
func covering(mounts []finalMount, file string) int {
	best := -1
	for i, m := range mounts {
		if paths.Inside(file, m.path) && (best < 0 || len(m.path) > len(mounts[best].path)) {
			best = i
		}
	}
	return best
}

func (f finalMount) String() string { return fmt.Sprintf("%s at %s", f.volume, f.path) }
