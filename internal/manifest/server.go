package manifest

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"reloader/internal/lazyregexp"
	"reloader/internal/yamledit"
)

// The defaults of the images.
const (
	PrometheusConfig    = "/etc/prometheus/prometheus.yml"
	PrometheusData      = "/prometheus"
	GrafanaIni          = "/etc/grafana/grafana.ini"
	GrafanaProvisioning = "/etc/grafana/provisioning"
	GrafanaHome         = "/usr/share/grafana"
)

// Variable is the value of an environment variable of a container, if it is in the input: in env, in a key of a ConfigMap or
// Secret, or in a whole ConfigMap or Secret (envFrom).
func (in *Input) Variable(w *Workload, c Container, name string) (value string, at yamledit.Cursor, ok bool) {
	if e := c.Env(name); e.OK() {
		if v := e.Get("value"); v.OK() {
			return v.Str(), v, true
		}
		for field, kind := range ObjectKind {
			ref := e.Get("valueFrom", field+"KeyRef")
			if v := in.Object(kind, ref.Get("name").Str(), w.Namespace).Value(ref.Get("key").Str()); ref.OK() && v != nil {
				return string(v.Content), e, true
			}
		}
		return "", e, false
	}
	for _, from := range slices.Backward(c.Get("envFrom").Items()) { // the last one that has the key wins
		key, has := strings.CutPrefix(name, from.Get("prefix").Str())
		for field, kind := range ObjectKind {
			object := from.Get(field+"Ref", "name")
			if v := in.Object(kind, object.Str(), w.Namespace).Value(key); has && object.OK() && v != nil {
				return string(v.Content), object, true
			}
		}
	}
	return "", yamledit.Cursor{}, false
}

var (
	reference = lazyregexp.New(`\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)`)
	semver    = lazyregexp.New(`^v?(\d+\.\d+\.\d+)(?:[-+].*)?$`)
)

// Expand replaces $(VARIABLE) in a word of the command or the arguments, as the kubelet does; unknown ones stay.
func (in *Input) Expand(w *Workload, c Container, text string) string {
	return reference().ReplaceAllStringFunc(text, func(ref string) string {
		if v, _, ok := in.Variable(w, c, ref[2:len(ref)-1]); ok {
			return v
		}
		return ref
	})
}

// FlagValue is the value of a flag of the server, with variables expanded. It also finds flags in a shell script.
func (in *Input) FlagValue(w *Workload, c Container, name string) (string, yamledit.Cursor, bool) {
	if v, at, ok := c.Flag(name); ok {
		return in.Expand(w, c, v), at, true
	}
	pattern := regexp.MustCompile(`(?:^|\s)--?` + regexp.QuoteMeta(name) + `(?:[= ]+["']?([^"'\s;&|]+)|[^\w.-]|$)`)
	for _, field := range []string{"command", "args"} {
		for _, it := range c.Get(field).Items() {
			if !strings.ContainsAny(it.Str(), " \n\t") {
				continue
			}
			if m := pattern.FindStringSubmatch(it.Str()); m != nil {
				return in.Expand(w, c, m[1]), it, true
			}
		}
	}
	return "", yamledit.Cursor{}, false
}

// ImageVersion is the version of the server according to its image's tag, without a v; empty when the tag is not a version.
func (c Container) ImageVersion() string {
	if m := semver().FindStringSubmatch(c.ImageTag()); m != nil {
		return m[1]
	}
	return ""
}

// PrometheusConfigFile is the path of the main file. With byFlag a flag names it, and at is that flag.
func (in *Input) PrometheusConfigFile(w *Workload, c Container) (file string, at yamledit.Cursor, byFlag bool) {
	file, at, byFlag = in.FlagValue(w, c, "config.file")
	switch {
	case byFlag:
	case len(c.Get("args").Items()) > 0, c.program() == "prometheus":
		file = "prometheus.yml" // Prometheus' own default, because arguments, and a command too, replace the image's arguments
	default:
		file = PrometheusConfig
	}
	if !path.IsAbs(file) && !strings.HasPrefix(file, "$(") {
		file = path.Join(cmp.Or(c.Get("workingDir").Str(), PrometheusData), file)
	}
	return path.Clean(file), at, byFlag
}

// GrafanaPaths are the paths that a Grafana reads. Provisioning is empty when neither a flag nor a variable names it.
type GrafanaPaths struct {
	Home, Ini, Provisioning string
	// IniNamed means that a flag or a variable names the ini file, which must then exist.
	IniNamed bool
}

// GrafanaPaths derives the paths from flags, variables and the image, but not from the ini file.
func (in *Input) GrafanaPaths(w *Workload, c Container) GrafanaPaths {
	get := func(def string, variable string, flags ...string) (string, bool) {
		for _, f := range flags {
			if v, _, ok := in.FlagValue(w, c, f); ok && v != "" {
				return path.Clean(v), true
			}
		}
		if v, _, ok := in.Variable(w, c, variable); ok && v != "" && variable != "" {
			return path.Clean(v), true
		}
		return def, false
	}
	var p GrafanaPaths
	var named bool
	p.Home, _ = get(GrafanaHome, "GF_PATHS_HOME", "homepath")
	if c.runsScript() {
		p.Ini, p.IniNamed = get(GrafanaIni, "GF_PATHS_CONFIG", "config")
	} else {
		// The variable is the script's own; without it, Grafana looks in its home directory.
		p.Ini, p.IniNamed = get(path.Join(p.Home, "conf/custom.ini"), "", "config")
	}
	p.Provisioning, named = get("", "GF_PATHS_PROVISIONING")
	for _, word := range c.Words {
		if v, ok := strings.CutPrefix(word, "cfg:paths.provisioning="); ok {
			p.Provisioning, named = path.Clean(in.Expand(w, c, v)), true
		} else if v, ok := strings.CutPrefix(word, "cfg:default.paths.provisioning="); ok && !named {
			p.Provisioning = path.Clean(in.Expand(w, c, v))
		}
	}
	return p
}

// runsScript reports whether Grafana starts through the image's run.sh, which turns variables into flags.
func (c Container) runsScript() bool {
	command := c.Get("command").Strs()
	return len(command) == 0 || strings.Contains(strings.Join(command, " "), "run.sh") || strings.Contains(strings.Join(c.Get("args").Strs(), " "), "run.sh")
}

// IsPrometheus1 reports whether a Prometheus is older than 2.0, judging by its tag or by long flags with one dash, which newer
// versions refuse; at is that tag or flag.
func (c Container) IsPrometheus1() (at yamledit.Cursor, ok bool) {
	for name := range c.flags {
		if strings.HasPrefix(name, "storage.tsdb.") || name == "web.enable-lifecycle" || name == "enable-feature" {
			return yamledit.Cursor{}, false // a newer Prometheus: the image has its own version numbers
		}
	}
	if tag := strings.TrimPrefix(c.ImageTag(), "v"); strings.HasPrefix(tag, "1.") || strings.HasPrefix(tag, "0.") {
		return c.Get("image"), true
	}
	for _, field := range []string{"command", "args"} {
		for _, it := range c.Get(field).Items() {
			if oldFlag().MatchString(it.Str()) {
				return it, true
			}
		}
	}
	return yamledit.Cursor{}, false
}

// oldFlag is a flag of Prometheus 1.x.
var oldFlag = lazyregexp.New(`(?:^|\s)-(?:config\.file|storage\.(?:local|remote)\.[a-z-]+|alertmanager\.url|web\.[a-z-]+|log\.(?:level|format)|query\.[a-z-]+)(?:[\s=]|$)`)
