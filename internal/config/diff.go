package config

import (
	"reflect"
	"slices"
)

// Changes says how one configuration differs from an older one.
type Changes struct {
	// Added, Removed and Changed are names of targets, in the order of the configuration.
	Added, Removed, Changed []string
	// Frozen names the fields that differ and that only a restart of reloader can change.
	Frozen []string
}

// Diff compares two valid configurations. A change of what all targets share (settle,
// promcheck) counts as a change of each.
func Diff(old, new Config) Changes {
	var c Changes
	if old.ListenAddress != new.ListenAddress {
		c.Frozen = append(c.Frozen, "listen_address")
	}
	if old.WebConfigFile != new.WebConfigFile {
		c.Frozen = append(c.Frozen, "web_config_file")
	}
	if !slices.Equal(old.AllowedHosts, new.AllowedHosts) {
		c.Frozen = append(c.Frozen, "allowed_hosts")
	}
	if old.LogFormat != new.LogFormat {
		c.Frozen = append(c.Frozen, "log_format")
	}
	if old.PollInterval != new.PollInterval {
		c.Frozen = append(c.Frozen, "poll_interval")
	}
	if old.FastPropagation != new.FastPropagation {
		c.Frozen = append(c.Frozen, "fast_propagation")
	}
	if old.Events != new.Events {
		c.Frozen = append(c.Frozen, "events")
	}
	shared := old.Settle != new.Settle || old.Promcheck != new.Promcheck
	for _, t := range new.Targets {
		before, found := old.Target(t.Name)
		switch {
		case !found:
			c.Added = append(c.Added, t.Name)
		case before.Gate != t.Gate || before.KeepGenerations != t.KeepGenerations || before.GateMode != t.GateMode:
			// The server reads there, and what it started with is there: that is no change of settings.
			c.Frozen = append(c.Frozen, "the gate of target "+t.Name)
		case shared || !reflect.DeepEqual(before, t):
			c.Changed = append(c.Changed, t.Name)
		}
	}
	for _, t := range old.Targets {
		if !slices.ContainsFunc(new.Targets, func(n Target) bool { return n.Name == t.Name }) {
			c.Removed = append(c.Removed, t.Name)
		}
	}
	return c
}

// Target returns the target of that name.
func (c Config) Target(name string) (Target, bool) {
	for _, t := range c.Targets {
		if t.Name == name {
			return t, true
		}
	}
	return Target{}, false
}
