package manifest

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"reloader/internal/yamledit"
)

// Container is a container as it is written.
type Container struct {
	yamledit.Cursor
	// Words are the command and the arguments together, as the process gets them.
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

// ImageTag is empty when the image has none.
func (c Container) ImageTag() string {
	name, _, _ := strings.Cut(c.Image(), "@")
	_, tag, _ := strings.Cut(path.Base(name), ":")
	return tag
}

// Flag is the value of --name=value, or of --name with the value behind it, with one dash or
// two; the last one counts.
func (c Container) Flag(name string) (value string, at yamledit.Cursor, ok bool) {
	f, ok := c.flags[name]
	return f.value, f.at, ok
}

// Env is the entry of the last variable of that name.
func (c Container) Env(name string) yamledit.Cursor {
	if e, ok := c.env[name]; ok {
		return e
	}
	return yamledit.Cursor{Doc: c.Doc}
}

// HasEnvPrefix says that a variable's name begins with prefix.
func (c Container) HasEnvPrefix(prefix string) bool {
	for name := range c.env {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// EnvOr is a variable's literal value, or def, the image's default.
func (c Container) EnvOr(name, def string) string {
	return cmp.Or(c.Env(name).Get("value").Str(), def)
}

// Port is the first container port of that number or with one of the names.
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

// HasPort says that the container names that port's number.
func (c Container) HasPort(number string) bool {
	return slices.ContainsFunc(c.Get("ports").Items(), func(p yamledit.Cursor) bool { return p.Get("containerPort").Str() == number })
}

// Mount is one entry of volumeMounts.
type Mount struct {
	yamledit.Cursor
	// Path is clean; Sub is the subPath or its expression.
	Path, Sub, Volume string
}

func newMount(m yamledit.Cursor) Mount {
	sub := cmp.Or(m.Get("subPathExpr").Str(), m.Get("subPath").Str())
	return Mount{Cursor: m, Path: path.Clean("/" + m.Get("mountPath").Str()), Sub: sub, Volume: m.Get("name").Str()}
}

// IsExpr says that Sub is an expression, whose value the manifest does not tell.
func (m Mount) IsExpr() bool { return m.Get("subPathExpr").Str() != "" }

// IsPrometheus looks at the image first, then at what only Prometheus has.
func (c Container) IsPrometheus() bool {
	if command := c.Get("command").Strs(); len(command) > 0 && path.Base(command[0]) == "promtool" {
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

// IsGrafana looks at the image first, then at name and port.
func (c Container) IsGrafana() bool {
	n := c.ImageName()
	return n == "grafana" || n == "grafana-enterprise" || n == "grafana-oss" || strings.HasSuffix(n, "grafana-grafana") ||
		c.Name() == "grafana" && c.HasPort("3000")
}

// IsReloader recognizes the sidecar.
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

// ReloaderSets says whether the sidecar has the flag of that name, or its twin in the environment.
func (c Container) ReloaderSets(flag string) bool {
	_, _, ok := c.Flag(flag)
	return ok || c.Env("RELOADER_"+strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))).OK()
}
