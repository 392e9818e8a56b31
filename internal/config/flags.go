package config

import (
	"strings"

	"github.com/spf13/pflag"
)

// GroupAnnotation names the heading under which the help lists a flag.
const GroupAnnotation = "group"

// Flags are the command line's part of a Config. The flags of one kind describe one target;
// the file can add any number of others.
type Flags struct {
	set     *pflag.FlagSet
	offline bool
	file    string
	process Config
	// shared holds the flags that apply to all targets from flags.
	shared Target
	// targets are those that flags can describe, with their directories as given.
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
	f.under("Prometheus", f.prometheus)
	f.under("Grafana", f.grafana)
	if !offline {
		f.under("Generic HTTP target", f.http)
	}
	f.under("General", f.general)
	return f
}

// under puts the flags that add registers under a heading of the help.
func (f *Flags) under(heading string, add func()) {
	known := map[string]bool{}
	f.set.VisitAll(func(flag *pflag.Flag) { known[flag.Name] = true })
	add()
	f.set.VisitAll(func(flag *pflag.Flag) {
		if !known[flag.Name] {
			// It fails only for a flag that does not exist.
			_ = f.set.SetAnnotation(flag.Name, GroupAnnotation, []string{heading})
		}
	})
}

// target adds the target that the flags of one kind describe.
func (f *Flags) target(kind Kind) *flagTarget {
	t := &flagTarget{Target: TargetDefaults(kind)}
	t.Name, t.FromFlags = string(kind), true
	f.targets = append(f.targets, t)
	return t
}

// flag returns the name of the flag for a key, without dashes.
func (t *flagTarget) flag(key string) string { return strings.TrimPrefix(flagName(t.Kind, key), "--") }

// flagName returns the flag for a key of a kind's target, with dashes.
func flagName(kind Kind, key string) string {
	switch key {
	case "config_file":
		key = "config"
	case "dirs":
		key = "dir"
	case "features":
		key = "feature"
	case "allow", "ignore", "keep_generations", "reload_timeout":
		return "--" + strings.ReplaceAll(key, "_", "-")
	}
	return "--" + string(kind) + "-" + strings.ReplaceAll(key, "_", "-")
}

func (f *Flags) prometheus() {
	t, fs := f.target(Prometheus), f.set
	if f.offline {
		t.ConfigFile = Mount{}
	} else {
		fs.StringVar(&t.URL, t.flag("url"), "", "base `URL` of Prometheus, with its route prefix; makes Prometheus a target")
	}
	fs.Var(&t.ConfigFile, t.flag("config_file"), "Prometheus' main `FILE`, or FILE=SERVERFILE when the server sees it elsewhere")
	fs.StringArrayVar(&t.dirs, t.flag("dirs"), nil, "another `DIR` with files of Prometheus, or DIR=SERVERDIR when the server sees it elsewhere; repeatable")
	if !f.offline {
		fs.StringVar(&t.Method, t.flag("method"), t.Method, "how to make Prometheus reload: http, or signal in a shared process namespace")
		fs.StringVar(&t.ProcessName, t.flag("process_name"), t.ProcessName, "`NAME` of the process to signal")
		f.client(t)
		f.gate(t)
		fs.StringVar(&t.Version, t.flag("version"), "", "judge as this `VERSION` of Prometheus until the server reports its own: for a gate whose server is newer than promcheck")
		fs.BoolVar(&t.Agent, t.flag("agent"), false, "judge as a Prometheus in agent mode until the server reports its own: for a gate")
		fs.StringArrayVar(&t.Features, t.flag("features"), nil, "judge as a Prometheus with this `FEATURE` enabled until the server reports its own: for a gate; repeatable")
	}
	fs.StringVar(&t.Validator, t.flag("validator"), "", "validate with this promtool (`PATH`) instead of promcheck")
}

func (f *Flags) grafana() {
	t, fs := f.target(Grafana), f.set
	if !f.offline {
		fs.StringVar(&t.URL, t.flag("url"), "", "base `URL` of Grafana, with its sub path; makes Grafana a target")
	}
	fs.Var(&t.Provisioning, t.flag("provisioning"), "Grafana's provisioning `DIR`, or DIR=SERVERDIR when the server sees it elsewhere")
	fs.Var(&t.Ini, t.flag("ini"), "Grafana's grafana.ini `FILE`, or FILE=SERVERFILE when the server sees it elsewhere")
	fs.BoolVar(&t.SameEnv, t.flag("same_env"), false, "reloader has the same environment and files as Grafana: what is missing here is an error")
	fs.StringVar(&t.Version, t.flag("version"), "", "judge as this `VERSION` of Grafana if the server does not report its own (default: the newest known)")
	if !f.offline {
		fs.StringVar(&t.Restart, t.flag("restart"), t.Restart, "what to do when a changed grafana.ini needs a restart: off, or terminate (SIGTERM to the process, in a shared process namespace)")
		fs.StringVar(&t.ProcessName, t.flag("process_name"), t.ProcessName, "`NAME` of the process to terminate")
		f.gate(t)
		f.client(t)
	}
}

// gate adds the flag for the directory that only reloader writes.
func (f *Flags) gate(t *flagTarget) {
	f.set.Var(&t.Gate, t.flag("gate"), "the server reads this `DIR`, which only reloader writes; DIR=SERVERDIR when the server sees it elsewhere")
}

func (f *Flags) http() {
	t := f.target(HTTP)
	f.set.StringVar(&t.URL, t.flag("url"), "", "`URL` to POST to when --http-dir changes; makes this a target")
	f.set.StringArrayVar(&t.dirs, t.flag("dirs"), nil, "`DIR` to follow; repeatable")
	f.client(t)
}

// client adds the flags for credentials and TLS.
func (f *Flags) client(t *flagTarget) {
	fs := f.set
	fs.StringVar(&t.Username, t.flag("username"), "", "user `NAME` for basic auth")
	fs.StringVar(&t.PasswordFile, t.flag("password_file"), "", "`FILE` with the password; read again when it changes")
	fs.StringVar(&t.BearerTokenFile, t.flag("bearer_token_file"), "", "`FILE` with a bearer token; read again when it changes")
	fs.StringVar(&t.CAFile, t.flag("ca_file"), "", "`FILE` with the CA that signed the server's certificate")
	fs.StringVar(&t.CertFile, t.flag("cert_file"), "", "`FILE` with the client certificate")
	fs.StringVar(&t.KeyFile, t.flag("key_file"), "", "`FILE` with the client certificate's key")
	fs.StringVar(&t.ServerName, t.flag("server_name"), "", "`NAME` to expect in the server's certificate")
}

func (f *Flags) general() {
	fs, p := f.set, &f.process
	fs.StringArrayVar(&f.shared.Allow, "allow", nil, "allow what this `GUARD` holds back; findings show its name; repeatable")
	fs.StringArrayVar(&f.shared.Ignore, "ignore", nil, "leave out findings of this `RULE[=PATH]`, as known and accepted; guards too, but no other errors; repeatable")
	fs.StringVar(&p.Promcheck, "promcheck", "", "`PATH` of promcheck (default: next to this program, then PATH)")
	if f.offline {
		return
	}
	fs.IntVar(&f.shared.KeepGenerations, "keep-generations", TargetDefaults(Prometheus).KeepGenerations, "how many generations a gate keeps")
	fs.DurationVar(&f.shared.ReloadTimeout, "reload-timeout", 0, "time limit for one reload request (default: depends on the kind of server)")
	fs.StringVar(&f.file, "config", "", "YAML `FILE` with any number of targets; followed while running (docs/configuration.md)")
	fs.StringVar(&p.ListenAddress, "listen-address", p.ListenAddress, "`ADDRESS` for metrics, status and health; empty to switch them off")
	fs.StringVar(&p.WebConfigFile, "web-config-file", "", "`FILE` with TLS and basic auth for that address, in the format of Prometheus' --web.config.file (docs/security.md)")
	fs.StringArrayVar(&p.AllowedHosts, "allowed-host", nil, "host `NAME` that requests for the status page may use, in addition to addresses, localhost and Services' names (docs/security.md); repeatable")
	fs.DurationVar(&p.PollInterval, "poll-interval", p.PollInterval, "how often to look at the files even without an event")
	fs.DurationVar(&p.Settle, "settle", p.Settle, "how long files that are not swapped all at once must stay unchanged")
	fs.BoolVar(&p.FastPropagation, "fast-propagation", false, "in a pod: make the kubelet update the mounts at once; needs a Role (docs/fast-propagation.md)")
	fs.BoolVar(&p.Events, "events", false, "in a pod: report as Kubernetes Events of the pod; needs a Role (docs/security.md)")
	fs.StringVar(&p.LogLevel, "log-level", p.LogLevel, "debug, info, warn or error")
	fs.StringVar(&p.LogFormat, "log-format", p.LogFormat, "logfmt or json")
}
