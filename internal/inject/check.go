package inject

import (
	"errors"
	"path"

	"reloader/internal/finding"
	"reloader/internal/manifest"
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
	var list []finding.Finding
	for _, w := range manifest.Read(docs).Workloads {
		for _, c := range append(w.Containers(), w.InitContainers()...) {
			if !c.IsPrometheus() && !c.IsGrafana() && !c.IsReloader() {
				continue
			}
			for _, m := range c.Mounts() {
				vol, _ := w.Volume(m.Volume)
				if m.Sub == "" || !vol.FromAPI() {
					continue
				}
				at := m.Get("subPath")
				if m.IsExpr() {
					at = m.Get("subPathExpr")
				}
				list = append(list, finding.Finding{
					File: file, Line: at.Key.Line, Column: at.Key.Column, Severity: finding.Warning, Rule: mounts.SubPathRule,
					Message: w.String() + ", container " + c.Name() + ": the subPath mount at " + m.Path + " never changes in a running pod",
					Hint:    instead(m, c) + "; reloader inject -f " + file + " does it where the image allows",
				})
			}
		}
	}
	return list
}

// instead is what to write for a frozen mount.
func instead(m manifest.Mount, c manifest.Container) string {
	if dir := path.Dir(m.Path); c.IsPrometheus() && !system(dir) {
		return "mount volume " + m.Volume + " as the directory " + dir
	}
	return "mount volume " + m.Volume + " as a directory of its own"
}
