package app

import (
	"testing"

	"reloader/internal/mounts"
)

// Only mounts of what we follow matter, whichever of mount and directory is the inner one.
func TestFrozenNotes(t *testing.T) {
	t.Parallel()
	frozen := []mounts.Mount{
		{Path: "/etc/prometheus/prometheus.yml", File: "prometheus.yml"},
		{Path: "/etc/grafana", File: "grafana"},
		{Path: "/etc/prometheus-other/x.yml", File: "x.yml"},
	}
	notes := frozenNotes(frozen, []string{"/etc/prometheus", "/etc/grafana/provisioning/datasources"})
	if len(notes) != 2 || notes[0].File != "/etc/prometheus/prometheus.yml" || notes[1].File != "/etc/grafana" || notes[0].Rule != mounts.SubPathRule {
		t.Errorf("notes: %v", notes)
	}
}
