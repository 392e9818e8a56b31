package grafana

import (
	"path/filepath"

	"reloader/internal/snapshot"
	"reloader/internal/sources"
)

// Sources are the sources of a Grafana: one for each kind directory in the provisioning directory, which
// may be mounts of their own or not exist, and "grafana-ini" for the ini file. Empty arguments mean none.
func Sources(provisioning, ini string) []snapshot.Source {
	var out []snapshot.Source
	if provisioning != "" {
		for _, kind := range Kinds {
			out = append(out, snapshot.Source{Name: kind.Name, Dir: filepath.Join(provisioning, kind.Name)})
		}
	}
	if ini != "" {
		out = append(out, snapshot.Source{Name: Ini, Dir: filepath.Dir(ini), Include: []string{sources.Literal(filepath.Base(ini))}})
	}
	return out
}
