package manifests

import (
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/lazyregexp"
	"reloader/internal/manifest"
	"reloader/internal/paths"
	"reloader/internal/prometheus/validator"
	"reloader/internal/sources"
	"reloader/internal/versions"
	"reloader/internal/yamlnode"
)

// prometheus judges what one Prometheus finds.
func (c *check) prometheus(w *manifest.Workload, container manifest.Container, view *manifest.View) {
	if at, old := container.IsPrometheus1(); old {
		c.skip(at, "the files of %s: Prometheus 1.x has a different format", where(w, container))
		return
	}
	c.lifecycle(w, container)
	c.serverFlags(w, container)
	config, at, byFlag := c.in.PrometheusConfigFile(w, container)
	if strings.Contains(config, "$") {
		c.skip(at, "the files of %s: the path %s depends on a variable whose value is not in the input", where(w, container), config)
		return
	}
	main := view.Files[config]
	switch {
	case main != nil && main.Problem != "":
		return // form reports it
	case main == nil:
		c.noConfig(w, container, view, config, byFlag)
		return
	}
	p := &prometheusFiles{check: c, w: w, container: container, view: view, main: main, config: config, read: map[string]bool{config: true}}
	p.references(main, config, "rule_files", "scrape_config_files")
	for _, f := range p.scrapes {
		p.references(view.Files[f], f)
	}
	p.judge()
	p.unread()
}

// prometheusFiles are the files that one Prometheus finds, and the patterns that name them.
type prometheusFiles struct {
	*check
	w         *manifest.Workload
	container manifest.Container
	view      *manifest.View
	main      *manifest.Value
	config    string
	read      map[string]bool
	scrapes   []string
	// patterns are the patterns of rules and scrape configurations; dead has the places of those that match no file.
	patterns []string
	dead     map[[2]int]bool
}

// references follows the paths and patterns in a file.
func (p *prometheusFiles) references(v *manifest.Value, file string, lists ...string) {
	root, err := yamlnode.Mapping(v.Content)
	if err != nil || root == nil {
		return
	}
	for _, list := range lists {
		for _, n := range yamlnode.Items(yamlnode.Get(root, list)) {
			if n = yamlnode.Resolve(n); n.Kind == yaml.ScalarNode {
				p.pattern(v, file, list, n)
			}
		}
	}
	for _, owners := range []*yaml.Node{yamlnode.Get(root, "scrape_configs"), yamlnode.Get(yamlnode.Get(root, "alerting"), "alertmanagers")} {
		for _, owner := range yamlnode.Items(owners) {
			for _, sd := range yamlnode.Items(yamlnode.Get(owner, "file_sd_configs")) {
				for _, f := range yamlnode.Texts(yamlnode.Get(sd, "files")) {
					p.matches(resolve(file, f))
				}
			}
		}
	}
}

// resolve makes a path in a file absolute, as Prometheus does.
func resolve(file, p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(path.Dir(file), p)
}

// matches returns the files that a pattern matches, and marks them as read.
func (p *prometheusFiles) matches(pattern string) []string {
	var found []string
	means := paths.NewPattern(pattern)
	list := p.view.Paths().Candidates(means)
	if !p.compare(len(list)) {
		return nil
	}
	for _, f := range list {
		if means.Match(f) {
			p.read[f] = true
			found = append(found, f)
		}
	}
	return found
}

// pattern follows one entry of rule_files or scrape_config_files.
func (p *prometheusFiles) pattern(v *manifest.Value, file, list string, n *yaml.Node) {
	pattern := resolve(file, n.Value)
	p.patterns = append(p.patterns, pattern)
	if found := p.matches(pattern); len(found) > 0 {
		if list == "scrape_config_files" {
			p.scrapes = append(p.scrapes, found...)
		}
		return
	}
	if _, err := filepath.Match(pattern, ""); err != nil || p.compared > maxCompared {
		return // reported elsewhere
	}
	if p.dead == nil {
		p.dead = map[[2]int]bool{}
	}
	p.dead[[2]int{n.Line, n.Column}] = true
	dir, _ := sources.Split(pattern)
	what, hint := p.emptiness(p.view, dir)
	if what == "" {
		p.skip(v.At, "what %s of %s reads from %s: %s", list, v.Key, pattern, hint)
		return
	}
	p.Findings = append(p.Findings, placed(finding.Finding{
		Line: n.Line, Column: n.Column, Severity: finding.Warning, Rule: RuleNoPath,
		Message: strings.TrimSuffix(list, "_files") + " files: " + what + ", so Prometheus reads nothing for " + strconv.Quote(n.Value), Hint: hint,
	}, v))
}

// emptiness says why a container finds no file in a directory. If that is unknown, the text is empty and hint is the reason.
func (c *check) emptiness(view *manifest.View, dir string) (text, hint string) {
	if unknown := view.UnknownAt(dir); unknown != "" {
		return "", unknown + " is not in the input"
	}
	if at, m := view.Covering(dir); m != nil {
		into := "at " + dir
		if m.Source != "" {
			into = "into the sidecar at " + path.Join(m.Source, strings.TrimPrefix(dir, at))
		}
		return "nothing in volume " + m.Mount.Volume + ", mounted at " + at + ", matches", "mount the ConfigMap with these files " + into + ", or correct the path"
	}
	return "no volume is mounted at " + dir, "mount the ConfigMap with these files there, or correct the path"
}

// judge asks the validator.
func (p *prometheusFiles) judge() {
	s := set(p.view.Files)
	f := facts(p.Prometheus, p.facts())
	for _, name := range slices.Sorted(maps.Keys(p.read)) {
		p.check.read[p.view.Files[name]], p.judged[p.view.Files[name]] = true, true
	}
	v := validator.New(validator.Options{Main: p.config, Program: p.Promcheck, External: p.External})
	found, ok := p.verdict(v, prometheusKind, s, f, p.config)
	if !ok {
		return
	}
	p.Judged = append(p.Judged, "Prometheus in "+where(p.w, p.container)+" ("+plural(len(p.read), "file")+")")
	var list []finding.Finding
	for _, f := range found {
		if f, ok := p.missing(f); ok {
			list = append(list, f)
		}
	}
	p.translate(list, p.view.Files, p.w, p.container)
}

// facts are what the manifest says about the server.
func (p *prometheusFiles) facts() finding.Facts {
	f := finding.Facts{Version: p.container.ImageVersion()}
	_, _, f.Agent = p.in.FlagValue(p.w, p.container, "agent")
	if _, _, off := p.container.Flag("no-agent"); off {
		f.Agent = false
	}
	f.Features = p.container.Features()
	if server := versions.Parse(f.Version); slices.Contains(f.Features, "agent") && server.Before(featureGone["agent"].in) {
		f.Agent = true // also if the version is unknown
	}
	return f
}

// absentFile matches the message of the validator about a single file that it was not given.
var absentFile = lazyregexp.New(`^file ("(?:[^"\\]|\\.)*") (?:is not visible to reloader|does not exist)`)

// missing completes a finding about a file that the validator was not given, because the mounts are known here; false drops it.
func (p *prometheusFiles) missing(f finding.Finding) (finding.Finding, bool) {
	if f.Rule != validator.RuleMissingFile {
		return f, true
	}
	if path.Clean(f.File) == p.config && p.dead[[2]int{f.Line, f.Column}] {
		return f, false // pattern has reported it with the reason
	}
	m := absentFile().FindStringSubmatch(f.Message)
	if m == nil {
		return f, true
	}
	file, err := strconv.Unquote(m[1])
	if err != nil {
		return f, true
	}
	_, mount := p.view.Covering(file)
	switch {
	case mount == nil && slices.ContainsFunc(imageDirs, func(dir string) bool { return paths.Inside(file, dir) }):
		return f, false // the image's own certificates
	case mount == nil && f.Severity == finding.Warning:
		f.Message, f.Hint = "no volume is mounted where the file "+m[1]+" is expected", "mount the Secret or ConfigMap with it"
	case mount != nil && mount.Unknown != "":
		f.Severity, f.Message, f.Hint = finding.Info, "the file "+m[1]+" was not judged: "+mount.Unknown+" is not in the input", ""
	case mount != nil:
		f.Message, f.Hint = "the file "+m[1]+" is not in volume "+mount.Mount.Volume+", mounted at "+mount.Path, "add the key, or correct the path"
	}
	return f, true
}

// imageDirs are directories in which the images have files of their own that configurations name.
var imageDirs = []string{"/etc/ssl", "/etc/pki", "/usr", "/var/run/secrets/kubernetes.io", "/run/secrets/kubernetes.io"}
