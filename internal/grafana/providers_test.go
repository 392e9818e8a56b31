package grafana

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// The directories that provider files name become sources of their own, except those inside a known source and those whose path
// only the server knows. A provider file that breaks changes nothing about them.
func TestReaderFollowsProviders(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	const providers = `
apiVersion: 1
providers:
  - {name: one, options: {path: TOP/one}}
  - {name: inside, options: {path: TOP/provisioning/dashboards/json}}
  - {name: absent, options: {path: TOP/absent}}
  - {name: variable, options: {path: $HOME}}
  - {name: relative, options: {path: json}}
  - {name: old, options: {folder: TOP/old}}
  - {name: all, options: {path: /}}
`
	rig.WriteTree(t, top, map[string]string{
		"provisioning/dashboards/p.yaml": strings.ReplaceAll(providers, "TOP", top), "provisioning/dashboards/json/i.json": "{}",
		"grafana.ini": "", "one/a.json": "{}", "one/sub/b.json": "{}", "old/c.json": "{}",
	})
	// The directory of the ini file contains all the others, but its source has only that file.
	r := NewReader(snapshot.Limits{}, Sources(filepath.Join(top, "provisioning"), filepath.Join(top, "grafana.ini"))...)
	want := map[string][]string{
		"grafana-ini": {"grafana.ini"}, "dashboards": {"json/i.json", "p.yaml"}, "provider/one": {"a.json", "sub/b.json"}, "provider/old": {"c.json"},
	}
	for _, text := range []string{"", "providers: ["} {
		if text != "" {
			rig.WriteTree(t, top, map[string]string{"provisioning/dashboards/p.yaml": text})
		}
		set, err := r.Read(t.Context())
		rig.Must(t, err)
		if d := cmp.Diff(want, rig.FilesBySource(t, set, top)); d != "" {
			t.Errorf("after %q: %s", text, d)
		}
	}
}

// Only the directories that Grafana reads become sources, and the ini file even if its name looks like a pattern.
func TestSources(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	rig.WriteTree(t, top, map[string]string{
		"provisioning/datasources/a.yml": "", "provisioning/alerting/b.yml": "", "provisioning/other/c.yml": "",
		"gr*f[a]na.ini": "", "other.ini": "", "grafana.ini": "",
	})
	set, err := NewReader(snapshot.Limits{}, Sources(filepath.Join(top, "provisioning"), filepath.Join(top, "gr*f[a]na.ini"))...).Read(t.Context())
	rig.Must(t, err)
	want := map[string][]string{"datasources": {"a.yml"}, "alerting": {"b.yml"}, "grafana-ini": {"gr*f[a]na.ini"}}
	if d := cmp.Diff(want, rig.FilesBySource(t, set, top)); d != "" {
		t.Error(d)
	}
}

// FuzzScanProviders: whatever a provider file says, a source has an absolute directory other than / and a name of its own kind.
func FuzzScanProviders(f *testing.F) {
	f.Add([]byte("providers: [{name: a/b, options: {path: /x}}]"))
	f.Add([]byte("providers: &a [*a]"))
	f.Add([]byte("providers: [{name: .., options: {path: /x}}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		sources, _ := ScanProviders(b)
		for _, s := range sources {
			if !filepath.IsAbs(s.Dir) || s.Dir == "/" || !strings.HasPrefix(s.Name, "provider") {
				t.Errorf("source %+v", s)
			}
		}
	})
}
