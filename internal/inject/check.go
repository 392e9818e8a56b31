package inject

import (
	"path"

	"reloader/internal/status"
	"reloader/internal/validate"
)

// IsManifest says whether src holds an object with a pod in it, as Inject would find it.
func IsManifest(src []byte) bool {
	docs, err := parse(src)
	if err != nil {
		return false
	}
	list, _ := findWorkloads(docs)
	return len(list) > 0
}

// Check finds the mounts of Prometheus' and Grafana's containers, and of reloader's own, that
// never change in a running pod. file is the manifest's name in the findings.
func Check(file string, src []byte) ([]validate.Finding, error) {
	docs, err := parse(src)
	if err != nil {
		return nil, err
	}
	workloads, _ := findWorkloads(docs)
	var list []validate.Finding
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
				at := m.get("subPath")
				if !at.ok() {
					at = m.get("subPathExpr")
				}
				list = append(list, validate.Finding{
					File: file, Line: at.key.Line, Column: at.key.Column, Severity: validate.Warning, Rule: status.SubPathRule,
					Message: w.String() + ", container " + c.name() + ": the subPath mount at " + m.path + " never changes in a running pod",
					Hint:    "mount volume " + m.volume + " as the directory " + path.Dir(m.path) + " instead; reloader inject -f " + file + " does it",
				})
			}
		}
	}
	return list, nil
}
