// Package config parses, defaults and validates reloader's own flags, environment and file.
package config

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Kind is the kind of server that a target is.
type Kind string

// The kinds of targets.
const (
	Prometheus Kind = "prometheus"
	Grafana    Kind = "grafana"
	HTTP       Kind = "http"   // a POST when a directory changes
	Signal     Kind = "signal" // a SIGHUP when a directory changes
)

// The ways to make Prometheus read its files again.
const (
	MethodHTTP   = "http"
	MethodSignal = "signal"
)

// What reloader does about a changed grafana.ini.
const (
	RestartOff       = "off"
	RestartTerminate = "terminate"
)

// Config is reloader's whole configuration, from flags, environment and file.
type Config struct {
	// ListenAddress is where metrics, status and health are served; empty switches them off.
	ListenAddress string `yaml:"listen_address"`
	// WebConfigFile protects that address with TLS and passwords, in the format of Prometheus' own programs.
	WebConfigFile string `yaml:"web_config_file"`
	// AllowedHosts are further host names that requests for the status page may use.
	AllowedHosts []string `yaml:"allowed_hosts"`
	// PollInterval is how often sources are read without any event.
	PollInterval time.Duration `yaml:"poll_interval"`
	// Settle is how long a source that is not swapped as a whole must be quiet.
	Settle time.Duration `yaml:"settle"`
	// LogLevel is debug, info, warn or error.
	LogLevel string `yaml:"log_level"`
	// LogFormat is logfmt or json.
	LogFormat string `yaml:"log_format"`
	// Promcheck is the path of the promcheck program; empty means next to this program, then PATH.
	Promcheck string `yaml:"promcheck"`
	// FastPropagation makes the kubelet update the pod's mounts at once; it needs permissions.
	FastPropagation bool `yaml:"fast_propagation"`
	// Events reports as Kubernetes Events of reloader's own pod; it needs a permission.
	Events bool `yaml:"events"`
	// Self is the path of this program. It is started again to judge Grafana's files; if Self is empty,
	// they are judged in this process.
	Self string `yaml:"-"`
	// Targets are the servers to keep up to date.
	Targets []Target `yaml:"targets"`
}

// Target is one server to keep up to date. Which fields apply depends on the kind.
type Target struct {
	// Name identifies the target in logs, metrics and status.
	Name string `yaml:"name"`
	Kind Kind   `yaml:"kind"`
	// URL is the server's base URL with its route prefix; for kind http, the URL to POST to.
	URL string `yaml:"url"`

	// ConfigFile is Prometheus' main file as this process sees it.
	ConfigFile Mount `yaml:"config_file"`
	// Dirs are further directories.
	Dirs []Mount `yaml:"dirs"`
	// Method is how to make Prometheus reload: http or signal.
	Method string `yaml:"method"`
	// ProcessName finds the process to signal in a shared process namespace.
	ProcessName string `yaml:"process_name"`
	// Validator is the path of a promtool to use instead of promcheck, for example the server's own.
	Validator string `yaml:"validator"`

	// Provisioning is Grafana's provisioning directory.
	Provisioning Mount `yaml:"provisioning"`
	// Ini is Grafana's grafana.ini.
	Ini Mount `yaml:"ini"`
	// SameEnv means that this process sees Grafana's environment and files.
	SameEnv bool `yaml:"same_env"`
	// Version is the server's version, until or unless it reports its own; empty means the newest known.
	Version string `yaml:"version"`
	// Agent and Features say what the server runs as until it tells: agent mode, and feature flags.
	Agent    bool     `yaml:"agent"`
	Features []string `yaml:"features"`
	// Restart says what to do when a changed grafana.ini needs a restart: off or terminate.
	Restart string `yaml:"restart"`

	// Gate is the directory that the server reads and only reloader writes; empty means direct mode.
	Gate Mount `yaml:"gate"`
	// KeepGenerations is how many generations the gate keeps.
	KeepGenerations int `yaml:"keep_generations"`
	// GateMode is the mode of the gate's files, in octal; empty means 0644.
	GateMode string `yaml:"gate_mode"`
	// Gunzip publishes the decompressed contents of NAME.gz as NAME.
	Gunzip bool `yaml:"gunzip"`
	// ExpandEnv selects the files in which $(VAR) is replaced before they are published: path.Match patterns.
	ExpandEnv []string `yaml:"expand_env"`
	// ExpandEnvNames are the variables that those files may use: path.Match patterns.
	ExpandEnvNames []string `yaml:"expand_env_names"`
	// ReloadTimeout limits one reload call; 0 means the default of the kind.
	ReloadTimeout time.Duration `yaml:"reload_timeout"`
	// Allow names the guards that are switched off.
	Allow []string `yaml:"allow"`
	// Ignore names findings that are known and accepted: RULE or RULE=PATH.
	Ignore []string `yaml:"ignore"`

	Client `yaml:",inline"`

	// FromFlags means that flags or the environment made this target, not the file.
	FromFlags bool `yaml:"-"`
}

// FileMode returns GateMode as a number; 0 means the default.
func (t Target) FileMode() (fs.FileMode, error) {
	if t.GateMode == "" {
		return 0, nil
	}
	mode, err := strconv.ParseUint(t.GateMode, 8, 32)
	if err != nil || mode&^0o666 != 0 || mode&0o400 == 0 {
		return 0, fmt.Errorf("%q: want an octal mode such as 0440: readable by the owner, executable by no one", t.GateMode)
	}
	return fs.FileMode(mode), nil
}

// Client is how to reach a server: credentials and TLS. Secrets are given as files.
type Client struct {
	Username        string `yaml:"username"`
	PasswordFile    string `yaml:"password_file"`
	BearerTokenFile string `yaml:"bearer_token_file"`
	CAFile          string `yaml:"ca_file"`
	CertFile        string `yaml:"cert_file"`
	KeyFile         string `yaml:"key_file"`
	// ServerName is the name to expect in the server's certificate.
	ServerName string `yaml:"server_name"`
	// Password comes from the environment only (GF_SECURITY_ADMIN_PASSWORD).
	Password Secret `yaml:"-"`
}

// Mount is the path of a file or directory in this process, and in the server.
type Mount struct {
	Path string
	// ServerPath is where the server sees it; empty means Path.
	ServerPath string
}

// String returns the form that flags and the file use.
func (m Mount) String() string {
	if m.ServerPath == "" {
		return m.Path
	}
	return m.Path + "=" + m.ServerPath
}

// ParseMount reads PATH or PATH=SERVERPATH. A server's path is absolute, so the two are separated by
// the first '=' before a '/'. Any other '=' belongs to the path.
func ParseMount(s string) (Mount, error) {
	path, server, mapped := strings.Cut(s, "=/")
	if mapped {
		server = "/" + server
	}
	if path == "" || strings.HasPrefix(path, "=") || strings.HasSuffix(s, "=") {
		return Mount{}, fmt.Errorf("%q: want PATH or PATH=SERVERPATH", s)
	}
	return Mount{Path: path, ServerPath: server}, nil
}

// Set implements pflag.Value, with String and Type.
func (m *Mount) Set(s string) error {
	parsed, err := ParseMount(s)
	*m = parsed
	return err
}

// Type is the type's name in the help.
func (m *Mount) Type() string { return "path" }

// Secret is a string that never appears in a log, error or encoding.
type Secret string

const redacted = "<secret>"

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON hides the secret from JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// Defaults returns the configuration without any settings.
func Defaults() Config {
	return Config{
		ListenAddress: ":9533",
		PollInterval:  30 * time.Second,
		Settle:        100 * time.Millisecond,
		LogLevel:      "info",
		LogFormat:     "logfmt",
	}
}

// TargetDefaults returns a target of the kind without any settings.
func TargetDefaults(kind Kind) Target {
	t := Target{Kind: kind, KeepGenerations: 3}
	switch kind {
	case Prometheus:
		t.ConfigFile.Path = "/etc/prometheus/prometheus.yml"
		t.Method = MethodHTTP
		t.ProcessName = "prometheus"
	case Grafana:
		t.Restart = RestartOff
		t.ProcessName = "grafana"
	case HTTP, Signal:
	}
	return t
}
