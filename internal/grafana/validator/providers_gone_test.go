package validator

import (
	"slices"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// However the list of providers becomes empty, the guard holds back the change, because it would delete all dashboards. That
// holds whether the dashboards are visible to reloader or not. With the guard allowed, the change passes.
func TestNoProviderIsLeft(t *testing.T) {
	t.Parallel()
	const one = "apiVersion: 1\nproviders:\n- {name: main, updateIntervalSeconds: 30, options: {path: /d}}\n"
	for _, seen := range []bool{true, false} {
		set := func(text string) *snapshot.Set {
			snaps := []*snapshot.Snapshot{snapshot.FromFiles(snapshot.Source{Name: grafana.Dashboards, Dir: "/p/dashboards"}, map[string][]byte{"p.yaml": []byte(text)})}
			if seen {
				snaps = append(snaps, snapshot.FromFiles(snapshot.Source{Name: "provider/main", Dir: "/d", ServerDir: "/d"}, map[string][]byte{"a.json": []byte(`{"title": "a", "uid": "a"}`)}))
			}
			return snapshot.NewSet(snaps...)
		}
		v := New(validation.Options{})
		before, err := v.Validate(t.Context(), finding.Request{Set: set(one)})
		if err != nil || before.Invalid() {
			t.Fatalf("%v %v", before.Findings, err)
		}
		for _, text := range []string{"apiVersion: 1\nproviders: []\n", "apiVersion: 1\nproviders:\n", "apiVersion: 1\n", "# nothing\n", ""} {
			for _, allow := range [][]string{nil, {guardAllGone}} {
				got, err := v.Validate(t.Context(), finding.Request{Set: set(text), Running: before.Outline, Allow: allow})
				fired := slices.ContainsFunc(got.Findings, func(f finding.Finding) bool { return f.Rule == guardAllGone })
				if err != nil || !fired || got.Invalid() != (allow == nil) {
					t.Errorf("%q, seen %t, allowed %q: %v %v", text, seen, allow, got.Findings, err)
				}
			}
		}
	}
}
