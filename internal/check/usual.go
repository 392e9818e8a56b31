package check

import (
	"path/filepath"
	"slices"
	"strings"
)

// usualNames are the usual names for files of Prometheus and Grafana, and for manifests with both.
var usualNames = []string{
	"monitor.yaml", "monitor.yml", "monitoring.yaml", "monitoring.yml", "prometheus.yml", "prometheus.yaml", "grafana.yaml", "grafana.yml",
	"grafana.ini", "provisioning", "prometheus", "grafana", "rules", "datasource.yaml", "datasource.yml", "datasources.yaml", "datasources.yml",
	"dashboards.yaml", "manifests", "kustomization.yaml",
}

// Usual are the paths in a directory that have a usual name and that Classify recognizes.
func Usual(dir string) []string {
	var paths []string
	for _, name := range usualNames {
		p := filepath.Join(dir, name)
		if found, err := Classify(p); err == nil && len(found) > 0 {
			paths = append(paths, p)
		}
	}
	// In such a directory, provisioning is often one level deeper.
	for _, p := range []string{"grafana/provisioning", "config/grafana/provisioning"} {
		p = filepath.Join(dir, filepath.FromSlash(p))
		covered := slices.ContainsFunc(paths, func(q string) bool { return strings.HasPrefix(p, q+string(filepath.Separator)) && providesAll(q) })
		if found, err := Classify(p); err == nil && len(found) > 0 && !covered {
			paths = append(paths, p)
		}
	}
	return paths
}

// providesAll reports whether a directory is itself judged as a provisioning directory.
func providesAll(path string) bool {
	found, err := Classify(path)
	return err == nil && slices.ContainsFunc(found, func(i Input) bool { return i.Kind == KindProvisioning && i.Path == path })
}
