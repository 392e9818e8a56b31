package app

import (
	"slices"
	"testing"

	"reloader/internal/kube"
	"reloader/internal/mounts"
	"reloader/internal/status"
)

// Only mounts of followed directories cause a note, whether the mount is inside the directory or the directory inside the mount.
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

// When the API announces a change, only the validators of targets with files in those mounts get ready. Finding their program may
// take long on a slow file system, and holds up nothing else.
func TestPrepareWhatIsMounted(t *testing.T) {
	t.Parallel()
	a := &App{units: map[string]*unit{}}
	var ready []string
	for name, dir := range map[string]string{"one": "/etc/prometheus", "other": "/etc/grafana", "unknown": ""} {
		a.units[name] = &unit{prepare: func() {
			ready = append(ready, name)
			if !a.mu.TryLock() {
				t.Error("the lock is held while the validator gets ready")
				return
			}
			a.mu.Unlock()
		}}
		if dir != "" {
			a.cluster.dirs.Store(name, []string{dir})
		}
	}
	a.units["nothing to do"] = &unit{}
	a.cluster.dirs.Store("nothing to do", []string{"/etc/prometheus"})
	a.prepare([]string{"/etc/prometheus/rules", "/etc/other"})
	if len(ready) != 1 || ready[0] != "one" {
		t.Errorf("%q got ready", ready)
	}
}

// The counts of calls are sorted, whatever the order of the map is.
func TestCallsAreSorted(t *testing.T) {
	t.Parallel()
	counted := map[kube.Call]uint64{{Verb: "watch", Code: 200}: 1, {Verb: "get", Code: 200}: 2, {Verb: "patch"}: 3, {Verb: "patch", Code: 403}: 4}
	want := []status.Call{{Verb: "get", Code: "200", Count: 2}, {Verb: "watch", Code: "200", Count: 1}, {Verb: "patch", Code: "403", Count: 4}, {Verb: "patch", Code: "none", Count: 3}}
	for range 20 {
		if got := calls(counted); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}
