package inject

import (
	"path"
	"strings"

	"reloader/internal/yamledit"
)

// container is a container of the manifest as it is written.
type container struct{ yamledit.Cursor }

func (c container) name() string  { return c.Get("name").Str() }
func (c container) image() string { return c.Get("image").Str() }

// imageName is the last part of the image's path, without tag and digest.
func (c container) imageName() string {
	name, _, _ := strings.Cut(c.image(), "@")
	name = path.Base(name)
	name, _, _ = strings.Cut(name, ":")
	return name
}

// imageTag is empty when the image has none.
func (c container) imageTag() string {
	name, _, _ := strings.Cut(c.image(), "@")
	_, tag, _ := strings.Cut(path.Base(name), ":")
	return tag
}

// words are the command and the arguments together, as the process gets them.
func (c container) words() []string {
	return append(c.Get("command").Strs(), c.Get("args").Strs()...)
}

// flag is the value of --name=value, or of --name with the value behind it, with one dash or
// two; the last one counts.
func (c container) flag(name string) (value string, at yamledit.Cursor, ok bool) {
	for _, field := range []string{"command", "args"} {
		items := c.Get(field).Items()
		for i, it := range items {
			word := strings.TrimPrefix(strings.TrimPrefix(it.Str(), "-"), "-")
			if word == it.Str() {
				continue
			}
			if v, found := strings.CutPrefix(word, name+"="); found {
				value, at, ok = v, it, true
			} else if word == name {
				value, at, ok = "", it, true
				if i+1 < len(items) && !strings.HasPrefix(items[i+1].Str(), "-") {
					value, at = items[i+1].Str(), items[i+1]
				}
			}
		}
	}
	return value, at, ok
}

// env is the entry of the last variable of that name.
func (c container) env(name string) yamledit.Cursor {
	found := yamledit.Cursor{Doc: c.Doc}
	for _, e := range c.Get("env").Items() {
		if e.Get("name").Str() == name {
			found = e
		}
	}
	return found
}

// envOr is a variable's literal value, or the image's default.
func (c container) envOr(name, def string) string {
	if v := c.env(name).Get("value").Str(); v != "" {
		return v
	}
	return def
}

// port is the first container port of that number or with one of the names.
func (c container) port(def string, names ...string) string {
	var named string
	for _, p := range c.Get("ports").Items() {
		number := p.Get("containerPort").Str()
		if number == def {
			return def
		}
		for _, n := range names {
			if named == "" && p.Get("name").Str() == n {
				named = number
			}
		}
	}
	if named != "" {
		return named
	}
	return def
}

func (c container) hasPort(number string) bool {
	for _, p := range c.Get("ports").Items() {
		if p.Get("containerPort").Str() == number {
			return true
		}
	}
	return false
}

// mount is one entry of volumeMounts.
type mount struct {
	yamledit.Cursor
	path, sub, volume string
}

func (c container) mounts() []mount {
	var list []mount
	for _, m := range c.Get("volumeMounts").Items() {
		sub := m.Get("subPath").Str()
		if e := m.Get("subPathExpr").Str(); e != "" {
			sub = e
		}
		list = append(list, mount{Cursor: m, path: path.Clean("/" + m.Get("mountPath").Str()), sub: sub, volume: m.Get("name").Str()})
	}
	return list
}

func (m mount) expr() bool { return m.Get("subPathExpr").Str() != "" }

// volume is one entry of the pod's volumes.
type volume struct {
	yamledit.Cursor
	name string
	kind string // configMap, secret, projected, emptyDir, persistentVolumeClaim ...
}

func (w workload) volumes() []volume {
	var list []volume
	for _, v := range w.pod.Get("volumes").Items() {
		vol := volume{Cursor: v, name: v.Get("name").Str()}
		for _, kind := range []string{"configMap", "secret", "projected", "downwardAPI", "emptyDir", "persistentVolumeClaim", "hostPath"} {
			if v.Get(kind).OK() {
				vol.kind = kind
			}
		}
		list = append(list, vol)
	}
	return list
}

func (w workload) volume(name string) (volume, bool) {
	for _, v := range w.volumes() {
		if v.name == name {
			return v, true
		}
	}
	return volume{}, false
}

// fromAPI says that the kubelet writes the volume from an object, by swapping ..data, so that
// a subPath mount of it is frozen.
func (v volume) fromAPI() bool {
	return v.kind == "configMap" || v.kind == "secret" || v.kind == "projected" || v.kind == "downwardAPI"
}

// object is the ConfigMap or Secret behind the volume.
func (v volume) object() string {
	switch v.kind {
	case "configMap":
		return v.Get("configMap", "name").Str()
	case "secret":
		return v.Get("secret", "secretName").Str()
	}
	return ""
}

// token says that the volume holds a service account's token, which is nobody's configuration.
func (v volume) token() bool {
	for _, s := range v.Get("projected", "sources").Items() {
		if s.Get("serviceAccountToken").OK() {
			return true
		}
	}
	return false
}

// isPrometheus looks at the image first, then at what only Prometheus has.
func (c container) isPrometheus() bool {
	if command := c.Get("command").Strs(); len(command) > 0 && path.Base(command[0]) == "promtool" {
		return false
	}
	if n := c.imageName(); n == "prometheus" || strings.HasSuffix(n, "prometheus-prometheus") {
		return true
	}
	_, _, config := c.flag("config.file")
	if _, _, tsdb := c.flag("storage.tsdb.path"); config && tsdb {
		return true
	}
	if _, _, agent := c.flag("storage.agent.path"); config && agent {
		return true
	}
	n := c.name()
	return (n == "prometheus" || n == "prometheus-server") && (config || c.hasPort("9090"))
}

func (c container) isGrafana() bool {
	switch n := c.imageName(); {
	case n == "grafana" || n == "grafana-enterprise" || n == "grafana-oss" || strings.HasSuffix(n, "grafana-grafana"):
		return true
	}
	return c.name() == "grafana" && c.hasPort("3000")
}
