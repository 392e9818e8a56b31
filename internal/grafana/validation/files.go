package validation

import (
	"path"
	"sort"
	"strings"

	"reloader/internal/grafana"
	"reloader/internal/snapshot"
)

var (
	RuleFileIgnored   = NewRule("file-ignored")
	ruleFileNoContent = NewLastingRule("file-unreadable")
)

// Files returns the files of a kind's directory that Grafana reads, in Grafana's order. It reports files that look like them
// but are not read.
func (p *Pass) Files(s *snapshot.Snapshot) []File {
	kind, _ := grafana.KindOf(s.Source.Name)
	accepts := kind.Reads
	var out []File
	dirs := map[string]bool{}
	for _, f := range s.Files {
		at := Place{Path: s.Source.UserPath(f.Name), Line: 1, Column: 1}
		if dir, _, nested := strings.Cut(f.Name, "/"); nested {
			if accepts(dir) && !dirs[dir] {
				dirs[dir] = true
				p.Errorf(Place{Path: s.Source.UserPath(dir)}, ruleFileNoContent, "rename the directory", "a directory named like a file: Grafana fails to read it and refuses all files of this kind")
			} else if accepts(path.Base(f.Name)) && !strings.HasPrefix(dir, "..") {
				p.Warnf(at, RuleFileIgnored, "move it up", "Grafana does not read subdirectories here")
			}
			continue
		}
		if !accepts(f.Name) {
			p.ignored(at, f.Name, accepts)
			continue
		}
		b, ok := s.Bytes(f.Name)
		if !ok {
			p.Err = Unavailable(s, f.Name)
			continue
		}
		out = append(out, File{Name: f.Name, Path: at.Path, bytes: b})
	}
	for _, m := range s.Missing {
		if !strings.Contains(m.Name, "/") && accepts(m.Name) && m.Reason != snapshot.ReasonUnlinked {
			p.Errorf(Place{Path: s.Source.UserPath(m.Name)}, ruleFileNoContent, "remove the name or repair the link", "%s: Grafana fails to read it and refuses all files of this kind", m.Reason)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// NamesNothing remembers a file that defines nothing, such as the samples in Grafana's packages.
func (p *Pass) NamesNothing(at Place) { p.nothing = append(p.nothing, at) }

// TellNothing warns about those files if the others define nothing either.
func (p *Pass) TellNothing(allEmpty bool, rule, message string) {
	for _, at := range p.nothing {
		if allEmpty {
			p.Warnf(at, rule, "", "%s", message)
		}
	}
	p.nothing = nil
}

// ignored reports a file name that Grafana does not read.
func (p *Pass) ignored(at Place, name string, accepts func(string) bool) {
	lower := strings.ToLower(name)
	if strings.HasSuffix(lower, ".json") && !accepts("x.json") {
		p.Infof(at, RuleFileIgnored, "dashboards are read from the path of a provider", "Grafana reads no JSON file here unless a provider's path includes it")
		return
	}
	hint := "the name must end in .yaml or .yml, in lower case"
	if accepts("x.json") {
		hint = "the name must end in .yaml, .yml or .json, in lower case"
	}
	if strings.Contains(lower, ".yaml") || strings.Contains(lower, ".yml") {
		p.Warnf(at, RuleFileIgnored, hint, "Grafana does not read a file with this name")
		return
	}
	p.Infof(at, RuleFileIgnored, hint, "Grafana does not read a file with this name")
}
