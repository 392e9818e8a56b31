package driver

import (
	"context"
	"fmt"
	"path"
	"strings"

	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// serverSettings are what the server reports about its own settings. They change only with a restart.
type serverSettings struct {
	life  int
	asked bool
	// known are those of validation.LiveSettings that are set; nil when the server did not report them.
	known map[string]string
	// provisioning is the directory that it reads; empty when it is not reported, or not absolute.
	provisioning string
}

// readSettings asks for the settings on which verdicts depend, once in each life of the server. What the server does not
// report stays unknown.
func (d *Driver) readSettings(ctx context.Context) (serverSettings, error) {
	if d.settings.asked && d.settings.life == d.life.number {
		return d.settings, nil
	}
	s := serverSettings{life: d.life.number, asked: true}
	var told map[string]map[string]string
	if err := d.api.list(ctx, "/api/admin/settings", nil, &told); err != nil {
		if err := optional(err); err != nil {
			return s, err
		}
		return s, nil // asked again at the next change
	}
	s.known = map[string]string{}
	for _, key := range validation.LiveSettings() {
		section, name, _ := strings.Cut(key, ".")
		if v := told[section][name]; v != "" {
			s.known[key] = v
		}
	}
	if dir := told["paths"]["provisioning"]; path.IsAbs(dir) {
		s.provisioning = path.Clean(dir)
	}
	d.settings = s
	return s, nil
}

// readsElsewhere is the likely cause of differences if the server reads another provisioning directory than the one
// configured in reloader; otherwise empty.
func (d *Driver) readsElsewhere(told string) string {
	s := d.settings
	if !s.asked || s.life != d.life.number || s.provisioning == "" || told == "" || s.provisioning == told {
		return ""
	}
	return fmt.Sprintf("Grafana reads %s ([paths] provisioning), but reloader is configured for %s: mount the files there, or write --grafana-provisioning DIR=%s if that is the same volume.", s.provisioning, told, s.provisioning)
}

// provisioningOf is the directory in which the server sees the kinds' directories; empty if there are several.
func provisioningOf(set *snapshot.Set) string {
	found := ""
	for _, s := range set.Snapshots {
		if !grafana.IsDirectory(s.Source.Name) {
			continue
		}
		dir := path.Dir(path.Clean(s.Source.ServerPath(".")))
		if found != "" && found != dir {
			return ""
		}
		found = dir
	}
	return found
}
