package inject

import (
	"slices"
	"strings"

	"reloader/internal/yamledit"
)

// isReloader recognizes a sidecar that was added before.
func (c container) isReloader() bool {
	words := c.words()
	if run := len(words) == 0 || words[0] == "run" || len(words) > 1 && words[1] == "run"; !run {
		return false
	}
	if c.imageName() == sidecarName {
		return true
	}
	return c.name() == sidecarName && (len(words) > 0 || c.hasEnvPrefix("RELOADER_"))
}

func (c container) hasEnvPrefix(prefix string) bool {
	return slices.ContainsFunc(c.Get("env").Items(), func(e yamledit.Cursor) bool { return strings.HasPrefix(e.Get("name").Str(), prefix) })
}

// sets says whether the sidecar has the flag of that name, or its twin in the environment.
func (c container) sets(flag string) bool {
	_, _, ok := c.flag(flag)
	return ok || c.env("RELOADER_"+strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))).OK()
}

// present finds the sidecar that was added before.
func (pl *plan) present() (container, error) {
	for _, c := range slices.Concat(pl.w.containers(), pl.w.initContainers()) {
		if c.isReloader() {
			pl.there = true
			pl.gate = c.sets("prometheus-gate") || c.sets("grafana-gate")
			return c, nil
		}
		if c.name() == sidecarName {
			return c, pl.refuse(c.Cursor, "give it another name; if it is this program, let its first argument be run",
				"there is a container %s already, of image %s, that does not look like the sidecar", sidecarName, c.image())
		}
	}
	return container{}, nil
}

// stays tells what the sidecar that is there does not do. It is the user's now, and is not
// changed.
func (pl *plan) stays(c container) {
	pl.did(c.name(), c.Line(), "is there already and stays as it is")
	again := "take container " + c.name() + " out and inject again"
	if pl.opts.Gated && !pl.gate && !c.sets("config") && c.Get("restartPolicy").Str() != "Always" {
		pl.warn(c.Cursor, "container %s has no gate: for --gated, inject the manifest as it was before the first time", c.name())
	}
	if pl.opts.FastPropagation && !c.sets("fast-propagation") {
		pl.warn(c.Cursor, "container %s has no --fast-propagation: %s, for a Role is needed too", c.name(), again)
	}
	if pl.opts.Events && !c.sets("events") {
		pl.warn(c.Cursor, "container %s has no --events: %s, for a Role is needed too", c.name(), again)
	}
	seen := map[string]bool{}
	for _, m := range c.mounts() {
		seen[m.volume] = true
	}
	for _, m := range pl.side.mounts {
		if !seen[m.volume] {
			pl.warn(m.at, "container %s does not see %s: %s, or mount it there by hand", c.name(), m, again)
		}
	}
}
