package config

import (
	"reflect"
	"slices"
)

// Changes says how one configuration differs from an older one.
type Changes struct {
	// Added, Removed and Changed are names of targets, in the order of the configuration.
	Added, Removed, Changed []string
	// Frozen names the fields that differ but that only a restart of reloader can change.
	Frozen []string
}

// Diff compares two valid configurations. A change of a setting that all targets share (settle,
// promcheck) counts as a change of each target.
func Diff(old, new Config) Changes {
	var c Changes
	for _, f := range []struct {
		name    string
		differs bool
	}{
		{"listen_address", old.ListenAddress != new.ListenAddress},
		{"web_config_file", old.WebConfigFile != new.WebConfigFile},
		{"allowed_hosts", !slices.Equal(old.AllowedHosts, new.AllowedHosts)},
		{"log_format", old.LogFormat != new.LogFormat},
		{"poll_interval", old.PollInterval != new.PollInterval},
		{"fast_propagation", old.FastPropagation != new.FastPropagation},
		{"events", old.Events != new.Events},
	} {
		if f.differs {
			c.Frozen = append(c.Frozen, f.name)
		}
	}
	shared := old.Settle != new.Settle || old.Promcheck != new.Promcheck
	for _, t := range new.Targets {
		before, found := old.Target(t.Name)
		switch {
		case !found:
			c.Added = append(c.Added, t.Name)
		case before.Gate != t.Gate || before.KeepGenerations != t.KeepGenerations || before.GateMode != t.GateMode:
			// The server reads the gate and has started with its files, so the gate cannot be moved while running.
			c.Frozen = append(c.Frozen, "the gate of target "+t.Name)
		case shared || !reflect.DeepEqual(before, t):
			c.Changed = append(c.Changed, t.Name)
		}
	}
	for _, t := range old.Targets {
		if _, found := new.Target(t.Name); !found {
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
