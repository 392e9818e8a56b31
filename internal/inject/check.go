package inject

import (
	"errors"
	"path"

	"reloader/internal/finding"
	"reloader/internal/mounts"
	"reloader/internal/yamledit"
)

// SyntaxRule is the name of the finding for a manifest that is not YAML.
const SyntaxRule = "manifest-yaml"

// Check finds the mounts of Prometheus' and Grafana's containers, and of reloader's own, that
// never change in a running pod. file is the manifest's name in the findings.
func Check(file string, src []byte) []finding.Finding {
	docs, err := yamledit.Parse(src)
	if e := (*yamledit.Error)(nil); errors.As(err, &e) {
		return []finding.Finding{{File: file, Line: e.Line, Severity: finding.Error, Rule: SyntaxRule, Message: e.Text, Hint: e.Hint}}
	}
	workloads, _ := findWorkloads(docs)
	var list []finding.Finding
	for _, w := range workloads {
		for _, c := range append(w.containers(), w.initContainers()...) {
			if !c.isPrometheus() && !c.isGrafana() && !c.isReloader() {
				continue
			}
			for _, m := range c.mounts() {
				vol, _ := w.volume(m.volume)
				if m.sub == "" || !vol.fromAPI() {
					continue
				}
				at := m.Get("subPath")
				if m.expr() {
					at = m.Get("subPathExpr")
				}
				list = append(list, finding.Finding{
					File: file, Line: at.Key.Line, Column: at.Key.Column, Severity: finding.Warning, Rule: mounts.SubPathRule,
					Message: w.String() + ", container " + c.name() + ": the subPath mount at " + m.path + " never changes in a running pod",
					Hint:    m.instead(c) + "; reloader inject -f " + file + " does it where the image allows",
				})
			}
		}
	}
	return list
}

// instead is what to write for a frozen mount.
func (m mount) instead(c container) string {
	if dir := path.Dir(m.path); c.isPrometheus() && !system(dir) {
		return "mount volume " + m.volume + " as the directory " + dir
	}
	return "mount volume " + m.volume + " as a directory of its own"
}
