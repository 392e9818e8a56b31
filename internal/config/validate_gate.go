package config

import (
	"fmt"
	"path"
	"path/filepath"

	"reloader/internal/paths"
)

// gate checks the published directory, and how files are changed before they are published.
func (c *targetChecker) gate() {
	if c.Gate.Path == "" {
		for _, f := range []struct {
			key string
			set bool
		}{{"gate_mode", c.GateMode != ""}, {"gunzip", c.Gunzip}, {"expand_env", len(c.ExpandEnv) > 0}, {"expand_env_names", len(c.ExpandEnvNames) > 0}} {
			if f.set {
				c.fail(f.key, "", "needs gate: without one the server reads the original files")
			}
		}
		return
	}
	if c.KeepGenerations < 1 {
		c.fail("keep_generations", "", "want at least 1")
	}
	if _, err := c.FileMode(); err != nil {
		c.fail("gate_mode", "", "%s", err)
	}
	for key, patterns := range map[string][]string{"expand_env": c.ExpandEnv, "expand_env_names": c.ExpandEnvNames} {
		for i, pattern := range patterns {
			if _, err := path.Match(pattern, ""); err != nil {
				c.fail(fmt.Sprintf("%s[%d]", key, i), "", "%q: %s", pattern, err)
			}
		}
	}
	if len(c.ExpandEnv) > 0 && len(c.ExpandEnvNames) == 0 {
		c.fail("expand_env", "list the variables that these files may use, for example expand_env_names: [CLUSTER]",
			"needs expand_env_names, because the environment may contain credentials")
	}
	if server := c.Ini.ServerPath; server != "" && path.Base(server) != filepath.Base(c.Ini.Path) {
		c.fail("ini", "", "the server must see it under the same name, %s", filepath.Base(c.Ini.Path))
	}
	watched := []string{c.Provisioning.Path}
	for _, file := range []string{c.ConfigFile.Path, c.Ini.Path} {
		if file != "" {
			watched = append(watched, filepath.Dir(file))
		}
	}
	for _, d := range c.Dirs {
		watched = append(watched, d.Path)
	}
	for _, dir := range watched {
		if dir != "" && paths.Overlap(dir, c.Gate.Path) {
			c.fail("gate", "give it its own directory", "must not be %s, which is watched, nor contain it or lie inside it", dir)
			return
		}
	}
}

// ownGate refuses a gate that overlaps another target's: two writers would undo each other's work.
func (c *targetChecker) ownGate(others []Target) {
	for _, other := range others {
		if c.Gate.Path != "" && other.Gate.Path != "" && paths.Overlap(c.Gate.Path, other.Gate.Path) {
			c.fail("gate", "give it its own directory", "must not be the gate of target %q, nor contain it or lie inside it", other.Name)
			return
		}
	}
}
