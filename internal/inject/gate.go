package inject

import (
	"path"
	"slices"
)

// gated says whether gates are to be made: not a second time.
func (pl *plan) gated() bool { return pl.opts.Gated && !pl.there }

// sourceDir is where a gated sidecar sees what the server saw before.
func sourceDir(server string) string { return "/source/" + server }

// place writes the mounts of a server's container and gives the sidecar its part. In gated mode
// root, the directory of the server's configuration, becomes an empty directory that only the
// sidecar writes, and the volumes that were mounted there go to the sidecar alone.
func (pl *plan) place(c container, mounts []finalMount, server, root string) error {
	if !pl.gated() {
		for _, m := range mounts {
			pl.emit(c, m, m.volume, m.path)
			if m.shared && !pl.there {
				if err := pl.share(m); err != nil {
					return err
				}
			}
		}
		return nil
	}
	behind := func(m finalMount) bool { return m.shared && (inside(m.path, root) || m.source != "") }
	carrier := slices.IndexFunc(mounts, func(m finalMount) bool { return m.shared && inside(m.path, root) })
	if carrier < 0 {
		return pl.refuse(c.cursor, "mount its directories below "+root, "container %s has no mount in %s for the gate to replace", c.name(), root)
	}
	if i := slices.IndexFunc(mounts, func(m finalMount) bool { return m.shared && m.path == root }); i >= 0 {
		carrier = i
	}
	gate := pl.volumeName(server + "-gate")
	pl.added = append(pl.added, obj{{"name", gate}, {"emptyDir", obj{}}})
	for i, m := range mounts {
		if !behind(m) {
			pl.emit(c, m, m.volume, m.path)
			if m.shared {
				if err := pl.share(m); err != nil {
					return err
				}
			}
			continue
		}
		if i == carrier {
			pl.emit(c, m, gate, root)
		} else {
			for _, item := range m.items {
				pl.drop(c, item)
			}
		}
		if m.source == "" {
			m.source = path.Join(sourceDir(server), m.path[len(root):])
		}
		m.path = m.source
		if err := pl.share(m); err != nil {
			return err
		}
	}
	pl.side.mounts = append(pl.side.mounts, finalMount{path: root, volume: gate, kind: "emptyDir", writable: true})
	pl.note(c.cursor, "container %s reads %s from the gate, which only the sidecar writes, and only with files that %s accepts", c.name(), root, server)
	return nil
}
