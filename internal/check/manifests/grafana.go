package manifests

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/grafana/validator"
	"reloader/internal/manifest"
	"reloader/internal/paths"
	"reloader/internal/snapshot"
	"reloader/internal/yamlnode"
)

// grafanaFiles are the files that one Grafana finds.
type grafanaFiles struct {
	*check
	w         *manifest.Workload
	container manifest.Container
	view      *manifest.View
	paths     manifest.GrafanaPaths
	read      map[string]bool
	// dashboards are the directories that providers name.
	dashboards []string
}

// grafana judges what one Grafana finds.
func (c *check) grafana(w *manifest.Workload, container manifest.Container, view *manifest.View) {
	g := &grafanaFiles{check: c, w: w, container: container, view: view, paths: c.in.GrafanaPaths(w, container), read: map[string]bool{}}
	if bitnami(container) {
		g.copied()
	}
	if g.paths.Provisioning == "" {
		g.paths.Provisioning = manifest.GrafanaProvisioning
	}
	if strings.Contains(g.paths.Provisioning+g.paths.Ini, "$") {
		c.skip(container.Get("name"), "the files of %s: a path depends on a variable whose value is not in the input", where(w, container))
		return
	}
	g.hidden()
	g.judge()
	g.unread()
}

// bitnami reports whether the image has Bitnami's paths and copies its files when it starts.
func bitnami(c manifest.Container) bool { return strings.Contains(c.Image(), "bitnami") }

const bitnamiConf = "/opt/bitnami/grafana/conf"

// copied adds the files that the image copies from conf.default to conf when it starts.
func (g *grafanaFiles) copied() {
	if g.paths.Provisioning == "" {
		g.paths.Provisioning = bitnamiConf + "/provisioning"
	}
	if !g.paths.IniNamed {
		g.paths.Ini = bitnamiConf + "/grafana.ini"
	}
	for f, v := range g.view.Files {
		if rel, ok := strings.CutPrefix(f, bitnamiConf+".default/"); ok {
			if to := path.Join(bitnamiConf, rel); g.view.Files[to] == nil {
				g.view.Files[to] = v
			}
			g.read[f] = true
		}
	}
}

// judge asks the validator.
func (g *grafanaFiles) judge() {
	var snaps []*snapshot.Snapshot
	add := func(src snapshot.Source, files map[string][]byte) {
		if len(files) > 0 {
			snaps = append(snaps, snapshot.FromFiles(src, files))
		}
	}
	for _, k := range grafana.Kinds {
		kind := k.Name
		dir := path.Join(g.paths.Provisioning, kind)
		files := below(g.view, dir)
		add(snapshot.Source{Name: kind, Dir: dir, ServerDir: dir}, files)
		for _, rel := range slices.Sorted(maps.Keys(files)) {
			if strings.Contains(rel, "/") {
				continue
			}
			g.read[path.Join(dir, rel)] = true
			if kind == grafana.Dashboards {
				g.providers(path.Join(dir, rel))
			}
		}
		g.unknown(dir)
	}
	for i, dir := range g.dashboards {
		files := below(g.view, dir)
		add(snapshot.Source{Name: fmt.Sprintf("provider/%d", i), Dir: dir, ServerDir: dir}, files)
		for rel := range files {
			g.read[path.Join(dir, rel)] = true
		}
	}
	if v := g.view.Files[g.paths.Ini]; v != nil && len(v.Content) <= maxObject {
		dir := path.Dir(g.paths.Ini)
		add(snapshot.Source{Name: grafana.Ini, Dir: dir, ServerDir: dir}, map[string][]byte{path.Base(g.paths.Ini): v.Content})
		g.read[g.paths.Ini] = true
	} else if v == nil {
		g.unknown(g.paths.Ini)
	}
	for name := range g.read {
		if v := g.view.Files[name]; v != nil {
			g.check.read[v], g.judged[v] = true, true
		}
	}
	if len(snaps) == 0 {
		return
	}
	s := snapshot.NewSet(snaps...)
	f := facts(g.Grafana, finding.Facts{Version: g.container.ImageVersion()})
	found, ok := g.verdict(validator.New(validation.Options{}), grafanaKind, s, f)
	if !ok {
		return
	}
	g.Judged = append(g.Judged, "Grafana in "+where(g.w, g.container)+" ("+plural(s.Len(), "file")+")")
	var list []finding.Finding
	for _, f := range found {
		if f.Rule != "dashboards-not-in-view" { // providers has reported it with the reason
			list = append(list, f)
		}
	}
	g.translate(list, g.view.Files, g.w, g.container)
}

// unknown notes that the contents of a directory are not in the input.
func (g *grafanaFiles) unknown(dir string) {
	if _, m := g.view.Covering(dir); m != nil && m.Unknown != "" && m.Unknown != manifest.NoSuchVolume && !strings.HasPrefix(m.Unknown, "ConfigMap ") && m.Path != "/var/lib/grafana" {
		g.skip(m.Get("name"), "the files of %s in %s: %s is not in the input", where(g.w, g.container), m.Path, m.Unknown)
	}
}

// providers follows the directories in a file of dashboard providers.
func (g *grafanaFiles) providers(file string) {
	v := g.view.Files[file]
	root, err := yamlnode.Mapping(v.Content)
	if err != nil || root == nil {
		return
	}
	for _, provider := range yamlnode.Items(yamlnode.Get(root, "providers")) {
		options := yamlnode.Get(provider, "options")
		n := cmp.Or(yamlnode.Get(options, "path"), yamlnode.Get(options, "folder"))
		if n == nil || n.Kind != yaml.ScalarNode || strings.Contains(n.Value, "$") || !path.IsAbs(n.Value) {
			continue
		}
		dir := path.Clean(n.Value)
		if single := g.view.Files[dir]; single != nil {
			g.read[dir] = true
			dir = path.Dir(dir)
		}
		if len(below(g.view, dir)) > 0 {
			g.dashboards = append(g.dashboards, dir)
			continue
		}
		what, hint := g.emptiness(g.view, dir)
		if what == "" {
			g.skip(v.At, "the dashboards of %s in %s: %s", where(g.w, g.container), dir, hint)
			continue
		}
		g.Findings = append(g.Findings, placed(finding.Finding{
			Line: n.Line, Column: n.Column, Severity: finding.Warning, Rule: RuleNoPath,
			Message: "dashboards: " + what + ", so Grafana finds none for this provider", Hint: hint,
		}, v))
	}
}

// hidden finds mounts that hide files that the image needs.
func (g *grafanaFiles) hidden() {
	c, conf := g.container, path.Join(g.paths.Home, "conf")
	for i := range g.view.Mounts {
		m := &g.view.Mounts[i]
		switch {
		case g.view.Files[m.Path] != nil: // a subPath mount of a file hides nothing else
		case paths.Inside(conf, m.Path) && !bitnami(c) && m.Unknown == "" && g.view.Files[path.Join(conf, "defaults.ini")] == nil:
			g.report(finding.Error, RuleHidden, m.Get("mountPath"), "mount it in its own directory, and give that with GF_PATHS_CONFIG or --config",
				"%s: the mount at %s hides the image's %s/defaults.ini: Grafana does not start", where(g.w, c), m.Path, conf)
		case paths.Inside(g.paths.Ini, m.Path) && m.Unknown == "" && g.view.Files[g.paths.Ini] == nil && !bitnami(c) && m.Path != "/":
			g.report(finding.Error, RuleHidden, m.Get("mountPath"), "mount the volume where Grafana looks for its files, for example at "+g.paths.Provisioning+"/datasources",
				"%s: the mount at %s hides the image's %s and has none itself: Grafana does not start", where(g.w, c), m.Path, g.paths.Ini)
		}
	}
}

// unread warns about mounted files that Grafana never reads.
func (g *grafanaFiles) unread() {
	g.notRead(g.w, g.container, g.view, g.read, grafanaKind, func(kind string) string {
		switch kind {
		case KindDatasources, KindProviders, KindAlerting, KindPlugins:
			dir := map[string]string{KindDatasources: "datasources", KindProviders: "dashboards", KindAlerting: "alerting", KindPlugins: "plugins"}[kind]
			return "it looks for " + kind[len("grafana "):] + " in " + path.Join(g.paths.Provisioning, dir)
		case KindDashboard:
			if len(g.dashboards) == 0 {
				return "no provider in " + path.Join(g.paths.Provisioning, "dashboards") + " names a directory with dashboards"
			}
			return "the providers name " + strings.Join(g.dashboards[:min(len(g.dashboards), maxNamed)], ", ")
		case KindIni:
			return "its grafana.ini is " + g.paths.Ini
		}
		return ""
	})
}
