package validator

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// fuzzFile judges one file of a kind for several versions. There is no panic; each finding has a file, a rule, a message and a
// severity; a refused file is also refused if it ran before; and a file that the YAML library cannot read is refused.
func fuzzFile(t *testing.T, role, name string, content []byte) {
	for _, version := range []string{"7.5.5", "9.4", "11.5", "12.4"} {
		dir := "/p/" + role
		sources := []*snapshot.Snapshot{snapshot.FromFiles(snapshot.Source{Name: role, Dir: dir}, map[string][]byte{name: content})}
		if role == "json" {
			p := []byte("apiVersion: 1\nproviders: [{name: p, options: {path: /p/json}}]")
			sources = append(sources, snapshot.FromFiles(snapshot.Source{Name: grafana.Dashboards, Dir: "/p/dashboards"}, map[string][]byte{"p.yaml": p}))
		}
		req := finding.Request{Set: snapshot.NewSet(sources...), Facts: finding.Facts{Version: version, Live: trialLive()}}
		v := New(validation.Options{})
		first, err := v.Validate(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range first.Findings {
			if f.File == "" || f.Rule == "" || f.Message == "" || f.Severity == 0 {
				t.Fatalf("incomplete: %+v", f)
			}
		}
		req.Running = first.Outline
		again, err := v.Validate(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if first.Invalid() && !again.Invalid() {
			t.Fatalf("%s: refused, but not after it ran: %q", version, content)
		}
		var node yaml.Node
		if role != "json" && len(content) < 1<<16 && yaml.Unmarshal(content, &node) != nil && !first.Invalid() && !notifiersGone(role, version) {
			t.Fatalf("%s: accepted, but the library cannot read it: %q", version, content)
		}
	}
}

// notifiersGone reports whether this version no longer reads files of notifiers.
func notifiersGone(role, version string) bool {
	return role == grafana.Notifiers && grafana.ParseVersion(version).AtLeast(validation.V10)
}

func fuzzKind(f *testing.F, role string) {
	for _, c := range loadTrials(f, role) {
		for name, content := range c.Files {
			if strings.HasPrefix(name, role+"/") {
				f.Add([]byte(content))
			}
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) { fuzzFile(t, role, "f.yaml", content) })
}

// See fuzzFile for these and for FuzzDashboard.
func FuzzDatasources(f *testing.F) { fuzzKind(f, grafana.Datasources) }
func FuzzProviders(f *testing.F)   { fuzzKind(f, grafana.Dashboards) }
func FuzzPlugins(f *testing.F)     { fuzzKind(f, grafana.Plugins) }
func FuzzNotifiers(f *testing.F)   { fuzzKind(f, grafana.Notifiers) }

func FuzzDashboard(f *testing.F) {
	for _, c := range loadTrials(f, grafana.Dashboards) {
		for name, content := range c.Files {
			if strings.HasSuffix(name, ".json") {
				f.Add([]byte(content))
			}
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) { fuzzFile(t, "json", "f.json", content) })
}

// Garbage, huge files, alias bombs and deep nesting are refused, for each kind of file. Bad dashboards are reported.
func TestBadInput(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	bomb := "a0: &a0 {k: [x,x,x,x,x,x,x,x,x,x]}\n"
	for i := 1; i < 15; i++ {
		bomb += fmt.Sprintf("a%d: &a%d {k: [%s]}\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	huge := strings.Repeat("x", 100<<20)
	inputs := map[string]string{
		"garbage": "\x00\x01\xff\xfe\x00PNG", "huge": huge, "deep": strings.Repeat("[", 200_000), "deep map": strings.Repeat("{a: ", 50_000),
		"bomb datasources": bomb + "apiVersion: 1\ndatasources: [{name: x, type: y, jsonData: *a14}]\n",
		"bomb providers":   bomb + "apiVersion: 1\nproviders: [{name: x, options: *a14}]\n",
		"bomb apps":        bomb + "apps: [{type: x, jsonData: *a14}]\n",
		"bomb notifiers":   bomb + "notifiers: [{name: x, uid: x, type: email, settings: *a14}]\n",
	}
	kinds := map[string]string{grafana.Datasources: "bomb datasources", grafana.Dashboards: "bomb providers", grafana.Plugins: "bomb apps", grafana.Notifiers: "bomb notifiers"}
	for role, bombName := range kinds {
		for _, name := range []string{"garbage", "huge", "deep", "deep map", bombName} {
			set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: role, Dir: "/p"}, map[string][]byte{"f.yaml": []byte(inputs[name])}))
			r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set, Facts: finding.Facts{Version: "9.4"}})
			if err != nil {
				t.Fatal(err)
			}
			if !r.Invalid() {
				t.Errorf("%s: %s was accepted", role, name)
			}
		}
	}
	for name, content := range map[string]string{"garbage": inputs["garbage"], "huge": huge, "deep": strings.Repeat(`{"a":[`, 1_000_000)} {
		p := []byte("apiVersion: 1\nproviders: [{name: p, options: {path: /j}}]")
		set := snapshot.NewSet(
			snapshot.FromFiles(snapshot.Source{Name: grafana.Dashboards, Dir: "/p"}, map[string][]byte{"p.yaml": p}),
			snapshot.FromFiles(snapshot.Source{Name: "json", Dir: "/j"}, map[string][]byte{"f.json": []byte(content)}))
		r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range r.Findings {
			found = found || f.Rule == ruleJSON
		}
		if !found {
			t.Errorf("the dashboard %s is not reported: %s", name, listed(r.Findings))
		}
	}
}
