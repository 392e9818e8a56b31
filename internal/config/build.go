package config

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// File returns the path given by --config; empty when there is none.
func (f *Flags) File() string { return f.file }

// Template returns a target with the settings of a kind's flags, even if they do not make a target.
func (f *Flags) Template(kind Kind) Target {
	t := TargetDefaults(kind)
	for _, known := range f.targets {
		if known.Kind == kind {
			t = known.Target
		}
	}
	t.Allow, t.Ignore = slices.Clone(f.shared.Allow), slices.Clone(f.shared.Ignore)
	return t
}

// Config builds the whole configuration: the defaults, then the file's contents (nil without
// --config), then the flags and the environment. For settings of the process, flags win over the
// file. Targets from flags are added to the targets of the file.
func (f *Flags) Config(file []byte) (Config, error) {
	cfg := Defaults()
	c := &checker{file: f.file}
	if f.file != "" {
		positions, err := parse(f.file, file, &cfg)
		if err != nil {
			return Config{}, err
		}
		c.positions = positions
	}
	f.override(&cfg, c.positions)
	for _, t := range f.targets {
		if err := CheckVersion(t.Version); err != nil { // it counts for files that are given as arguments, too
			c.fail(flagName(t.Kind, "version"), "", "%s", err)
		}
		f.appendTarget(&cfg, t, c)
	}
	if !f.offline {
		environment(cfg.Targets)
	}
	if len(cfg.Targets) == 0 && len(c.errs) == 0 && !f.offline {
		c.errs = append(c.errs, &Error{Message: "no target", Hint: "give --prometheus-url, --grafana-url, --http-url or --config"})
	}
	c.process(cfg)
	c.allow("--allow", f.shared.Allow)
	c.ignore("--ignore", f.shared.Ignore)
	c.targets(cfg.Targets, f.offline)
	if err := errors.Join(c.errs...); err != nil {
		return Config{}, err
	}
	if !f.offline {
		absolute(cfg.Targets)
	}
	return cfg, nil
}

// absolute makes the paths that are followed absolute. A server that was started in the same directory
// with relative paths reports absolute ones, and mounts are listed only by absolute paths.
func absolute(targets []Target) {
	for i := range targets {
		t := &targets[i]
		mounts := []*Mount{&t.ConfigFile, &t.Provisioning, &t.Ini, &t.Gate}
		for j := range t.Dirs {
			mounts = append(mounts, &t.Dirs[j])
		}
		for _, m := range mounts {
			if m.Path == "" {
				continue
			}
			if abs, err := filepath.Abs(m.Path); err == nil {
				m.Path = abs
			}
		}
	}
}

// override lets given flags win over the file, and removes the file's positions of their keys.
func (f *Flags) override(cfg *Config, positions map[string]position) {
	for key, set := range map[string]func(){
		"listen_address":   func() { cfg.ListenAddress = f.process.ListenAddress },
		"web_config_file":  func() { cfg.WebConfigFile = f.process.WebConfigFile },
		"allowed_hosts":    func() { cfg.AllowedHosts = f.process.AllowedHosts },
		"poll_interval":    func() { cfg.PollInterval = f.process.PollInterval },
		"settle":           func() { cfg.Settle = f.process.Settle },
		"log_level":        func() { cfg.LogLevel = f.process.LogLevel },
		"log_format":       func() { cfg.LogFormat = f.process.LogFormat },
		"fast_propagation": func() { cfg.FastPropagation = f.process.FastPropagation },
		"events":           func() { cfg.Events = f.process.Events },
		"promcheck":        func() { cfg.Promcheck = f.process.Promcheck },
	} {
		// A flag that may be repeated has no plural.
		if key == "allowed_hosts" && f.set.Changed("allowed-host") || f.set.Changed(strings.ReplaceAll(key, "_", "-")) {
			set()
			delete(positions, key)
		}
	}
}

// environment reads the variables that Grafana's own image uses, so that one Secret serves both
// containers. They apply to a single Grafana: if there are several, each must name its own credentials.
func environment(targets []Target) {
	var only *Target
	for i := range targets {
		if targets[i].Kind != Grafana {
			continue
		}
		if only != nil {
			return
		}
		only = &targets[i]
	}
	if only == nil || only.BearerTokenFile != "" {
		return
	}
	if only.PasswordFile == "" {
		only.Password = Secret(os.Getenv("GF_SECURITY_ADMIN_PASSWORD"))
	}
	if only.Username == "" && (only.Password != "" || only.PasswordFile != "") {
		only.Username = cmp.Or(os.Getenv("GF_SECURITY_ADMIN_USER"), "admin")
	}
}

// appendTarget adds a flag target to cfg when the flags make it one.
func (f *Flags) appendTarget(cfg *Config, t *flagTarget, c *checker) {
	made := t.URL != "" || t.Kind == Prometheus && t.Method == MethodSignal
	if f.offline {
		made = t.ConfigFile.Path != "" || len(t.dirs) > 0 || t.Provisioning.Path != "" || t.Ini.Path != ""
	}
	if !made {
		if given := f.given(t.Kind); given != "" && !f.offline {
			c.errs = append(c.errs, &Error{Field: "--" + given, Message: "needs " + flagName(t.Kind, "url")})
		}
		return
	}
	target := t.Target
	target.Allow, target.Ignore = slices.Clone(f.shared.Allow), slices.Clone(f.shared.Ignore)
	if !f.offline {
		target.KeepGenerations, target.ReloadTimeout = f.shared.KeepGenerations, f.shared.ReloadTimeout
	}
	for _, s := range t.dirs {
		dir, err := ParseMount(s)
		if err != nil {
			c.errs = append(c.errs, &Error{Field: flagName(t.Kind, "dirs"), Message: err.Error()})
			continue
		}
		target.Dirs = append(target.Dirs, dir)
	}
	cfg.Targets = append(cfg.Targets, target)
}

// given returns the first flag of a kind that was given; empty when there is none.
func (f *Flags) given(kind Kind) string {
	name := ""
	f.set.VisitAll(func(flag *pflag.Flag) {
		if name == "" && flag.Changed && strings.HasPrefix(flag.Name, string(kind)+"-") {
			name = flag.Name
		}
	})
	return name
}
