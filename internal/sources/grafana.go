package sources

import (
	"path/filepath"

	"reloader/internal/snapshot"
)

// grafanaKinds are the directories of Grafana's provisioning, each named as the source.
var grafanaKinds = []string{"datasources", "dashboards", "plugins", "notifiers", "alerting"}

// Grafana are the sources of a Grafana: one for each kind directory in the provisioning directory, which
// may be mounts of their own or not exist, and "grafana-ini" for the ini file. Empty arguments mean none.
func Grafana(provisioning, ini string) []snapshot.Source {
	var out []snapshot.Source
	if provisioning != "" {
		for _, kind := range grafanaKinds {
			out = append(out, snapshot.Source{Name: kind, Dir: filepath.Join(provisioning, kind)})
		}
	}
	if ini != "" {
		out = append(out, snapshot.Source{Name: "grafana-ini", Dir: filepath.Dir(ini), Include: []string{escape(filepath.Base(ini))}})
	}
	return out
}

// escape makes a pattern that matches the name alone.
func escape(name string) string {
	var b []byte
	for i := range len(name) {
		switch name[i] {
		case '*', '?', '[', '\\':
			b = append(b, '\\')
		}
		b = append(b, name[i])
	}
	return string(b)
}
