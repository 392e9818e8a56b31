package driver

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// change is one change of one file, and what Grafana is then not to be said to run.
type rowChange struct {
	name string
	// before and after are the files, by their names below the provisioning directory.
	before, after map[string]string
	// hidden says that Grafana does not show the difference: only its answer to a reload proves it.
	hidden bool
	// stays says that Grafana keeps what went, as the files say nothing of it.
	stays bool
	// unhealed says that not even a reload brings the difference.
	unhealed bool
}

const twoDatasources = `apiVersion: 1
prune: @PRUNE@
datasources:
  - name: Prometheus
    uid: prom
    type: prometheus
    access: proxy
    url: http://127.0.0.1:9090
    isDefault: true
    editable: false
    jsonData: {timeInterval: 15s}
    secureJsonData: {httpHeaderValue1: secret-A}
    correlations:
      - targetUID: second
        label: LA
        description: to the second
        config: {field: message, target: {expr: up}}
  - name: Second
    uid: second
    type: prometheus
    access: proxy
    url: http://127.0.0.1:9091
`

const alertFiles = `apiVersion: 1
groups:
  - orgId: 1
    name: Group
    folder: Rules
    interval: 1m
    rules:
      - uid: rule-1
        title: First
        condition: B
        for: 5m
        labels: {team: a}
        annotations: {summary: It is up}
        isPaused: false
        data:
          - refId: A
            datasourceUid: prom
            relativeTimeRange: {from: 600, to: 0}
            model: {expr: up, instant: true}
          - refId: B
            datasourceUid: __expr__
            model: {type: threshold, expression: A, conditions: [{evaluator: {type: gt, params: [9]}}]}
          - refId: C
            datasourceUid: __expr__
            model: {type: threshold, expression: A, conditions: [{evaluator: {type: gt, params: [5]}}]}
contactPoints:
  - orgId: 1
    name: Hook
    receivers:
      - uid: hook
        type: webhook
        settings: {url: "http://127.0.0.1:1/a", httpMethod: POST, password: word-A, username: me}
  - orgId: 1
    name: Other
    receivers:
      - uid: other
        type: webhook
        settings: {url: "http://127.0.0.1:1/b"}
policies:
  - orgId: 1
    receiver: Hook
    group_by: [alertname]
    group_wait: 30s
    routes:
      - receiver: Other
        object_matchers: [[team, =, a]]
        mute_time_intervals: [Nights]
muteTimes:
  - orgId: 1
    name: Nights
    time_intervals: [{times: [{start_time: "22:00", end_time: "24:00"}], weekdays: ["monday:friday"], months: [january]}]
templates:
  - orgId: 1
    name: Words
    template: "{{ define \"Words\" }}one{{ end }}"
`

const withFolder = `apiVersion: 1
providers:
  - name: boards
    type: file
    folder: @FOLDER@
    disableDeletion: false
    updateIntervalSeconds: 3600
    options: {path: "@DIR@/json"}
`

// rowChanges are the rows of the trials beside a real Grafana 12.4 that looked live while it ran something else.
func rowChanges() []rowChange {
	ds := func(pairs ...string) map[string]string {
		text := strings.NewReplacer(append(pairs, "@PRUNE@", "true")...).Replace(twoDatasources)
		return map[string]string{"datasources/ds.yaml": text}
	}
	al := func(pairs ...string) map[string]string {
		return map[string]string{"datasources/ds.yaml": ds()["datasources/ds.yaml"], "alerting/all.yaml": strings.NewReplacer(pairs...).Replace(alertFiles)}
	}
	boards := func(folder string, files map[string]string) map[string]string {
		out := map[string]string{"dashboards/p.yaml": strings.ReplaceAll(withFolder, "@FOLDER@", folder), "json/.keep": "keep"}
		for name, text := range files {
			out["json/"+name] = text
		}
		return out
	}
	const b1, b2, noUID = `{"uid": "b1", "title": "One", "panels": []}`, `{"uid": "b2", "title": "Two"}`, `{"title": "Without"}`
	second := twoDatasources[strings.Index(twoDatasources, "  - name: Second"):]
	linked := twoDatasources[strings.Index(twoDatasources, "    correlations:"):strings.Index(twoDatasources, "  - name: Second")]
	return []rowChange{
		{name: "a1 expression", before: al(), after: al("expr: up, instant", "expr: up == 1, instant")},
		{name: "a2 threshold", before: al(), after: al("params: [9]", "params: [11]")},
		{name: "a3 condition", before: al(), after: al("condition: B", "condition: C")},
		{name: "a4 labels", before: al(), after: al("labels: {team: a}", "labels: {team: b}")},
		{name: "a5 for", before: al(), after: al("for: 5m", "for: 10m")},
		{name: "a6 paused", before: al(), after: al("isPaused: false", "isPaused: true")},
		{name: "a7 interval", before: al(), after: al("interval: 1m", "interval: 2m")},
		{name: "a8 group", before: al(), after: al("name: Group", "name: Another")},
		{name: "a8 folder", before: al(), after: al("folder: Rules", "folder: Elsewhere")},
		{name: "a8 folder with a slash too many", before: al(), after: al("folder: Rules", "folder: /Elsewhere//Below/")},
		{name: "a8 folder with a slash in its title", before: al("folder: Rules", `folder: 'Rules\/Team'`), after: al("folder: Rules", `folder: 'Rules\/Other'`)},
		{name: "a9 title", before: al(), after: al("title: First", "title: Last")},
		{name: "a10 annotations", before: al(), after: al("It is up", "It was up")},
		{name: "a11 no data", before: al(), after: al("condition: B", "condition: B\n        noDataState: OK")},
		{name: "a12 delete rule", before: al(), after: al(alertFiles[strings.Index(alertFiles, "groups:"):strings.Index(alertFiles, "contactPoints:")], "deleteRules: [{orgId: 1, uid: rule-1}]\n")},
		{name: "b1 contact point url", before: al(), after: al("127.0.0.1:1/a", "127.0.0.1:1/c")},
		{name: "b2 contact point method", before: al(), after: al("httpMethod: POST", "httpMethod: PUT")},
		{name: "b2 contact point secret", before: al(), after: al("word-A", "word-B"), hidden: true},
		{name: "b3 child matcher", before: al(), after: al("[[team, =, a]]", "[[team, =, b]]")},
		{name: "b4 child receiver", before: al(), after: al("      - receiver: Other", "      - receiver: Hook")},
		{name: "b5 root receiver", before: al(), after: al("    receiver: Hook", "    receiver: Other")},
		{name: "b6 group wait", before: al(), after: al("group_wait: 30s", "group_wait: 45s")},
		{name: "b7 mute timing", before: al(), after: al("22:00", "23:00")},
		{name: "b7 mute days", before: al(), after: al("monday:friday", "monday:saturday")},
		{name: "b8 template", before: al(), after: al("}}one{{", "}}two{{")},
		{name: "b9 reset", before: al(), after: al(alertFiles[strings.Index(alertFiles, "policies:"):strings.Index(alertFiles, "muteTimes:")], "resetPolicies: [1]\n")},
		{name: "b10 delete template", before: al(), after: al(alertFiles[strings.Index(alertFiles, "templates:"):], "deleteTemplates: [{orgId: 1, name: Words}]\n")},
		{name: "c1 url", before: ds(), after: ds(":9090", ":9095")},
		{name: "c2 jsonData", before: ds(), after: ds("15s", "20s")},
		{name: "c3 secret value", before: ds(), after: ds("secret-A", "secret-B"), hidden: true},
		{name: "c4 secret key", before: ds(), after: ds("secureJsonData: {", "secureJsonData: {httpHeaderValue2: x, ")},
		{name: "c4 secret key gone", before: ds(), after: ds("    secureJsonData: {httpHeaderValue1: secret-A}\n", "")},
		{name: "c5 default", before: ds(), after: ds("isDefault: true", "isDefault: false")},
		{name: "c5 default dropped", before: ds(), after: ds("    isDefault: true\n", "")},
		{name: "c6 correlations", before: ds(), after: ds("label: LA", "label: LB")},
		{name: "c6 correlations gone", before: ds(), after: ds(linked, "")},
		{name: "c7 editable", before: ds(), after: ds("editable: false", "editable: true")},
		{name: "c8 user", before: ds(), after: ds("    type: prometheus\n    access: proxy\n    url: http://127.0.0.1:9090\n", "    type: prometheus\n    access: proxy\n    url: http://127.0.0.1:9090\n    user: me\n    database: d\n")},
		{name: "c9 basic auth", before: ds(), after: ds("    editable: false\n", "    basicAuth: true\n    basicAuthUser: me\n    withCredentials: true\n")},
		{name: "e1 removed without prune", before: unpruned(ds(linked, "")), after: unpruned(ds(second, "", linked, "")), stays: true},
		{name: "e2 pruned", before: ds(), after: ds(second, "", linked, "")},
		{name: "e3 deleted", before: ds(), after: ds(second, "deleteDatasources: [{name: Second, orgId: 1}]\n", linked, "")},
		{name: "e3 deleted in an organization that is none", before: ds(), after: ds(second, "deleteDatasources: [{name: Second, orgId: 1}, {name: Second, orgId: 77}]\n", linked, "")},
		{name: "e7 older version", before: ds("    editable: false\n", "    version: 3\n"), after: ds("    editable: false\n", "    version: 1\n", ":9090", ":9095"), unhealed: true},
		{name: "d1 title", before: boards("Boards", map[string]string{"b1.json": b1}), after: boards("Boards", map[string]string{"b1.json": strings.Replace(b1, "One", "Uno", 1)})},
		{name: "d2 panels", before: boards("Boards", map[string]string{"b1.json": b1}), after: boards("Boards", map[string]string{"b1.json": strings.Replace(b1, "[]", `[{"id": 1, "type": "text"}]`, 1)})},
		{name: "d3 file removed", before: boards("Boards", map[string]string{"b1.json": b1, "b2.json": b2}), after: boards("Boards", map[string]string{"b1.json": b1})},
		{name: "d4 folder", before: boards("Boards", map[string]string{"b1.json": b1}), after: boards("Shelf", map[string]string{"b1.json": b1})},
		{name: "d5 without uid", before: boards("Boards", map[string]string{"b1.json": b1}), after: boards("Boards", map[string]string{"b1.json": b1, "n.json": noUID})},
		{name: "d6 broken", before: boards("Boards", map[string]string{"b1.json": b1}), after: boards("Boards", map[string]string{"b1.json": `{"uid": "b1", `}), unhealed: true},
		{name: "d8 all removed", before: boards("Boards", map[string]string{"b1.json": b1, "b2.json": b2}), after: boards("Boards", nil)},
		{name: "d9 provider setting", before: boards("Boards", map[string]string{"b1.json": b1}), after: replaced(boards("Boards", map[string]string{"b1.json": b1}), "disableDeletion: false", "disableDeletion: true"), hidden: true},
	}
}

func unpruned(files map[string]string) map[string]string {
	return replaced(files, "prune: true", "prune: false")
}

func replaced(files map[string]string, old, now string) map[string]string {
	out := map[string]string{}
	for name, text := range files {
		out[name] = strings.ReplaceAll(text, old, now)
	}
	return out
}

// elsewhere is what reloader reads when its mount is fresh and Grafana's is stale: files that lie in another
// directory, as those of Grafana's.
func (s server) elsewhere(t *testing.T, files map[string]string) *snapshot.Set {
	t.Helper()
	other := server{provisioning: t.TempDir()}
	for name, content := range files {
		other.write(t, name, strings.ReplaceAll(content, "@DIR@", s.provisioning)+"\n") // as lay does
	}
	var snaps []*snapshot.Snapshot
	for _, kind := range kindsIn(t, other.provisioning) {
		snap, err := snapshot.Take(t.Context(), snapshot.Source{Name: kind, Dir: filepath.Join(other.provisioning, kind), ServerDir: filepath.Join(s.provisioning, kind)}, snapshot.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		snaps = append(snaps, snap)
	}
	return snapshot.NewSet(snaps...)
}

func kindsIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

// Each change is never called live while Grafana runs the files before it, whether a stale mount or an absence of
// reloader is why; and it is proven once Grafana has read it.
func TestContractRows(t *testing.T) {
	servers(t, func(t *testing.T, s server) {
		for _, row := range rowChanges() {
			t.Run(row.name, func(t *testing.T) {
				r := newRig(t, s.url, s.password, nil)
				s.clean(t, r)
				old := s.lay(t, row.before)
				if _, v, err := r.apply(t.Context(), nil, old); err != nil || !v.Proven {
					t.Fatalf("the files before: %+v %v", v, err)
				}

				// Grafana's mount is stale: its reload is answered with 200.
				stale := s.elsewhere(t, row.after)
				_, v, err := r.apply(t.Context(), old, stale)
				switch {
				case err != nil:
					t.Fatal(err)
				case row.hidden && (!v.Proven || !strings.Contains(v.By, "not shown by Grafana")):
					t.Errorf("stale, and not shown: %+v, want a proof by the answer that says what was not read", v)
				case row.stays && !v.Proven, !row.hidden && !row.stays && (v.Proven || !v.Mismatch || len(v.Differences) == 0 || v.Cause == ""):
					t.Errorf("stale: %+v", v)
				}

				// reloader was away: another driver, which has reloaded nothing.
				away := newRig(t, s.url, s.password, nil)
				set := s.lay(t, row.after)
				seen, err := away.Observe(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p, err := away.Plan(t.Context(), reload.Change{New: set, Contents: true, Server: seen})
				if err != nil {
					t.Fatal(err)
				}
				if v, err = away.Confirm(t.Context(), p, reload.Proof{Before: seen}); err != nil || v.Proven && !row.stays && !strings.Contains(row.name, "dropped") {
					t.Errorf("after an absence, without a call: %+v %v", v, err)
				}

				// Now Grafana reads the files.
				_, v, err = r.apply(t.Context(), stale, set)
				if err != nil || v.Proven == row.unhealed {
					t.Errorf("healed: %+v %v", v, err)
				}
			})
		}
	})
}

// What is changed in Grafana by hand is found by a look, named, and healed by the next reload, whichever kind
// that one is for; it holds no other kind up.
func TestContractDrift(t *testing.T) {
	servers(t, func(t *testing.T, s server) {
		files := map[string]string{"datasources/ds.yaml": strings.NewReplacer("@PRUNE@", "true", "editable: false", "editable: true").Replace(twoDatasources)}
		const board = `{"uid": "b1", "title": "One", "panels": []}`
		files["dashboards/p.yaml"] = strings.NewReplacer("@FOLDER@", "Boards", "disableDeletion: false", "allowUiUpdates: true").Replace(withFolder)
		files["json/b1.json"] = board
		for _, tt := range []struct{ name, method, path, body, names string }{
			{"g1 datasource", http.MethodPut, "/api/datasources/uid/prom", `{"name": "Prometheus", "uid": "prom", "type": "prometheus", "access": "proxy", "url": "http://127.0.0.1:1/hand", "isDefault": true, "jsonData": {"timeInterval": "15s"}}`, `"Prometheus"`},
			{"g3 dashboard", http.MethodPost, "/api/dashboards/db", `{"dashboard": {"uid": "b1", "title": "By hand", "panels": []}, "folderUid": "@FOLDER@", "overwrite": true}`, `"b1"`},
		} {
			t.Run(tt.name, func(t *testing.T) {
				r := newRig(t, s.url, s.password, nil)
				s.clean(t, r)
				set := s.lay(t, files)
				p, v, err := r.apply(t.Context(), nil, set)
				if err != nil || !v.Proven {
					t.Fatalf("%+v %v", v, err)
				}
				var shown struct{ Meta struct{ FolderUID string } }
				_ = r.api.get(t.Context(), "/api/dashboards/uid/b1", nil, &shown)
				a, err := r.api.do(t.Context(), tt.method, tt.path, http.Header{"Content-Type": {"application/json"}}, []byte(strings.ReplaceAll(tt.body, "@FOLDER@", shown.Meta.FolderUID)))
				if err != nil || a.status != http.StatusOK {
					t.Fatalf("%s: %d %s %v", tt.path, a.status, a.body, err)
				}
				seen, err := r.Observe(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				look, err := r.Confirm(t.Context(), p, reload.Proof{Before: seen, Unchanged: true, Then: v.After})
				if err != nil || look.Proven || !look.Mismatch || !strings.Contains(strings.Join(look.Differences, " "), tt.names) || !strings.Contains(look.Cause, "by hand") {
					t.Fatalf("the look: %+v %v", look, err)
				}
				if text := strings.Join(look.Differences, " "); strings.Contains(text, "hand") {
					t.Errorf("a value is in %q", text)
				}
				// The next change is of another kind.
				changed := map[string]string{}
				for name, text := range files {
					changed[name] = strings.NewReplacer("url: http://127.0.0.1:9091", "url: http://127.0.0.1:9099", `"panels": []`, `"panels": [], "tags": ["x"]`).Replace(text)
				}
				if tt.method == http.MethodPut {
					changed["datasources/ds.yaml"] = files["datasources/ds.yaml"]
				} else {
					changed["json/b1.json"] = board
				}
				p, v, err = r.apply(t.Context(), set, s.lay(t, changed))
				if err != nil || !v.Proven {
					t.Errorf("after the next change: %+v %v", v, err)
				}
				want := []string{"POST /api/admin/provisioning/datasources/reload", "POST /api/admin/provisioning/dashboards/reload"}
				if !slices.Equal(p.Calls, want) {
					t.Errorf("calls %v, want %v", p.Calls, want)
				}
			})
		}
	})
}
