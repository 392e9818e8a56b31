package validator

import (
	"path"
	"slices"
	"strings"

	"reloader/internal/snapshot"
)

var (
	ruleFileIgnored   = newRule("file-ignored")
	ruleFileNoContent = newLastingRule("file-unreadable")
)

// files are the files of a kind's directory that Grafana reads, in its order; accepts says which
// names it takes. What looks like one of them and is not read is reported.
func (p *validation) files(s *snapshot.Snapshot, accepts func(string) bool) []file {
	var out []file
	dirs := map[string]bool{}
	for _, f := range s.Files {
		at := place{path: s.Source.UserPath(f.Name), line: 1, column: 1}
		if dir, _, nested := strings.Cut(f.Name, "/"); nested {
			if accepts(dir) && !dirs[dir] {
				dirs[dir] = true
				p.errorf(place{path: s.Source.UserPath(dir)}, ruleFileNoContent, "rename the directory", "a directory named like a file: Grafana fails to read it and refuses all files of this kind")
			} else if accepts(path.Base(f.Name)) && !strings.HasPrefix(dir, "..") {
				p.warnf(at, ruleFileIgnored, "move it up", "Grafana does not read subdirectories here")
			}
			continue
		}
		if !accepts(f.Name) {
			p.ignored(at, f.Name, accepts)
			continue
		}
		b, ok := s.Bytes(f.Name)
		if !ok {
			p.err = errForgotten(s, f.Name)
			continue
		}
		out = append(out, file{name: f.Name, path: at.path, bytes: b})
	}
	for _, m := range s.Missing {
		if !strings.Contains(m.Name, "/") && accepts(m.Name) && m.Reason != snapshot.ReasonUnlinked {
			p.errorf(place{path: s.Source.UserPath(m.Name)}, ruleFileNoContent, "remove the name or repair the link", "%s: Grafana fails to read it and refuses all files of this kind", m.Reason)
		}
	}
	slices.SortFunc(out, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return out
}

// namesNothing notes a file that names nothing, such as the samples of Grafana's packages.
func (p *validation) namesNothing(at place) { p.nothing = append(p.nothing, at) }

// tellNothing warns of such files when there is nothing in the others either.
func (p *validation) tellNothing(allEmpty bool, rule, message string) {
	for _, at := range p.nothing {
		if allEmpty {
			p.warnf(at, rule, "", "%s", message)
		}
	}
	p.nothing = nil
}

// ignored warns of a name that is nearly one that Grafana reads.
func (p *validation) ignored(at place, name string, accepts func(string) bool) {
	lower := strings.ToLower(name)
	if strings.HasSuffix(lower, ".json") && !accepts("x.json") {
		p.infof(at, ruleFileIgnored, "dashboards are read from the path of a provider", "Grafana reads no JSON file here unless a provider's path includes it")
		return
	}
	hint := "the name must end in .yaml or .yml, in lower case"
	if accepts("x.json") {
		hint = "the name must end in .yaml, .yml or .json, in lower case"
	}
	if strings.Contains(lower, ".yaml") || strings.Contains(lower, ".yml") {
		p.warnf(at, ruleFileIgnored, hint, "Grafana does not read a file with this name")
		return
	}
	p.infof(at, ruleFileIgnored, hint, "Grafana does not read a file with this name")
}
