package inject

import (
	"net/url"
	"path"
	"strings"
)

// The image's own arguments: those that a container without any gets. Version 2 also had the
// two console flags, whose templates version 3 no longer brings.
const (
	prometheusConfig = "/etc/prometheus/prometheus.yml"
	prometheusData   = "/prometheus"
)

// prometheus plans the changes to Prometheus' container and the sidecar's part for it.
func (pl *plan) prometheus(c container) error {
	config, _, ok := c.flag("config.file")
	if !ok {
		config = prometheusConfig
	}
	config = path.Clean(config)
	mounts, err := pl.directories(c, func(m mount) (place, bool) {
		dir := path.Dir(m.path)
		if system(dir) || dir != path.Dir(config) && !inside(dir, path.Dir(config)) && !inside(dir, "/etc/prometheus") {
			return place{}, false
		}
		return place{dir: dir, file: path.Base(m.path), as: "prometheus-" + label(dir, path.Dir(config), "config")}, true
	})
	if err != nil {
		return err
	}
	main, ok := covering(mounts, config)
	if !ok {
		return pl.refuse(c.cursor, "mount a ConfigMap at "+path.Dir(config)+"; its key is "+path.Base(config),
			"container %s has no volume at %s, so its configuration cannot change", c.name(), config)
	}
	if err := pl.lifecycle(c); err != nil {
		return err
	}
	s := &pl.side
	if pl.gated() {
		if main.path != path.Dir(config) || main.sub != "" {
			return pl.refuse(main.at, "mount the configuration at "+path.Dir(config), "the gate takes the place of the mount at %s, but that is not the directory of %s", main.path, config)
		}
		s.args = append(s.args, "--prometheus-url="+prometheusURL(c), "--prometheus-config="+sourceDir("prometheus")+"/"+path.Base(config), "--prometheus-gate="+main.path)
	} else {
		s.args = append(s.args, "--prometheus-url="+prometheusURL(c), "--prometheus-config="+config)
	}
	if _, at, ok := c.flag("web.config.file"); ok {
		pl.warn(at, "container %s has --web.config.file: if that asks for TLS or a password, give the sidecar an https --prometheus-url, --prometheus-ca-file, --prometheus-username and --prometheus-password-file", c.name())
	}
	for i := range mounts {
		m := &mounts[i]
		m.shared = m.items[0].n == main.items[0].n || m.kind == "configMap" || m.kind == "projected" && !m.token
		if !m.shared && m.kind == "secret" {
			pl.note(m.at, "Secret volume %s stays out of the sidecar, which needs no credentials of Prometheus; mount it there too if it holds rules", *m)
		}
	}
	return pl.place(c, mounts, "prometheus", path.Dir(config))
}

// label names a directory for a volume: what it is below base, or def for base itself.
func label(dir, base, def string) string {
	if dir == base {
		return def
	}
	l := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(path.Base(dir))), "-")
	if l == "" {
		return def
	}
	return l[:min(len(l), 40)]
}

// lifecycle switches POST /-/reload on.
func (pl *plan) lifecycle(c container) error {
	const flag = "--web.enable-lifecycle"
	for _, w := range c.words() {
		if strings.Contains(w, flag) {
			return nil
		}
	}
	command := c.get("command").strs()
	if len(command) > 0 && path.Base(command[0]) != "prometheus" {
		return pl.refuse(c.get("command"), "add the flag there yourself, then inject again",
			"container %s starts Prometheus through %q, and %s cannot be added there", c.name(), command[0], flag)
	}
	args := c.get("args")
	switch {
	case len(args.items()) > 0 || len(command) > 0:
		pl.ed.put(c.cursor, "args", "command", pl.dash, flag)
		pl.note(c.cursor, "container %s gets %s, without which Prometheus refuses POST /-/reload", c.name(), flag)
	default:
		all := list{"--config.file=" + prometheusConfig, "--storage.tsdb.path=" + prometheusData}
		if strings.HasPrefix(c.imageTag(), "v2.") {
			all = append(all, "--web.console.libraries=/usr/share/prometheus/console_libraries", "--web.console.templates=/usr/share/prometheus/consoles")
		}
		pl.ed.put(c.cursor, "args", "image", pl.dash, append(all, flag)...)
		pl.note(c.cursor, "container %s gets %s, without which Prometheus refuses POST /-/reload; arguments replace the image's own, which are therefore written out before it", c.name(), flag)
	}
	return nil
}

// prometheusURL is where the sidecar reaches Prometheus.
func prometheusURL(c container) string {
	port := c.port("9090", "http-web", "web", "http", "prometheus")
	if listen, _, ok := c.flag("web.listen-address"); ok {
		if i := strings.LastIndexByte(listen, ':'); i >= 0 && i < len(listen)-1 {
			port = listen[i+1:]
		}
	}
	prefix, _, ok := c.flag("web.route-prefix")
	if !ok {
		external, _, _ := c.flag("web.external-url")
		if u, err := url.Parse(external); err == nil {
			prefix = u.Path
		}
	}
	prefix = strings.Trim(prefix, "/")
	if prefix != "" {
		prefix = "/" + prefix
	}
	return "http://127.0.0.1:" + port + prefix
}
