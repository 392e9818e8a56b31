package manifests

import (
	"path"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/manifest"
)

// noConfig reports why a Prometheus does not find its main file, or that this is unknown.
func (c *check) noConfig(w *manifest.Workload, container manifest.Container, view *manifest.View, config string, byFlag bool) {
	at, m := view.Covering(config)
	args, instead := container.Get("args"), "these arguments replace the image's own, and --config.file is not among them"
	if len(args.Items()) == 0 {
		args, instead = container.Get("command"), "this command replaces the image's arguments, and has no --config.file"
	}
	switch {
	case m != nil && (strings.HasPrefix(m.Unknown, "ConfigMap ") || m.Unknown == manifest.NoSuchVolume || c.keyless(w, m)): // reported at the volume
	case m != nil && m.Unknown != "":
		c.skip(m.Get("name"), "the files of %s: %s is not in the input", where(w, container), m.Unknown)
	case m != nil && at == config && m.Sub != "":
		// A finding already says that the volume does not have this subPath.
	case m != nil:
		c.report(finding.Error, RuleNoConfig, m.Get("mountPath"), "rename the key, or correct --config.file",
			"%s: there is no %s in volume %s: Prometheus does not find %s and does not start", where(w, container), path.Base(config), m.Mount.Volume, config)
	case !byFlag && config != manifest.PrometheusConfig && official(container):
		c.report(finding.Error, RuleNoConfig, args, "add --config.file="+manifest.PrometheusConfig,
			"%s: %s: Prometheus looks for %s and does not start", where(w, container), instead, config)
	case config == manifest.PrometheusConfig || !official(container):
		c.skip(container.Get("name"), "the files of %s: no volume has %s, so it reads the image's own", where(w, container), config)
	default:
		c.report(finding.Error, RuleNoConfig, container.Get("name"), "mount the ConfigMap at "+path.Dir(config)+", or correct --config.file",
			"%s: no volume is mounted at %s: Prometheus does not find %s and does not start", where(w, container), path.Dir(config), config)
	}
}

// keyless reports whether a volume names a key that its object does not have.
func (c *check) keyless(w *manifest.Workload, m *manifest.ViewMount) bool {
	return slices.ContainsFunc(c.in.ObjectProblems(w, m.Volume), func(p manifest.Problem) bool { return p.Kind == manifest.NoKey })
}

// official reports whether the image is the official one, whose arguments and files are known.
func official(c manifest.Container) bool {
	return c.ImageName() == "prometheus" && !strings.Contains(c.Image(), "bitnami")
}

// lifecycle reports a reloader in the pod if Prometheus would refuse its reloads.
func (c *check) lifecycle(w *manifest.Workload, container manifest.Container) {
	const flag = "web.enable-lifecycle"
	_, at, on := c.in.FlagValue(w, container, flag)
	if _, off, ok := container.Flag("no-" + flag); ok {
		on, at = false, off
	}
	if on {
		return
	}
	other, ok := c.reloaderOf(w)
	if !ok {
		return
	}
	if !at.OK() {
		if at = container.Get("args"); !at.OK() {
			at = container.Get("name")
		}
	}
	c.report(finding.Error, RuleLifecycle, at, "add --"+flag+" to the arguments", "%s has no --%s: Prometheus refuses every reload by container %s", where(w, container), flag, other.Name())
}

// reloaderOf is the first container of a pod that reloads Prometheus.
func (c *check) reloaderOf(w *manifest.Workload) (manifest.Container, bool) {
	other, known := c.reloaders[w]
	if !known {
		all := w.AllContainers()
		if i := slices.IndexFunc(all, func(other manifest.Container) bool { return reloaderName(c.in, w, other) != "" }); i >= 0 {
			other = all[i]
		}
		c.reloaders[w] = other
	}
	return other, other.OK()
}

// reloaderName is the image name of a container that reloads Prometheus over HTTP; empty for any other container.
func reloaderName(in *manifest.Input, w *manifest.Workload, c manifest.Container) string {
	name := c.ImageName()
	switch {
	case c.IsReloader():
		if _, _, ok := in.FlagValue(w, c, "prometheus-url"); ok || c.ReloaderSets("prometheus-url") {
			return name
		}
	case strings.Contains(name, "prometheus-config-reloader"):
		if _, _, signal := c.Flag("reload-method"); !signal {
			return name
		}
	case strings.Contains(name, "configmap-reload"):
		if url, _, ok := c.Flag("webhook-url"); ok && strings.HasSuffix(url, "/-/reload") {
			return name
		}
	}
	return ""
}

// unread warns about mounted files that Prometheus never reads.
func (p *prometheusFiles) unread() {
	p.notRead(p.w, p.container, p.view, p.read, prometheusKind, func(kind string) string {
		switch {
		case kind != KindRules:
			return ""
		case len(p.patterns) == 0:
			return p.main.Key + " has no rule_files"
		}
		patterns, more := p.patterns, ""
		if len(patterns) > maxNamed {
			patterns, more = patterns[:maxNamed], " and more"
		}
		return "rule_files looks for " + strings.Join(patterns, ", ") + more
	})
}
