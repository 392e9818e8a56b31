package validator

import (
	"context"
	"path"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// DashboardDirs are the paths that the provider files of a reading name, as the server sees them, each once: a
// target adds those that it can see as further sources, so that dashboards are checked and watched. Paths
// that depend on an unknown environment, relative ones and files that Grafana would refuse are left out.
func DashboardDirs(dashboards *snapshot.Snapshot, facts finding.Facts, opts Options) []string {
	p := newPass(context.Background(), opts, finding.Request{Set: snapshot.NewSet(dashboards), Facts: facts})
	var out []string
	seen := map[string]bool{}
	for _, f := range p.files(dashboards, yamlName) {
		list, _ := p.readProviders(f)
		for _, pr := range list {
			dir := path.Clean(pr.path)
			if pr.pathKnown && path.IsAbs(dir) && !seen[dir] {
				seen[dir] = true
				out = append(out, dir)
			}
		}
	}
	return out
}
