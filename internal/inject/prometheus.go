package inject

import (
	"path"
	"slices"
	"strings"

	"reloader/internal/manifest"
	"reloader/internal/paths"
	"reloader/internal/prometheus/references"
)

// prometheus plans the changes to Prometheus' container, and what the sidecar needs for it.
func (pl *plan) prometheus(c manifest.Container) error {
	if at, old := c.IsPrometheus1(); old {
		return pl.refuse(at, "upgrade to Prometheus 2.x or 3.x first", "container %s is a Prometheus 1.x, whose configuration and API reloader does not know", c.Name())
	}
	config, err := pl.configFile(c)
	if err != nil {
		return err
	}
	root := path.Dir(config)
	mounts, err := pl.directories(c, func(m manifest.Mount) (place, bool) {
		dir := path.Dir(m.Path)
		if manifest.SystemDir(dir) || dir != root && !paths.Inside(dir, root) && !paths.Inside(dir, "/etc/prometheus") {
			return place{}, false
		}
		return place{dir: dir, file: path.Base(m.Path), as: "prometheus-" + label(dir, root, "config")}, true
	})
	if err != nil {
		return err
	}
	main := covering(mounts, config)
	if main < 0 {
		return pl.noConfig(c, config)
	}
	if err := pl.lifecycle(c); err != nil {
		return err
	}
	s := &pl.side
	s.args = append(s.args, "--prometheus-url="+pl.prometheusURL(c))
	if pl.gated() {
		if at := mounts[main]; at.path != root {
			return pl.refuse(at.at, "mount the configuration at "+root, "the gate replaces the mount at %s, but that is not the directory of %s", at.path, config)
		}
		s.args = append(s.args, "--prometheus-config="+sourceDir("prometheus")+"/"+path.Base(config), "--prometheus-gate="+root)
		if v := c.ImageVersion(); v != "" {
			// The sidecar judges the first files before Prometheus runs and can report its version.
			s.args = append(s.args, "--prometheus-version="+v)
		}
		s.args = append(s.args, pl.modes(c)...)
	} else {
		s.args = append(s.args, "--prometheus-config="+config)
	}
	if _, at, ok := pl.in.FlagValue(pl.w, c, "web.config.file"); ok && !pl.there {
		pl.warn(at, "container %s has --web.config.file: if that asks for TLS or a password, give the sidecar an https --prometheus-url, --prometheus-ca-file, --prometheus-username and --prometheus-password-file", c.Name())
	}
	named := pl.named(c, config)
	for i := range mounts {
		m := &mounts[i]
		m.shared = i == main || pl.hasConfig(c, *m, root) || slices.ContainsFunc(named, func(dir string) bool { return paths.Inside(dir, m.path) && m.path != "/" })
		if !m.shared && m.kind == "secret" {
			pl.pastGate(c, *m, root)
		}
	}
	pl.written(c, mounts)
	if pl.gated() {
		return pl.placeGate(c, mounts, "prometheus", root)
	}
	return pl.place(c, mounts)
}

// hasConfig reports whether a volume may have files that Prometheus reads at a reload: every ConfigMap, and below the directory of
// the configuration everything but Secrets and the database.
func (pl *plan) hasConfig(c manifest.Container, m finalMount, root string) bool {
	switch m.kind {
	case "configMap":
		return true
	case "projected":
		return !m.token
	case "emptyDir", "persistentVolumeClaim", "hostPath":
		for _, flag := range []string{"storage.tsdb.path", "storage.agent.path"} {
			if data, _, ok := c.Flag(flag); ok && paths.Inside(path.Clean(data), m.path) {
				return false
			}
		}
		return root != "/" && paths.Inside(m.path, root)
	}
	return false
}

// named are the directories of rules and scrape configurations in the main file, if that is in the manifest.
func (pl *plan) named(c manifest.Container, config string) []string {
	refs, err := references.Scan(pl.content(c, config))
	if err != nil {
		return nil
	}
	var dirs []string
	for _, p := range slices.Concat(refs.RuleFiles, refs.ScrapeConfigFiles) {
		if !path.IsAbs(p) {
			p = path.Join(path.Dir(config), p)
		}
		dirs = append(dirs, path.Dir(p))
	}
	return dirs
}

// content is a file that the container sees; nil when the manifest does not have its contents.
func (pl *plan) content(c manifest.Container, file string) []byte {
	if v := pl.in.File(pl.w, c, file); v != nil {
		return v.Content
	}
	return nil
}

// noConfig is the error when no directory mount has the configuration.
func (pl *plan) noConfig(c manifest.Container, config string) error {
	for _, m := range c.Mounts {
		switch vol, _ := pl.w.Volume(m.Volume); {
		case m.Path != config || m.Sub == "":
		case m.IsExpr():
			return pl.refuse(m.Cursor, "mount the volume as the directory "+path.Dir(config), "%s is mounted by subPathExpr, whose value is unknown here", config)
		case vol.FromAPI():
			return pl.refuse(m.Cursor, "mount the volume as its own directory, for example /etc/prometheus/config, and give --config.file=/etc/prometheus/config/"+path.Base(config),
				"%s is mounted by subPath into %s, and the image needs the other files there", config, path.Dir(config))
		}
	}
	if _, _, byFlag := pl.in.FlagValue(pl.w, c, "config.file"); !byFlag && config != manifest.PrometheusConfig {
		at, text := c.Get("args"), "the arguments of container %s replace the image's own, and --config.file is not among them: Prometheus looks for %s"
		if len(at.Items()) == 0 {
			at, text = c.Get("command"), "the command of container %s replaces the image's arguments, and has no --config.file: Prometheus looks for %s"
		}
		return pl.refuse(at, "add --config.file="+manifest.PrometheusConfig, text, c.Name(), config)
	}
	return pl.refuse(c.Cursor, "mount a ConfigMap at "+path.Dir(config)+"; its key is "+path.Base(config),
		"container %s has no volume at %s, so its configuration cannot change", c.Name(), config)
}

// written warns about files of a server that another container of the pod writes only once.
func (pl *plan) written(c manifest.Container, mounts []finalMount) {
	told := map[string]bool{}
	for _, m := range mounts {
		if m.shared && m.kind == "emptyDir" && !pl.there && !told[m.volume] && !pl.collected(m.volume) {
			told[m.volume] = true
			pl.writer(c, m.volume)
		}
	}
}

// writer warns about an init container that fills a volume and ends, unless an ordinary container can write to it, too.
func (pl *plan) writer(c manifest.Container, volume string) {
	mounts := func(other manifest.Container) bool {
		return slices.ContainsFunc(other.Mounts, func(m manifest.Mount) bool { return m.Volume == volume && !m.Get("readOnly").Is(true) })
	}
	for _, other := range pl.w.Containers {
		if other.Node != c.Node && mounts(other) {
			return
		}
	}
	for _, init := range pl.w.InitContainers {
		if init.Get("restartPolicy").Str() != "Always" && mounts(init) {
			pl.warn(init.Cursor, "the init container %s writes the configuration of container %s (volume %s) once, when the pod starts: later changes never arrive; mount the ConfigMap itself where the server reads it",
				init.Name(), c.Name(), volume)
			return
		}
	}
}

// label is the part of a volume's name that stands for a directory: from its last element, or def for base.
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

// modes are the flags that say how a server judges its files, as its own flags do.
func (pl *plan) modes(c manifest.Container) (flags []string) {
	features := slices.DeleteFunc(c.Features(), func(f string) bool { return f == "" || strings.Contains(f, "$") })
	value, _, agent := pl.in.FlagValue(pl.w, c, "agent")
	if agent && value != "false" || slices.Contains(features, "agent") { // a feature in 2.x
		flags = append(flags, "--prometheus-agent")
	}
	for _, f := range features {
		if f != "agent" {
			flags = append(flags, "--prometheus-feature="+f)
		}
	}
	return flags
}
