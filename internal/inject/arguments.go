package inject

import (
	"net"
	"path"
	"strings"

	"reloader/internal/lazyregexp"
	"reloader/internal/manifest"
	"reloader/internal/yamledit"
)

// configFile is the path of Prometheus' main file, from its flag or its image.
func (pl *plan) configFile(c manifest.Container) (string, error) {
	config, at, _ := pl.in.PrometheusConfigFile(pl.w, c)
	if strings.Contains(config, "$") {
		return "", pl.refuse(at, "write out the path", "the path of Prometheus' configuration is %s, whose value is unknown here", config)
	}
	return config, nil
}

// lifecycle enables POST /-/reload.
func (pl *plan) lifecycle(c manifest.Container) error {
	const flag = "--web.enable-lifecycle"
	for _, w := range c.Words {
		if strings.Contains(w, flag) || w == flag[1:] {
			return nil
		}
		if strings.Contains(w, "--no-web.enable-lifecycle") {
			return pl.refuse(c.Cursor, "remove it", "container %s has --no-web.enable-lifecycle, so Prometheus refuses every reload", c.Name())
		}
	}
	command := c.Get("command").Strs()
	if len(command) > 0 && path.Base(command[0]) != "prometheus" {
		return pl.refuse(c.Get("command"), "write "+flag+" there yourself, right after the program's name, and inject again",
			"container %s starts Prometheus through %q; %s, without which it refuses every reload, cannot be added to a script", c.Name(), command[0], flag)
	}
	args := c.Get("args")
	if len(args.Items()) > 0 || len(command) > 0 {
		pl.ed.Put(c.Cursor, "args", "command", pl.dash, flag)
		pl.did(c.Name(), c.Line(), "gets %s, without which it refuses every reload", flag)
		return nil
	}
	if strings.Contains(c.Image(), "bitnami") {
		return pl.refuse(c.Cursor, "write out the image's arguments under args, then inject again",
			"container %s needs %s, but arguments replace the image's own, and %s is not an image whose arguments are known", c.Name(), flag, c.Image())
	}
	all := yamledit.List{"--config.file=" + manifest.PrometheusConfig, "--storage.tsdb.path=" + manifest.PrometheusData}
	if strings.HasPrefix(c.ImageTag(), "v2.") {
		all = append(all, "--web.console.libraries=/usr/share/prometheus/console_libraries", "--web.console.templates=/usr/share/prometheus/consoles")
	}
	pl.ed.Put(c.Cursor, "args", "image", pl.dash, append(all, flag)...)
	pl.did(c.Name(), c.Line(), "gets %s, without which it refuses every reload, after the image's own arguments, which it would otherwise replace", flag)
	return nil
}

// prometheusURL is where the sidecar reaches Prometheus.
func (pl *plan) prometheusURL(c manifest.Container) string {
	host, port := "127.0.0.1", c.Port("9090", "http-web", "web", "http", "prometheus")
	if listen, _, ok := pl.flag(c, "web.listen-address"); ok {
		if i := strings.LastIndexByte(listen, ':'); i >= 0 && i < len(listen)-1 {
			host, port = pl.reach(c, listen[:i]), listen[i+1:]
		}
	}
	prefix, at, ok := pl.flag(c, "web.route-prefix")
	if !ok {
		var external string
		external, at, _ = pl.flag(c, "web.external-url")
		_, rest, _ := strings.Cut(external, "://")
		_, prefix, _ = strings.Cut(rest, "/")
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix = "/" + pl.expanded(c, at, prefix)
	}
	return "http://" + host + ":" + port + prefix
}

// flag is the value of a flag of Prometheus, also in a shell script. If that takes it from a variable of its own, it is unknown.
func (pl *plan) flag(c manifest.Container, name string) (string, yamledit.Cursor, bool) {
	if value, at, ok := c.Flag(name); ok {
		return value, at, true
	}
	value, at, ok := pl.in.FlagValue(pl.w, c, name)
	if ok && strings.Contains(value, "$") {
		if !pl.there {
			pl.warn(at, "--%s in the script of container %s is %s, whose value is unknown here: correct --prometheus-url of the sidecar if needed", name, c.Name(), value)
		}
		return "", yamledit.Cursor{}, false
	}
	return value, at, ok
}

// reach is the host to connect to for a listen address: the pod's loopback, unless Prometheus listens elsewhere.
func (pl *plan) reach(c manifest.Container, host string) string {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	switch {
	case host == "" || host == "localhost" || ip != nil && ip.IsUnspecified():
		return "127.0.0.1"
	case strings.Contains(host, "$("):
		_, at, _ := pl.flag(c, "web.listen-address")
		return pl.expanded(c, at, host)
	}
	return host
}

var variable = lazyregexp.New(`\$\(([^)]+)\)`)

// expanded gives the sidecar the variables in a text from the server's arguments, and returns the text.
func (pl *plan) expanded(c manifest.Container, at yamledit.Cursor, text string) string {
	for _, m := range variable().FindAllStringSubmatch(text, -1) {
		if e := c.Env(m[1]); e.OK() {
			pl.side.setenv(yamledit.ValueOf(e))
		} else if !pl.there {
			pl.warn(at, "%s is not set in the manifest: give it to the sidecar too", m[0])
		}
	}
	return text
}
