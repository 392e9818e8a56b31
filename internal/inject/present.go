package inject

import (
	"net/url"
	"strings"

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
	if !pl.followed(c) {
		return // another server's mounts would not help
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

// followed reports whether the existing sidecar follows the servers of this pod, and warns about those that it does not.
func (pl *plan) followed(c manifest.Container) bool {
	if c.ReloaderSets("config") {
		return true // its targets are in that file
	}
	all := true
	for _, arg := range pl.side.args {
		flag, want, _ := strings.Cut(arg, "=")
		if flag != "--prometheus-url" && flag != "--grafana-url" {
			continue
		}
		have, at, ok := c.Flag(flag[2:])
		switch {
		case !ok && !c.ReloaderSets(flag[2:]):
			all = false
			pl.warn(c.Cursor, "container %s does not follow the server at %s: remove container %s and inject again, or give it %s and the mounts by hand", c.Name(), want, c.Name(), flag)
		case ok && portOf(have) != "" && portOf(have) != portOf(want):
			all = false
			pl.warn(at, "container %s follows the server at %s, and not the one at %s: to follow both, name them as targets in a file for --config (docs/configuration.md)", c.Name(), have, want)
		}
	}
	return all
}

// portOf is the port in a URL; empty if it is unknown.
func portOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || strings.Contains(text, "$") {
		return ""
	}
	return u.Port()
}
