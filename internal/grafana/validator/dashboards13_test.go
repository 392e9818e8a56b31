package validator

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

func dashboardSet(provider string, files map[string]string) *snapshot.Set {
	raw := map[string][]byte{}
	for name, content := range files {
		raw[name] = []byte(content)
	}
	return snapshot.NewSet(
		snapshot.FromFiles(snapshot.Source{Name: grafana.Dashboards, Dir: "/p/dashboards"}, map[string][]byte{"p.yaml": []byte(provider)}),
		snapshot.FromFiles(snapshot.Source{Name: "json", Dir: "/d"}, raw))
}

// Since Grafana 13, each directory becomes a folder in the one above, at most 4 deep
// (https://github.com/grafana/grafana/pull/119852). Up to 12.4 only the last directory becomes one. A directory that is too deep
// is one warning, however many files it has.
func TestNestedFolders(t *testing.T) {
	t.Parallel()
	set := dashboardSet("apiVersion: 1\nproviders: [{name: d, updateIntervalSeconds: 30, options: {path: /d, foldersFromFilesStructure: true}}]\n", map[string]string{
		"a/b/c/d/four.json": `{"title": "Four", "uid": "four"}`, "a/b/c/d/e/five.json": `{"title": "Five", "uid": "five"}`, "a/b/c/d/e/six.json": `{"title": "Six", "uid": "six"}`,
	})
	for version, want := range map[string]int{"12.4.0": 0, "13.2.0": 1} {
		r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set, Facts: finding.Facts{Version: version}})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, f := range r.Findings {
			if f.Rule == ruleFolderDepth && f.Severity == finding.Warning && strings.HasPrefix(f.File, "/d/a/b/c/d/e/") {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: %d warnings, want %d\n%s", version, n, want, listed(r.Findings))
		}
		if r.Invalid() {
			t.Errorf("%s: an error, although no real server showed it", version)
		}
	}
	p := &validation.Pass{Version: validation.V13}
	v := &providerView{provider: &provider{fromFiles: true}}
	if got := folderOf(p, v, jsonFile{rel: "a/b/c.json"}); got != "a/b" {
		t.Errorf("folder %q", got)
	}
	p.Version = validation.V124
	if got := folderOf(p, v, jsonFile{rel: "a/b/c.json"}); got != "b" {
		t.Errorf("folder %q", got)
	}
}

// Since Grafana 13, a new folder of a provider does not move dashboards whose files did not change: there is a warning. Up to 12.4
// all dashboards move.
func TestFolderOfProviderChanged(t *testing.T) {
	t.Parallel()
	at := func(folder string) *snapshot.Set {
		return dashboardSet("apiVersion: 1\nproviders: [{name: d, "+folder+"updateIntervalSeconds: 30, options: {path: /d}}]\n", map[string]string{"a.json": `{"title": "A", "uid": "a"}`})
	}
	for _, c := range []struct {
		version, before, after string
		want                   bool
	}{
		{"13.0.1", "folder: Old, ", "folder: New, ", true},
		{"13.3.0", "folder: Old, ", "folder: New, ", true},
		{"13.3.0", "folder: Old, ", "folder: Old, ", false},
		{"13.3.0", "", "folder: New, ", false}, // whether they were at the top before is not known
		{"12.4.0", "folder: Old, ", "folder: New, ", false},
	} {
		v := New(validation.Options{})
		before, err := v.Validate(t.Context(), finding.Request{Set: at(c.before), Facts: finding.Facts{Version: c.version}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := v.Validate(t.Context(), finding.Request{Set: at(c.after), Facts: finding.Facts{Version: c.version}, Running: before.Outline})
		if err != nil || r.Invalid() {
			t.Fatalf("%+v: %v\n%s", c, err, listed(r.Findings))
		}
		told := slices.ContainsFunc(r.Findings, func(f finding.Finding) bool {
			return f.Rule == ruleProviderFolderNew && f.Severity == finding.Warning && f.Line == 2
		})
		if told != c.want {
			t.Errorf("%+v: warned %t\n%s", c, told, listed(r.Findings))
		}
	}
}

// How deep folders may be nested (1 to 7) is the running server's setting, or that of grafana.ini if no server was asked.
func TestNestedFolderDepth(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for depth := 1; depth <= 8; depth++ {
		files[strings.Repeat("d/", depth)+"x.json"] = `{"title": "X", "uid": "x` + string(rune('0'+depth)) + `"}`
	}
	boards := dashboardSet("apiVersion: 1\nproviders: [{name: d, updateIntervalSeconds: 30, options: {path: /d, foldersFromFilesStructure: true}}]\n", files)
	for text, want := range map[string]int{
		"": 4, "[folder]\nmax_nested_folder_depth = 3\n": 5, "[folder]\nmax_nested_folder_depth = 7\n": 1, "[folder]\nmax_nested_folder_depth = 99\n": 1,
		"[folder]\nmax_nested_folder_depth = 0\n": 7, "[folder]\nmax_nested_folder_depth = many\n": 4, "[folder]\nmax_nested_folder_depth =\n": 4, "[folder\n": 4,
	} {
		set := boards
		if text != "" {
			set = snapshot.NewSet(append(slices.Clone(boards.Snapshots), snapshot.FromFiles(snapshot.Source{Name: grafana.Ini, Dir: "/i"}, map[string][]byte{"grafana.ini": []byte(text)}))...)
		}
		for _, live := range []*validation.Live{nil, {Settings: map[string]string{}}, {Settings: map[string]string{"folder.max_nested_folder_depth": "6"}}} {
			r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set, Facts: finding.Facts{Version: "13.2.0", Live: live}})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, f := range r.Findings {
				if f.Rule == ruleFolderDepth {
					n++
				}
			}
			want := want
			if live != nil {
				if want = 4; len(live.Settings) > 0 {
					want = 2
				}
			}
			if n != want {
				t.Errorf("%q, running %+v: %d files are too deep, want %d\n%s", text, live, n, want, listed(r.Findings))
			}
		}
	}
}

// The minimum refresh is the running server's setting, or that of grafana.ini, or 5 s. Durations have Grafana's forms: Go's, and
// one number with a unit (ValidateDashboardRefreshInterval in Grafana 12.4, gtime.ParseDuration of its SDK).
func TestRefresh(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ini, live, refresh string
		want               bool
	}{
		{refresh: "5s"}, {refresh: "4s", want: true}, {refresh: "1m30s"}, {refresh: "0.5h"}, {refresh: "1w"}, {refresh: "1M"}, {refresh: "auto"}, {refresh: ""},
		{refresh: "often", want: true}, {refresh: "30", want: true}, {refresh: "-1h", want: true}, {refresh: "99999999999999999999d", want: true},
		{ini: "1s", refresh: "1s"}, {ini: "1m", refresh: "30s", want: true}, {ini: "1m", refresh: "1m"}, {ini: "1d", refresh: "23h", want: true},
		{ini: " ", refresh: "4s", want: true}, {ini: "often", refresh: "1s", want: true}, {ini: "often", refresh: "auto"}, {ini: "often", refresh: "often", want: true},
		{ini: "$__env{LEAST}", refresh: "1s"}, {ini: "$__env{LEAST}", refresh: "often", want: true},
		{ini: "1m", live: "1s", refresh: "1s"}, {ini: "1s", live: "1m", refresh: "30s", want: true},
	} {
		set := dashboardSet("apiVersion: 1\nproviders: [{name: d, updateIntervalSeconds: 30, options: {path: /d}}]\n",
			map[string]string{"a.json": `{"title": "A", "uid": "a", "refresh": "` + c.refresh + `"}`})
		if c.ini != "" {
			text := "[dashboards]\nmin_refresh_interval = " + c.ini + "\n"
			set = snapshot.NewSet(append(slices.Clone(set.Snapshots), snapshot.FromFiles(snapshot.Source{Name: grafana.Ini, Dir: "/i"}, map[string][]byte{"grafana.ini": []byte(text)}))...)
		}
		facts := finding.Facts{Version: "12.4.0"}
		if c.live != "" {
			facts.Live = &validation.Live{Settings: map[string]string{"dashboards.min_refresh_interval": c.live}}
		}
		r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set, Facts: facts})
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == ruleRefresh }); got != c.want {
			t.Errorf("%+v: warned %t\n%s", c, got, listed(r.Findings))
		}
	}
	if !slices.Contains(validation.LiveSettings(), "dashboards.min_refresh_interval") {
		t.Error("the running server is not asked for the setting")
	}
}

// Grafana 12.4 skips a v2 resource whose refresh is below the minimum; a classic dashboard or a v1 resource it stores with the
// minimum instead. If the minimum is not a duration, it skips every dashboard that has a refresh. If a tag is null, it ignores all
// tags. All this was measured.
func TestRefreshThatSkips(t *testing.T) {
	t.Parallel()
	resource := func(version, spec string) string {
		return `{"apiVersion": "dashboard.grafana.app/` + version + `", "kind": "Dashboard", "metadata": {"name": "a"}, "spec": {"title": "A", ` + spec + `}}`
	}
	long := strings.Repeat("x", maxTag+1)
	for _, c := range []struct {
		json, ini, version, want string
	}{
		{json: resource("v2beta1", `"timeSettings": {"autoRefresh": "1s"}`), want: ruleRefresh},
		{json: resource("v2beta1", `"timeSettings": {"autoRefresh": "often"}`), want: ruleRefresh},
		{json: resource("v2beta1", `"timeSettings": {"autoRefresh": "5s"}`)},
		{json: resource("v2beta1", `"timeSettings": {"autoRefresh": ""}`)},
		{json: resource("v2beta1", `"timeSettings": {"autoRefresh": "1s"}`), version: "12.0.0"},
		{json: resource("v1beta1", `"refresh": "1s"`)},
		{json: `{"title": "A", "uid": "a", "refresh": "1s"}`},
		{json: `{"title": "A", "uid": "a", "refresh": "30s"}`, ini: "often", want: ruleRefresh},
		{json: `{"title": "A", "uid": "a", "refresh": "30s"}`, ini: "often", version: "11.0.0"},
		{json: `{"title": "A", "uid": "a"}`, ini: "often"},
		{json: `{"title": "A", "uid": "a", "tags": ["` + long + `"]}`, want: ruleTag},
		{json: `{"title": "A", "uid": "a", "tags": [null, "` + long + `"]}`},
	} {
		set := dashboardSet("apiVersion: 1\nproviders: [{name: d, updateIntervalSeconds: 30, options: {path: /d}}]\n", map[string]string{"a.json": c.json})
		text := "[dashboards]\nmin_refresh_interval = " + c.ini + "\n"
		set = snapshot.NewSet(append(slices.Clone(set.Snapshots), snapshot.FromFiles(snapshot.Source{Name: grafana.Ini, Dir: "/i"}, map[string][]byte{"grafana.ini": []byte(text)}))...)
		r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set, Facts: finding.Facts{Version: cmp.Or(c.version, "12.4.0")}})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Expected.(*Expected).Skipped["/d/a.json"]; got != c.want {
			t.Errorf("%+v: skipped because of %q\n%s", c, got, listed(r.Findings))
		}
	}
}

// The driver is told which dashboards Grafana skips, and no others. Library panels in a row are reported like all others.
func TestSkippedDashboards(t *testing.T) {
	t.Parallel()
	resource := func(meta, spec string) string {
		return `{"apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "metadata": {"name": "x"` + meta + `}, "spec": {"title": "T"` + spec + `}}`
	}
	const query = `, "elements": {"p": {"kind": "Panel", "spec": {"data": {"kind": "QueryGroup", "spec": {"queries": [{"kind": "PanelQuery", "spec": {"query": {"kind": "DataQuery", "group": "prometheus", "datasource": @, "spec": {"datasource": "mine"}}}}]}}}}}`
	set := dashboardSet("apiVersion: 1\nproviders: [{name: d, orgId: 2, folder: F, folderUid: f, updateIntervalSeconds: 30, options: {path: /d}}]\n", map[string]string{
		"good.json": `{"title": "A", "uid": "a"}`, "json.json": `{"title": }`, "title.json": `{"uid": "b"}`, "bare.json": `{"title": "B", "layout": "?"}`,
		"folder.json": resource(`, "annotations": {"grafana.app/folder": "g"}`, ""), "fits.json": resource(`, "namespace": "org-2", "annotations": {"grafana.app/folder": "f"}`, ""),
		"org.json": resource(`, "namespace": "default"`, ""), "text.json": resource("", strings.ReplaceAll(query, "@", `"metrics"`)), "map.json": resource("", strings.ReplaceAll(query, "@", `{"name": "metrics"}`)),
		"library.json": `{"title": "L", "uid": "l", "panels": [{"type": "row", "panels": [{"libraryPanel": {"name": "In a row", "uid": "u"}}, {"libraryPanel": {"uid": "only-uid"}}]}]}`,
	})
	r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set, Facts: finding.Facts{Version: "13.1.0"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/d/bare.json", "/d/folder.json", "/d/json.json", "/d/org.json", "/d/text.json", "/d/title.json"}
	if got := slices.Sorted(maps.Keys(r.Expected.(*Expected).Skipped)); !slices.Equal(got, want) {
		t.Errorf("skipped %q, want %q\n%s", got, want, listed(r.Findings))
	}
	for _, name := range []string{"In a row", "only-uid"} {
		if !strings.Contains(listed(r.Findings), `library panel "`+name+`"`) {
			t.Errorf("the library panel %q in a row is not reported:\n%s", name, listed(r.Findings))
		}
	}
}
