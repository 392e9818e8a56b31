package inject

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"reloader/internal/yamledit"
)

// place is where a subPath mount of a file is to go.
type place struct {
	dir, file string
	// as names a new volume, if one is needed.
	as string
	// strict says that the server reads every file of dir, so that no other key may appear there.
	strict bool
}

// member is one subPath mount that becomes part of a directory.
type member struct {
	mount
	vol volume
	place
	key string // of the object; "" when the volume does not tell
}

// finalMount is a mount as it will be.
type finalMount struct {
	path, sub, volume string
	kind              string // of the volume
	token             bool
	at                yamledit.Cursor
	// shared says that the sidecar gets it too.
	shared bool
	// source is where a gated sidecar sees it when the server does not see it any more.
	source string
	// writable is for gates.
	writable bool
	// items are the mounts of the manifest that it is made of: the first one carries it, the
	// others go away. One item that says the same already needs no change.
	items []mount
}

// directories turns the container's frozen mounts into directory mounts, where want knows a
// place for them, and returns all mounts of the container as they will be.
func (pl *plan) directories(c container, want func(m mount) (place, bool)) ([]finalMount, error) {
	groups := map[string][]member{}
	var order []string
	var final []finalMount
	for _, m := range c.mounts() {
		vol, _ := pl.w.volume(m.volume)
		if m.sub == "" || !vol.fromAPI() {
			final = append(final, finalMount{path: m.path, sub: m.sub, volume: m.volume, kind: vol.kind, token: vol.token(), at: m.Cursor, items: []mount{m}})
			continue
		}
		at, ok := want(m)
		if !ok || m.expr() {
			pl.frozen(c, m)
			continue
		}
		if groups[at.dir] == nil {
			order = append(order, at.dir)
		}
		groups[at.dir] = append(groups[at.dir], member{mount: m, vol: vol, place: at, key: vol.keyOf(m.sub)})
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

// frozen warns of a mount by subPath that has to stay.
func (pl *plan) frozen(c container, m mount) {
	reason := fmt.Sprintf("other files may be in %s", path.Dir(m.path))
	if m.expr() {
		reason = "its path is an expression"
	}
	pl.warn(m.Cursor, "container %s: %s (volume %s, by subPath) never changes in a running pod; it stays, for %s: mount the volume as a directory of its own",
		c.name(), m.path, m.volume, reason)
}

// keyOf is the object's key that is visible at sub.
func (v volume) keyOf(sub string) string {
	if v.object() == "" {
		return ""
	}
	if it := v.item(sub); it.OK() {
		return it.Get("key").Str()
	}
	if len(v.Get(v.kind, "items").Items()) > 0 || strings.Contains(sub, "/") {
		return ""
	}
	return sub
}

// item is the entry of the volume's items with that path.
func (v volume) item(path string) yamledit.Cursor {
	for _, it := range v.Get(v.kind, "items").Items() {
		if it.Get("path").Str() == path {
			return it
		}
	}
	return yamledit.Cursor{}
}

// directory makes one directory mount of several mounts of files.
func (pl *plan) directory(c container, members []member, groups map[string][]member) (finalMount, error) {
	first := members[0]
	f := finalMount{path: first.dir, at: first.Cursor}
	var whole *mount
	for _, m := range c.mounts() {
		if m.path == first.dir && m.sub == "" {
			whole = &m
			f.items = append(f.items, m)
		}
	}
	for _, m := range members {
		f.items = append(f.items, m.mount)
	}
	if pl.reusable(members, whole, groups) {
		f.volume, f.kind = first.vol.name, first.vol.kind
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

// emit writes a mount into the server's container.
func (pl *plan) emit(c container, f finalMount) {
	m := f.items[0]
	if m.path == f.path && m.volume == f.volume && m.sub == f.sub && len(f.items) == 1 || !pl.ed.Writable(m.Cursor) {
		return
	}
	if m.path != f.path {
		pl.ed.SetScalar(m.Get("mountPath"), f.path)
	}
	if m.sub != "" {
		pl.ed.RemoveKey(m.Cursor, "subPath")
		pl.did(c.name(), m.Line(), "volume %s is mounted as the directory %s, not %s alone by subPath%s", f.volume, f.path, path.Base(m.path), pl.why())
	}
	if m.volume != f.volume {
		pl.moved[m.Node] = true
		pl.ed.SetScalar(m.Get("name"), f.volume)
	}
	for _, m := range f.items[1:] {
		pl.drop(c, m)
		pl.did(c.name(), m.Line(), "%s becomes part of the directory %s", path.Base(m.path), f.path)
	}
}

// why tells the reason of all this, once.
func (pl *plan) why() string {
	if pl.told {
		return ""
	}
	pl.told = true
	return ", for such a mount never changes in a running pod"
}

// drop takes a mount out of a container.
func (pl *plan) drop(c container, m mount) {
	pl.moved[m.Node] = true
	pl.ed.RemoveItem(c.Get("volumeMounts"), m.Cursor)
}

// reusable says whether the mounts' own volume can simply be mounted as the directory.
func (pl *plan) reusable(members []member, whole *mount, groups map[string][]member) bool {
	vol := members[0].vol
	if whole != nil && whole.volume != vol.name {
		return false
	}
	for _, m := range members {
		if m.vol.name != vol.name || m.sub != m.file {
			return false
		}
	}
	for dir, g := range groups {
		for _, m := range g {
			if dir != members[0].dir && m.vol.name == vol.name {
				return false // an object for several purposes: each directory gets its own files only
			}
		}
	}
	if !members[0].strict || len(vol.Get(vol.kind, "items").Items()) > 0 {
		return true
	}
	keys, known := pl.objs.keys(objectKind[vol.kind], vol.object(), pl.w.namespace)
	return !known || !slices.ContainsFunc(keys, func(k string) bool {
		return !slices.ContainsFunc(members, func(m member) bool { return m.key == k })
	})
}

// covering is the mount that holds file, the innermost one.
func covering(mounts []finalMount, file string) (finalMount, bool) {
	var best finalMount
	found := false
	for _, m := range mounts {
		if inside(file, m.path) && (!found || len(m.path) > len(best.path)) {
			best, found = m, true
		}
	}
	return best, found
}

// inside says that file is dir or below it.
func inside(file, dir string) bool {
	return file == dir || dir == "/" || strings.HasPrefix(file, dir+"/")
}

// system are directories of which the image needs its own version.
func system(dir string) bool {
	if slices.Contains([]string{"/", "/etc", "/var", "/var/lib", "/opt", "/home", "/mnt", "/srv", "/tmp", "/run"}, dir) {
		return true
	}
	for _, d := range []string{"/usr", "/bin", "/sbin", "/lib", "/lib64", "/dev", "/proc", "/sys", "/etc/ssl", "/etc/pki"} {
		if inside(dir, d) {
			return true
		}
	}
	return false
}

func (f finalMount) String() string { return fmt.Sprintf("%s at %s", f.volume, f.path) }
