package grafanatest

import "strings"

// Change is a change of one file. Until Grafana has read it, reloader must not report that Grafana runs the new files.
type Change struct {
	Name string
	// Before and After are the files, by their names below the provisioning directory. @DIR@ in a file means that directory.
	Before, After map[string]string
	// Hidden says that Grafana does not show the difference: only its answer to a reload proves it.
	Hidden bool
	// Stays says that Grafana keeps what was removed, because no file deletes it.
	Stays bool
	// Unhealed says that even a reload does not apply the change.
	Unhealed bool
}

// TwoDatasources have fields of every kind.
const TwoDatasources = `apiVersion: 1
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

// AlertFiles have objects of every kind of alerting.
const AlertFiles = `apiVersion: 1
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

// WithFolder is a provider in a folder.
const WithFolder = `apiVersion: 1
providers:
  - name: boards
    type: file
    folder: @FOLDER@
    disableDeletion: false
    updateIntervalSeconds: 3600
    options: {path: "@DIR@/json"}
`

// Changes are the changes that once looked live in trials with a real Grafana 12.4 that ran something else.
func Changes() []Change {
	ds := func(pairs ...string) map[string]string {
		text := strings.NewReplacer(append(pairs, "@PRUNE@", "true")...).Replace(TwoDatasources)
		return map[string]string{"datasources/ds.yaml": text}
	}
	al := func(pairs ...string) map[string]string {
		return map[string]string{"datasources/ds.yaml": ds()["datasources/ds.yaml"], "alerting/all.yaml": strings.NewReplacer(pairs...).Replace(AlertFiles)}
	}
	boards := func(folder string, files map[string]string) map[string]string {
		out := map[string]string{"dashboards/p.yaml": strings.ReplaceAll(WithFolder, "@FOLDER@", folder), "json/.keep": "keep"}
		for name, text := range files {
			out["json/"+name] = text
		}
		return out
	}
	const b1, b2, noUID = `{"uid": "b1", "title": "One", "panels": []}`, `{"uid": "b2", "title": "Two"}`, `{"title": "Without"}`
	second := TwoDatasources[strings.Index(TwoDatasources, "  - name: Second"):]
	linked := TwoDatasources[strings.Index(TwoDatasources, "    correlations:"):strings.Index(TwoDatasources, "  - name: Second")]
	return []Change{
		{Name: "a1 expression", Before: al(), After: al("expr: up, instant", "expr: up == 1, instant")},
		{Name: "a2 threshold", Before: al(), After: al("params: [9]", "params: [11]")},
		{Name: "a3 condition", Before: al(), After: al("condition: B", "condition: C")},
		{Name: "a4 labels", Before: al(), After: al("labels: {team: a}", "labels: {team: b}")},
		{Name: "a5 for", Before: al(), After: al("for: 5m", "for: 10m")},
		{Name: "a6 paused", Before: al(), After: al("isPaused: false", "isPaused: true")},
		{Name: "a7 interval", Before: al(), After: al("interval: 1m", "interval: 2m")},
		{Name: "a8 group", Before: al(), After: al("name: Group", "name: Another")},
		{Name: "a8 folder", Before: al(), After: al("folder: Rules", "folder: Elsewhere")},
		{Name: "a8 folder with a slash too many", Before: al(), After: al("folder: Rules", "folder: /Elsewhere//Below/")},
		{Name: "a8 folder with a slash in its title", Before: al("folder: Rules", `folder: 'Rules\/Team'`), After: al("folder: Rules", `folder: 'Rules\/Other'`)},
		{Name: "a9 title", Before: al(), After: al("title: First", "title: Last")},
		{Name: "a10 annotations", Before: al(), After: al("It is up", "It was up")},
		{Name: "a11 no data", Before: al(), After: al("condition: B", "condition: B\n        noDataState: OK")},
		{Name: "a12 delete rule", Before: al(), After: al(AlertFiles[strings.Index(AlertFiles, "groups:"):strings.Index(AlertFiles, "contactPoints:")], "deleteRules: [{orgId: 1, uid: rule-1}]\n")},
		{Name: "b1 contact point url", Before: al(), After: al("127.0.0.1:1/a", "127.0.0.1:1/c")},
		{Name: "b2 contact point method", Before: al(), After: al("httpMethod: POST", "httpMethod: PUT")},
		{Name: "b2 contact point secret", Before: al(), After: al("word-A", "word-B"), Hidden: true},
		{Name: "b3 child matcher", Before: al(), After: al("[[team, =, a]]", "[[team, =, b]]")},
		{Name: "b4 child receiver", Before: al(), After: al("      - receiver: Other", "      - receiver: Hook")},
		{Name: "b5 root receiver", Before: al(), After: al("    receiver: Hook", "    receiver: Other")},
		{Name: "b6 group wait", Before: al(), After: al("group_wait: 30s", "group_wait: 45s")},
		{Name: "b7 mute timing", Before: al(), After: al("22:00", "23:00")},
		{Name: "b7 mute days", Before: al(), After: al("monday:friday", "monday:saturday")},
		{Name: "b8 template", Before: al(), After: al("}}one{{", "}}two{{")},
		{Name: "b9 reset", Before: al(), After: al(AlertFiles[strings.Index(AlertFiles, "policies:"):strings.Index(AlertFiles, "muteTimes:")], "resetPolicies: [1]\n")},
		{Name: "b10 delete template", Before: al(), After: al(AlertFiles[strings.Index(AlertFiles, "templates:"):], "deleteTemplates: [{orgId: 1, name: Words}]\n")},
		{Name: "c1 url", Before: ds(), After: ds(":9090", ":9095")},
		{Name: "c2 jsonData", Before: ds(), After: ds("15s", "20s")},
		{Name: "c3 secret value", Before: ds(), After: ds("secret-A", "secret-B"), Hidden: true},
		{Name: "c4 secret key", Before: ds(), After: ds("secureJsonData: {", "secureJsonData: {httpHeaderValue2: x, ")},
		{Name: "c4 secret key gone", Before: ds(), After: ds("    secureJsonData: {httpHeaderValue1: secret-A}\n", "")},
		{Name: "c5 default", Before: ds(), After: ds("isDefault: true", "isDefault: false")},
		{Name: "c5 default dropped", Before: ds(), After: ds("    isDefault: true\n", "")},
		{Name: "c6 correlations", Before: ds(), After: ds("label: LA", "label: LB")},
		{Name: "c6 correlations gone", Before: ds(), After: ds(linked, "")},
		{Name: "c7 editable", Before: ds(), After: ds("editable: false", "editable: true")},
		{Name: "c8 user", Before: ds(), After: ds("    type: prometheus\n    access: proxy\n    url: http://127.0.0.1:9090\n", "    type: prometheus\n    access: proxy\n    url: http://127.0.0.1:9090\n    user: me\n    database: d\n")},
		{Name: "c9 basic auth", Before: ds(), After: ds("    editable: false\n", "    basicAuth: true\n    basicAuthUser: me\n    withCredentials: true\n")},
		{Name: "e1 removed without prune", Before: unpruned(ds(linked, "")), After: unpruned(ds(second, "", linked, "")), Stays: true},
		{Name: "e2 pruned", Before: ds(), After: ds(second, "", linked, "")},
		{Name: "e3 deleted", Before: ds(), After: ds(second, "deleteDatasources: [{name: Second, orgId: 1}]\n", linked, "")},
		{Name: "e3 deleted in an organization that does not exist", Before: ds(), After: ds(second, "deleteDatasources: [{name: Second, orgId: 1}, {name: Second, orgId: 77}]\n", linked, "")},
		{Name: "e7 older version", Before: ds("    editable: false\n", "    version: 3\n"), After: ds("    editable: false\n", "    version: 1\n", ":9090", ":9095"), Unhealed: true},
		{Name: "d1 title", Before: boards("Boards", map[string]string{"b1.json": b1}), After: boards("Boards", map[string]string{"b1.json": strings.Replace(b1, "One", "Uno", 1)})},
		{Name: "d2 panels", Before: boards("Boards", map[string]string{"b1.json": b1}), After: boards("Boards", map[string]string{"b1.json": strings.Replace(b1, "[]", `[{"id": 1, "type": "text"}]`, 1)})},
		{Name: "d3 file removed", Before: boards("Boards", map[string]string{"b1.json": b1, "b2.json": b2}), After: boards("Boards", map[string]string{"b1.json": b1})},
		{Name: "d4 folder", Before: boards("Boards", map[string]string{"b1.json": b1}), After: boards("Shelf", map[string]string{"b1.json": b1})},
		{Name: "d5 without uid", Before: boards("Boards", map[string]string{"b1.json": b1}), After: boards("Boards", map[string]string{"b1.json": b1, "n.json": noUID})},
		{Name: "d6 broken", Before: boards("Boards", map[string]string{"b1.json": b1}), After: boards("Boards", map[string]string{"b1.json": `{"uid": "b1", `}), Unhealed: true},
		{Name: "d8 all removed", Before: boards("Boards", map[string]string{"b1.json": b1, "b2.json": b2}), After: boards("Boards", nil)},
		{Name: "d9 provider setting", Before: boards("Boards", map[string]string{"b1.json": b1}), After: replaced(boards("Boards", map[string]string{"b1.json": b1}), "disableDeletion: false", "disableDeletion: true"), Hidden: true},
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
