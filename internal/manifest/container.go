package manifest

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"reloader/internal/lazyregexp"
	"reloader/internal/yamledit"
)

// Container is a container of a pod, as the manifest has it.
type Container struct {
	yamledit.Cursor
	// Words are the command followed by the arguments, as the process gets them.
	Words []string
	// Mounts are the container's volumeMounts.
	Mounts []Mount

	flags map[string]flag
	env   map[string]yamledit.Cursor
}

type flag struct {
	value string
	at    yamledit.Cursor
}

func newContainer(c yamledit.Cursor) Container {
	n := Container{Cursor: c, flags: map[string]flag{}, env: map[string]yamledit.Cursor{}}
	for _, field := range []string{"command", "args"} {
		items := c.Get(field).Items()
		for i, it := range items {
			word := it.Str()
			n.Words = append(n.Words, word)
			name := strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-")
			if name == word {
				continue
			}
			if name, value, ok := strings.Cut(name, "="); ok {
				n.flags[name] = flag{value, it}
				continue
			}
			n.flags[name] = flag{"", it}
			if i+1 < len(items) && !strings.HasPrefix(items[i+1].Str(), "-") {
				n.flags[name] = flag{items[i+1].Str(), items[i+1]}
			}
		}
	}
	for _, e := range c.Get("env").Items() {
		n.env[e.Get("name").Str()] = e
	}
	for _, m := range c.Get("volumeMounts").Items() {
		n.Mounts = append(n.Mounts, newMount(m))
	}
	return n
}

// Name is the container's name.
func (c Container) Name() string { return c.Get("name").Str() }

// Image is the image as written.
func (c Container) Image() string { return c.Get("image").Str() }

// ImageName is the last part of the image's path, without tag and digest.
func (c Container) ImageName() string {
	name, _, _ := strings.Cut(c.Image(), "@")
	name, _, _ = strings.Cut(path.Base(name), ":")
	return name
}

// ImageTag is the tag of the image; empty when it has none.
func (c Container) ImageTag() string {
	name, _, _ := strings.Cut(c.Image(), "@")
	_, tag, _ := strings.Cut(path.Base(name), ":")
	return tag
}

// Flag is the value of --name=value, or of --name followed by the value, with one dash or two. The last one counts.
func (c Container) Flag(name string) (value string, at yamledit.Cursor, ok bool) {
	f, ok := c.flags[name]
	return f.value, f.at, ok
}

// Env is the entry of a variable; the last one if the name is repeated.
func (c Container) Env(name string) yamledit.Cursor {
	if e, ok := c.env[name]; ok {
		return e
	}
	return yamledit.Cursor{Doc: c.Doc}
}

// HasEnvPrefix reports whether the name of a variable begins with prefix.
func (c Container) HasEnvPrefix(prefix string) bool {
	for name := range c.env {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// EnvOr is the literal value of a variable, or def, the default of the image.
func (c Container) EnvOr(name, def string) string {
	return cmp.Or(c.Env(name).Get("value").Str(), def)
}

// Features are the feature flags of a Prometheus, of which there may be several --enable-feature, also in a shell script.
func (c Container) Features() (features []string) {
	for i, word := range c.Words {
		if i > 0 && (c.Words[i-1] == "--enable-feature" || c.Words[i-1] == "-enable-feature") {
			features = append(features, strings.Split(word, ",")...)
			continue
		}
		for _, m := range enabledFeatures().FindAllStringSubmatch(word, -1) {
			features = append(features, strings.Split(m[1], ",")...)
		}
	}
	return features
}

// enabledFeatures matches the flag as a whole argument, and within a script.
var enabledFeatures = lazyregexp.New(`(?:^|\s)--?enable-feature[= ]+["']?([^"'\s;&|]+)`)

// Port is the container port def if there is one, else the first port with one of the names, else def.
func (c Container) Port(def string, names ...string) string {
	var named string
	for _, p := range c.Get("ports").Items() {
		number := p.Get("containerPort").Str()
		if number == def {
			return def
		}
		if named == "" && slices.Contains(names, p.Get("name").Str()) {
			named = number
		}
	}
	return cmp.Or(named, def)
}

// HasPort reports whether the container lists that port number.
func (c Container) HasPort(number string) bool {
	return slices.ContainsFunc(c.Get("ports").Items(), func(p yamledit.Cursor) bool { return p.Get("containerPort").Str() == number })
}

// Mount is one entry of volumeMounts.
type Mount struct {
	yamledit.Cursor
	// Path is the cleaned mountPath; Sub is the subPath or the subPathExpr.
	Path, Sub, Volume string
}

func newMount(m yamledit.Cursor) Mount {
	sub := cmp.Or(m.Get("subPathExpr").Str(), m.Get("subPath").Str())
	return Mount{Cursor: m, Path: path.Clean("/" + m.Get("mountPath").Str()), Sub: sub, Volume: m.Get("name").Str()}
}

// IsExpr reports whether Sub is an expression, whose value is not in the manifest.
func (m Mount) IsExpr() bool { return m.Get("subPathExpr").Str() != "" }

// program is the name of the program in the command; empty when the image has the command.
func (c Container) program() string {
	if command := c.Get("command").Strs(); len(command) > 0 {
		return path.Base(command[0])
	}
	return ""
}

// IsPrometheus reports whether the container runs Prometheus, by its image, by flags that only Prometheus has, or by name and port.
func (c Container) IsPrometheus() bool {
	if c.program() == "promtool" {
		return false
	}
	if n := c.ImageName(); n == "prometheus" || strings.HasSuffix(n, "prometheus-prometheus") {
		return true
	}
	_, _, config := c.Flag("config.file")
	if _, _, tsdb := c.Flag("storage.tsdb.path"); config && tsdb {
		return true
	}
	if _, _, agent := c.Flag("storage.agent.path"); config && agent {
		return true
	}
	n := c.Name()
	return (n == "prometheus" || n == "prometheus-server") && (config || c.HasPort("9090"))
}

// IsGrafana reports whether the container runs Grafana, by its image, or by name and port.
func (c Container) IsGrafana() bool {
	n := c.ImageName()
	return n == "grafana" || n == "grafana-enterprise" || n == "grafana-oss" || strings.HasSuffix(n, "grafana-grafana") ||
		c.Name() == "grafana" && c.HasPort("3000")
}

// IsReloader reports whether the container is the sidecar.
func (c Container) IsReloader() bool {
	words := c.Words
	if run := len(words) == 0 || words[0] == "run" || len(words) > 1 && words[1] == "run"; !run {
		return false
	}
	if c.ImageName() == "reloader" {
		return true
	}
	return c.Name() == "reloader" && (len(words) > 0 || c.HasEnvPrefix("RELOADER_"))
}

// ReloaderSets reports whether the sidecar has a flag, or the environment variable for it.
func (c Container) ReloaderSets(flag string) bool {
	_, _, ok := c.Flag(flag)
	return ok || c.Env("RELOADER_"+strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))).OK()
}
