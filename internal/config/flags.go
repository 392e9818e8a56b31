package config

import (
	"strings"

	"github.com/spf13/pflag"
)

// GroupAnnotation names the heading under which the help lists a flag.
const GroupAnnotation = "group"

// Flags are the command line's part of a Config. The flags of one kind describe one target;
// any number of others come from the file.
type Flags struct {
	set     *pflag.FlagSet
	offline bool
	file    string
	process Config
	// shared holds what one flag says for all targets of flags.
	shared Target
	// targets are the ones that flags can describe, with their directories as given.
	targets []*flagTarget
}

// flagTarget is a target that flags describe.
type flagTarget struct {
	Target
	dirs []string
}

// Register adds the flags of `run` and `once` to fs.
func Register(fs *pflag.FlagSet) *Flags { return register(fs, false) }

// RegisterOffline adds the flags of `check`, which asks no server.
func RegisterOffline(fs *pflag.FlagSet) *Flags { return register(fs, true) }

func register(fs *pflag.FlagSet, offline bool) *Flags {
	f := &Flags{set: fs, offline: offline, process: Defaults()}
	f.prometheus()
	f.grafana()
	if !offline {
		f.http()
	}
	f.general()
	return f
}

// target starts the flags of one kind; add registers one of them under the kind's heading.
func (f *Flags) target(kind Kind, heading string) (*flagTarget, func(key string, register func(name string))) {
	t := &flagTarget{Target: TargetDefaults(kind)}
	t.Name, t.FromFlags = string(kind), true
	f.targets = append(f.targets, t)
	return t, func(key string, register func(name string)) {
		name := strings.TrimPrefix(flagName(kind, key), "--")
		register(name)
		f.annotate(name, heading)
	}
}

func (f *Flags) annotate(name, heading string) {
	// SetAnnotation fails only for a flag that does not exist.
	_ = f.set.SetAnnotation(name, GroupAnnotation, []string{heading})
}

// flagName is the flag for a key of a kind's target.
func flagName(kind Kind, key string) string {
	switch key {
	case "config_file":
		key = "config"
	case "dirs":
		key = "dir"
	case "allow", "ignore", "keep_generations", "reload_timeout":
		return "--" + strings.ReplaceAll(key, "_", "-")
	}
	return "--" + string(kind) + "-" + strings.ReplaceAll(key, "_", "-")
}

func (f *Flags) prometheus() {
	t, add := f.target(Prometheus, "Prometheus")
	fs := f.set
	if !f.offline {
		add("url", func(n string) {
			fs.StringVar(&t.URL, n, "", "base `URL` of Prometheus, with its route prefix; makes Prometheus a target")
		})
		add("config_file", func(n string) {
			fs.Var(&t.ConfigFile, n, "Prometheus' main `FILE`, or FILE=SERVERFILE when the server sees it elsewhere")
		})
	} else {
		t.ConfigFile = Mount{}
		add("config_file", func(n string) {
			fs.Var(&t.ConfigFile, n, "Prometheus' main `FILE`, or FILE=SERVERFILE when the server sees it elsewhere")
		})
	}
	add("dirs", func(n string) {
		fs.StringArrayVar(&t.dirs, n, nil, "one more `DIR` with files of Prometheus, or DIR=SERVERDIR when the server sees it elsewhere; repeatable")
	})
	if !f.offline {
		add("method", func(n string) {
			fs.StringVar(&t.Method, n, t.Method, "how to make Prometheus reload: http, or signal in a shared process namespace")
		})
		add("process_name", func(n string) {
			fs.StringVar(&t.ProcessName, n, t.ProcessName, "`NAME` of the process to signal")
		})
		f.client(t, add)
	}
	if !f.offline {
		f.gate(t, add)
	}
	if !f.offline {
		add("version", func(n string) {
			fs.StringVar(&t.Version, n, "", "judge as this `VERSION` of Prometheus until the server reports its own: for a gate whose server is newer than promcheck")
		})
	}
	add("validator", func(n string) {
		fs.StringVar(&t.Validator, n, "", "validate with this promtool (`PATH`) instead of promcheck")
	})
}

func (f *Flags) grafana() {
	t, add := f.target(Grafana, "Grafana")
	fs := f.set
	if !f.offline {
		add("url", func(n string) {
			fs.StringVar(&t.URL, n, "", "base `URL` of Grafana, with its sub path; makes Grafana a target")
		})
	}
	add("provisioning", func(n string) {
		fs.Var(&t.Provisioning, n, "Grafana's provisioning `DIR`, or DIR=SERVERDIR when the server sees it elsewhere")
	})
	add("ini", func(n string) {
		fs.Var(&t.Ini, n, "Grafana's grafana.ini `FILE`, or FILE=SERVERFILE when the server sees it elsewhere")
	})
	add("same_env", func(n string) {
		fs.BoolVar(&t.SameEnv, n, false, "reloader has the same environment and files as Grafana: what is missing here is an error")
	})
	add("version", func(n string) {
		fs.StringVar(&t.Version, n, "", "judge as this `VERSION` of Grafana if the server does not report its own (default: the newest known)")
	})
	if !f.offline {
		add("restart", func(n string) {
			fs.StringVar(&t.Restart, n, t.Restart, "what to do when a changed grafana.ini needs a restart: off, or terminate (SIGTERM to the process, in a shared process namespace)")
		})
		add("process_name", func(n string) {
			fs.StringVar(&t.ProcessName, n, t.ProcessName, "`NAME` of the process to terminate")
		})
		f.gate(t, add)
		f.client(t, add)
	}
}

// gate adds the flag for the directory that only reloader writes.
func (f *Flags) gate(t *flagTarget, add func(string, func(string))) {
	add("gate", func(n string) {
		f.set.Var(&t.Gate, n, "the server reads this `DIR`, which only reloader writes; DIR=SERVERDIR when the server sees it elsewhere")
	})
}

func (f *Flags) http() {
	t, add := f.target(HTTP, "Generic HTTP target")
	add("url", func(n string) {
		f.set.StringVar(&t.URL, n, "", "`URL` to POST to when --http-dir changed; makes this a target")
	})
	add("dirs", func(n string) { f.set.StringArrayVar(&t.dirs, n, nil, "`DIR` to follow; repeatable") })
	f.client(t, add)
}

// client adds the flags for credentials and TLS.
func (f *Flags) client(t *flagTarget, add func(string, func(string))) {
	fs := f.set
	add("username", func(n string) { fs.StringVar(&t.Username, n, "", "user `NAME` for basic auth") })
	add("password_file", func(n string) {
		fs.StringVar(&t.PasswordFile, n, "", "`FILE` with the password; read again when it changes")
	})
	add("bearer_token_file", func(n string) {
		fs.StringVar(&t.BearerTokenFile, n, "", "`FILE` with a bearer token; read again when it changes")
	})
	add("ca_file", func(n string) {
		fs.StringVar(&t.CAFile, n, "", "`FILE` with the CA that signed the server's certificate")
	})
	add("cert_file", func(n string) { fs.StringVar(&t.CertFile, n, "", "`FILE` with the client certificate") })
	add("key_file", func(n string) { fs.StringVar(&t.KeyFile, n, "", "`FILE` with the client certificate's key") })
	add("server_name", func(n string) {
		fs.StringVar(&t.ServerName, n, "", "`NAME` to expect in the server's certificate")
	})
}

func (f *Flags) general() {
	fs, p := f.set, &f.process
	general := func(name string, register func(name string)) {
		register(name)
		f.annotate(name, "General")
	}
	general("allow", func(n string) {
		fs.StringArrayVar(&f.shared.Allow, n, nil, "allow what this `GUARD` holds back; findings show its name; repeatable")
	})
	general("ignore", func(n string) {
		fs.StringArrayVar(&f.shared.Ignore, n, nil, "leave out findings of this `RULE[=PATH]`, as known and accepted; guards too, but no other errors; repeatable")
	})
	general("promcheck", func(n string) {
		fs.StringVar(&p.Promcheck, n, "", "`PATH` of promcheck (default: beside this program, then PATH)")
	})
	if f.offline {
		return
	}
	general("keep-generations", func(n string) {
		fs.IntVar(&f.shared.KeepGenerations, n, TargetDefaults(Prometheus).KeepGenerations, "how many generations a gate keeps")
	})
	general("reload-timeout", func(n string) {
		fs.DurationVar(&f.shared.ReloadTimeout, n, 0, "time limit for one reload request (default: depends on the kind of server)")
	})
	general("config", func(n string) {
		fs.StringVar(&f.file, n, "", "YAML `FILE` with any number of targets; followed while running (docs/configuration.md)")
	})
	general("listen-address", func(n string) {
		fs.StringVar(&p.ListenAddress, n, p.ListenAddress, "`ADDRESS` for metrics, status and health; empty to switch them off")
	})
	general("web-config-file", func(n string) {
		fs.StringVar(&p.WebConfigFile, n, "", "`FILE` with TLS and basic auth for that address, in the format of Prometheus' --web.config.file (docs/security.md)")
	})
	general("allowed-host", func(n string) {
		fs.StringArrayVar(&p.AllowedHosts, n, nil, "host `NAME` that requests for the status page may use, besides addresses, localhost and Services' names (docs/security.md); repeatable")
	})
	general("poll-interval", func(n string) {
		fs.DurationVar(&p.PollInterval, n, p.PollInterval, "how often to look at the files even without an event")
	})
	general("settle", func(n string) {
		fs.DurationVar(&p.Settle, n, p.Settle, "how long files that are not swapped all at once must stay unchanged")
	})
	general("fast-propagation", func(n string) {
		fs.BoolVar(&p.FastPropagation, n, false, "in a pod: make the kubelet update the mounts at once; needs a Role (docs/fast-propagation.md)")
	})
	general("events", func(n string) {
		fs.BoolVar(&p.Events, n, false, "in a pod: report as Kubernetes Events of the pod; needs a Role (docs/security.md)")
	})
	general("log-level", func(n string) { fs.StringVar(&p.LogLevel, n, p.LogLevel, "debug, info, warn or error") })
	general("log-format", func(n string) { fs.StringVar(&p.LogFormat, n, p.LogFormat, "logfmt or json") })
}
