package driver

import (
	"strings"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
)

// When the folder of a provider changes and the dashboard file does not, Grafana 13 does not move the dashboard: the proof does
// not wait for that, and says that folders were not compared. Earlier versions move it, and that is proven. While Grafana
// reads the old provider file, nothing counts as live.
func TestFolderOfProviderChanges(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"12.4.0", "13.1.0"} {
		g, s := fake(t, grafanatest.Options{Version: version})
		s.write(t, "json/a.json", `{"uid": "a", "title": "A"}`)
		s.write(t, "dashboards/p.yaml", folderProvider)
		r := newRig(t, s.url, s.password, nil)
		before := s.read(t, kindsIn(t, s.provisioning)...)
		if _, v, err := r.apply(t.Context(), nil, before); err != nil || !v.Proven {
			t.Fatalf("%s: %+v %v", version, v, err)
		}
		changed := strings.Replace(folderProvider, "folder: Team", "folder: Other", 1)
		stale := s.elsewhere(t, map[string]string{"json/a.json": `{"uid": "a", "title": "A"}`, "dashboards/p.yaml": changed})
		if _, v, err := r.apply(t.Context(), before, stale); err != nil || v.Proven || !v.Mismatch {
			t.Errorf("%s, and Grafana reads the old provider: %+v %v", version, v, err)
		}
		s.write(t, "dashboards/p.yaml", changed)
		after := s.read(t, kindsIn(t, s.provisioning)...)
		_, v, err := r.apply(t.Context(), before, after)
		if err != nil || !v.Proven || strings.Contains(v.By, "the folders of dashboards") != (version == "13.1.0") {
			t.Errorf("%s: %+v %v", version, v, err)
		}
		if _, v, err = r.confirm(t, after, reload.Proof{Unchanged: true, Then: v.After}); err != nil || !v.Proven {
			t.Errorf("%s, compared again: %+v %v", version, v, err)
		}
		g.Close()
	}
}
