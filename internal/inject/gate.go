package inject

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"reloader/internal/manifest"
	"reloader/internal/paths"
	"reloader/internal/yamledit"
)

// gated reports whether to make gates: not if the manifest already has the sidecar.
func (pl *plan) gated() bool { return pl.opts.Gated && !pl.there }

// sourceDir is where a gated sidecar sees the files that the server saw before.
func sourceDir(server string) string { return "/source/" + server }

// place changes the mounts of a server's container, and shares with the sidecar those that it needs.
func (pl *plan) place(c manifest.Container, mounts []finalMount) error {
	for _, m := range mounts {
		pl.emit(c, m)
		if m.shared {
			if err := pl.share(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// placeGate turns root, the directory of the server's configuration, into an empty directory that only the sidecar writes. The
// volumes that were mounted there move to the sidecar.
func (pl *plan) placeGate(c manifest.Container, mounts []finalMount, server, root string) error {
	if manifest.SystemDir(root) {
		return pl.refuse(c.Cursor, "mount the configuration in its own directory", "the gate cannot replace %s, which the image needs", root)
	}
	moves := func(m finalMount) bool { return m.shared && (paths.Inside(m.path, root) || m.source != "") }
	carrier := slices.IndexFunc(mounts, func(m finalMount) bool { return m.shared && paths.Inside(m.path, root) })
	if carrier < 0 {
		return pl.refuse(c.Cursor, "mount its directories below "+root, "container %s has no mount in %s for the gate to replace", c.Name(), root)
	}
	if i := slices.IndexFunc(mounts, func(m finalMount) bool { return m.shared && m.path == root }); i >= 0 {
		carrier = i
	}
	nested, err := pl.nested(mounts, moves, root)
	if err != nil {
		return err
	}
	writable := pl.mountPoints(c, server, nested)
	gate := finalMount{path: root, volume: pl.volumeName(server + "-gate"), kind: "emptyDir", writable: true}
	secret := ""
	for i, m := range mounts {
		if !moves(m) {
			pl.emit(c, m)
			if !m.shared {
				continue
			}
			if server == "prometheus" {
				pl.warn(m.at, "volume %s is outside %s and so outside the gate: its files are judged, but Prometheus reads them where they are, and a broken one can stop its next start", m, root)
			}
			if err := pl.share(m); err != nil {
				return err
			}
			continue
		}
		if pl.holdsSecret(m.volume) {
			secret = m.volume
		}
		if i == carrier {
			pl.carry(c, m, gate, writable)
		} else {
			for _, item := range m.items {
				pl.drop(c, item)
			}
		}
		if m.source == "" {
			m.source = path.Join(sourceDir(server), m.path[len(root):])
		}
		pl.did(c.Name(), m.at.Line(), "volume %s (%s) moves to the sidecar, at %s", m.volume, strings.Join(m.was(), ", "), m.source)
		m.path = m.source
		if err := pl.share(m); err != nil {
			return err
		}
	}
	medium := yamledit.Map{}
	if secret != "" {
		medium = yamledit.Map{{"medium", "Memory"}} // as the kubelet keeps Secrets
		pl.did(c.Name(), c.Line(), "its gate is in memory, because it gets files from a Secret (volume %s)", secret)
	}
	pl.added = append(pl.added, yamledit.Map{{"name", gate.volume}, {"emptyDir", medium}})
	pl.side.mount(gate)
	pl.did(c.Name(), c.Line(), "reads %s from the gate (volume %s), which only the sidecar writes, and only with valid files", root, gate.volume)
	return nil
}

// nested are the mounts that the container keeps inside the gate. Their mount points must be directly in it, because everything
// deeper is replaced with each generation.
func (pl *plan) nested(mounts []finalMount, moves func(finalMount) bool, root string) ([]finalMount, error) {
	var found []finalMount
	for _, m := range mounts {
		if moves(m) || m.path == root || !paths.Inside(m.path, root) {
			continue
		}
		found = append(found, m)
		for _, dir := range mounts {
			if moves(dir) && dir.path != root && paths.Inside(m.path, dir.path) {
				return nil, pl.refuse(m.at, "mount it elsewhere, for example at "+path.Join(root, path.Base(m.path)),
					"volume %s is inside %s, which becomes part of the gate and is replaced at each change", m, dir.path)
			}
		}
	}
	return found, nil
}

// mountPoints mounts an empty volume into the sidecar's gate for each nested directory. That way the runtime creates the mount points
// when the sidecar starts; it cannot create them for the server, whose mount of the gate is read-only. A nested file needs a file as
// its mount point, so then the gate stays writable for that server.
func (pl *plan) mountPoints(c manifest.Container, server string, nested []finalMount) (writable bool) {
	var dirs []finalMount
	for _, m := range nested {
		if m.sub != "" {
			writable = true
			pl.warn(m.at, "container %s has %s, a subPath mount, inside the gate, so the gate cannot be read-only for it; mount it outside the gate, and inject again", c.Name(), m)
			continue
		}
		dirs = append(dirs, m)
	}
	if len(dirs) == 0 || writable {
		return writable
	}
	name := pl.volumeName(server + "-gate-mounts")
	pl.added = append(pl.added, yamledit.Map{{"name", name}, {"emptyDir", yamledit.Map{}}})
	for _, m := range dirs {
		pl.side.mount(finalMount{path: m.path, volume: name, kind: "emptyDir"})
		pl.did(sidecarName, m.at.Line(), "has the empty volume %s at %s: this creates the directory in the gate where container %s mounts volume %s", name, m.path, c.Name(), m.volume)
	}
	return false
}

// carry turns m, in the server's container, into the mount of the gate. It is read-only: the server has no reason to write there, and
// generations can share files.
func (pl *plan) carry(c manifest.Container, m, gate finalMount, writable bool) {
	item := m.items[0]
	if !pl.ed.Writable(item.Cursor) {
		return
	}
	if item.Path != gate.path {
		pl.ed.SetScalar(item.Get("mountPath"), gate.path)
	}
	if item.Sub != "" {
		pl.ed.RemoveKey(item.Cursor, "subPath")
	}
	pl.moved[item.Node] = true
	pl.ed.SetScalar(item.Get("name"), gate.volume)
	switch readOnly := item.Get("readOnly"); {
	case writable:
	case !readOnly.OK():
		pl.ed.AddKey(item.Cursor, "mountPath", yamledit.Pair{"readOnly", true}, pl.dash)
	case !readOnly.Is(true):
		pl.ed.SetRaw(readOnly, "true")
	}
	for _, item := range m.items[1:] {
		pl.drop(c, item)
	}
}

// was are the paths of the mounts that f replaces.
func (f finalMount) was() []string {
	var paths []string
	for _, m := range f.items {
		paths = append(paths, m.Path)
	}
	return paths
}

// holdsSecret reports whether a volume has files of a Secret.
func (pl *plan) holdsSecret(name string) bool {
	var secrets []string
	collect(pl.volumeValues()[name], "secret", &secrets)
	return len(secrets) > 0
}

// pastGate reports that the sidecar does not get a Secret.
func (pl *plan) pastGate(c manifest.Container, m finalMount, root string) {
	text := fmt.Sprintf("the sidecar does not get Secret volume %s, because servers read credentials when they use them, not at a reload", m)
	switch {
	case pl.there:
		return
	case pl.gated() && paths.Inside(m.path, root):
		text += fmt.Sprintf("; if it has rules or scrape configurations, remove it here and mount it into the sidecar at %s", path.Join(sourceDir("prometheus"), m.path[len(root):]))
	default:
		text += "; if it has rules or scrape configurations, mount it there too"
	}
	pl.did(c.Name(), m.at.Line(), "%s", text)
}
