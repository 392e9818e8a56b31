package inject

import (
	"reloader/internal/manifest"
)

// present finds the sidecar if the manifest already has it.
func (pl *plan) present() (manifest.Container, error) {
	for _, c := range pl.w.AllContainers() {
		if c.IsReloader() {
			pl.there = true
			pl.gate = c.ReloaderSets("prometheus-gate") || c.ReloaderSets("grafana-gate")
			return c, nil
		}
		if c.Name() == sidecarName {
			return c, pl.refuse(c.Cursor, "rename it; if it is this program, its first argument must be run",
				"there already is a container %s, with image %s, that does not look like the sidecar", sidecarName, c.Image())
		}
	}
	return manifest.Container{}, nil
}

// stays warns about everything that the existing sidecar lacks. It belongs to the user, so it is not changed.
func (pl *plan) stays(c manifest.Container) {
	pl.did(c.Name(), c.Line(), "already exists and stays as it is")
	again := "remove container " + c.Name() + " and inject again"
	if pl.opts.Gated && !pl.gate && !c.ReloaderSets("config") && c.Get("restartPolicy").Str() != "Always" {
		pl.warn(c.Cursor, "container %s has no gate: for --gated, inject the manifest from before the first injection", c.Name())
	}
	if pl.opts.FastPropagation && !c.ReloaderSets("fast-propagation") {
		pl.warn(c.Cursor, "container %s has no --fast-propagation: %s, because a Role is needed too", c.Name(), again)
	}
	if pl.opts.Events && !c.ReloaderSets("events") {
		pl.warn(c.Cursor, "container %s has no --events: %s, because a Role is needed too", c.Name(), again)
	}
	seen := map[string]bool{}
	for _, m := range c.Mounts {
		seen[m.Volume] = true
	}
	for _, m := range pl.side.mounts {
		if !seen[m.volume] {
			pl.warn(m.at, "container %s does not see %s: %s, or mount it there by hand", c.Name(), m, again)
		}
	}
}
