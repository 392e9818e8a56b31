package check

import (
	"path/filepath"
	"slices"
	"strings"
)

// usualNames are what people call the files of Prometheus and Grafana, and the manifests with both.
var usualNames = []string{
	"monitor.yaml", "monitor.yml", "monitoring.yaml", "monitoring.yml", "prometheus.yml", "prometheus.yaml", "grafana.yaml", "grafana.yml",
	"grafana.ini", "provisioning", "prometheus", "grafana", "rules", "datasource.yaml", "datasource.yml", "datasources.yaml", "datasources.yml",
	"dashboards.yaml", "manifests", "kustomization.yaml",
}

// Usual are the paths of usual names in a directory of which Classify knows what they are.
func Usual(dir string) []string {
	var paths []string
	for _, name := range usualNames {
		p := filepath.Join(dir, name)
		if found, err := Classify(p); err == nil && len(found) > 0 {
			paths = append(paths, p)
		}
	}
	// In a directory like this one, provisioning is often one deeper.
	for _, p := range []string{"grafana/provisioning", "config/grafana/provisioning"} {
		p = filepath.Join(dir, filepath.FromSlash(p))
		covered := slices.ContainsFunc(paths, func(q string) bool { return strings.HasPrefix(p, q+string(filepath.Separator)) && providesAll(q) })
		if found, err := Classify(p); err == nil && len(found) > 0 && !covered {
			paths = append(paths, p)
		}
	}
	return paths
}

// providesAll says that a directory is judged as a provisioning directory itself.
func providesAll(path string) bool {
	found, err := Classify(path)
	return err == nil && slices.ContainsFunc(found, func(i Input) bool { return i.Kind == KindProvisioning && i.Path == path })
}
