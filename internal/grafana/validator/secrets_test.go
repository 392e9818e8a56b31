package validator

import (
	"fmt"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana/expand"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// marked are files of every kind in which each value that may be a secret has the mark, also in files that are broken in many
// ways.
func marked(mark string) map[string]map[string]string {
	q := strings.NewReplacer("SECRET", mark).Replace
	return map[string]map[string]string{
		"datasources": {
			"a.yaml": q(`apiVersion: 1
datasources:
  - name: A
    type: prometheus
    uid: u1
    url: "http://user:SECRET@host:9090/$SECRET/pa$SECRET"
    user: SECRET
    database: [SECRET]
    basicAuthUser: ${X_SECRET}
    password: SECRET
    basicAuthPassword: SECRET
    isDefault: SECRET
    version: SECRET
    orgId: SECRET
    access: SECRET
    jsonData: {token: "SECRET$SECRET", nested: {1: SECRET, k: "${SECRET}"}, bad: !!int SECRET, d: $__vault{SECRET}}
    secureJsonData: {httpHeaderValue1: "Bearer SECRET$x", p: [SECRET], q: "${SECRET}", r: "$__file{SECRET}", s: "$__file{ SECRET}", t: "${SECRET:-SECRET}"}
    correlations: [SECRET, {label: [SECRET], config: {type: SECRET, target: SECRET}}]
  - SECRET
  - {name: B, type: prometheus, uid: u1, secureJsonData: SECRET}
`),
			"b.yaml": q("apiVersion: 1\ndatasources:\n  - name: \"SECRET\n"),
			"c.yaml": q("datasources:\n  - {name: C, type: x, secure_json_data: {p: {a: SECRET}}, json_data: {t: SECRET}, url: $SECRET, is_default: SECRET}\n"),
			"d.yaml": q("apiVersion: 1\nprune: SECRET\ndatasources: SECRET\n"),
			"e.yaml": q("apiVersion: SECRET\n"),
			"f.yaml": q("SECRET"),
			"g.yaml": q("a: SECRET: SECRET\n\t- SECRET"),
		},
		"plugins":    {"p.yaml": q("apps:\n  - {type: x, org_id: SECRET, disabled: SECRET, jsonData: {k: SECRET$SECRET}, secureJsonData: {k: pa$SECRET, l: [SECRET]}}\n  - SECRET\n")},
		"notifiers":  {"n.yaml": q("notifiers:\n  - {name: N, uid: n, type: email, settings: {addresses: [SECRET], x: $SECRET}, secure_settings: {password: SECRET$SECRET, y: {a: SECRET}}}\n")},
		"dashboards": {"p.yaml": q("apiVersion: 1\nproviders:\n  - {name: p, updateIntervalSeconds: SECRET, options: {path: /d, x: $SECRET, foldersFromFilesStructure: SECRET}}\n")},
		"json":       {"a.json": q(`{"title": "T", "uid": "SECRET SECRET", "panels": "SECRET", "refresh": "SECRET"}`), "b.json": q(`{"title": SECRET}`), "c.json": q(`{"title": "T", "uid": "c", "x": "SECRET"`)},
	}
}

// No finding, hint or outline repeats a value that may be a secret.
func TestSecretsAreNotRepeated(t *testing.T) {
	t.Parallel()
	const mark = "S3cr3tMark"
	for _, version := range []string{"7.5.5", "9.4", "11.5", "12.4"} {
		for _, same := range []bool{true, false} {
			var snaps []*snapshot.Snapshot
			for role, files := range marked(mark) {
				raw := map[string][]byte{}
				for name, content := range files {
					raw[name] = []byte(content)
				}
				dir := "/p/" + role
				if role == "json" {
					dir = "/d"
				}
				snaps = append(snaps, snapshot.FromFiles(snapshot.Source{Name: role, Dir: dir}, raw))
			}
			env := expand.Env{
				LookupEnv: func(string) (string, bool) { return mark + "$" + mark, true },
				ReadFile:  func(string) ([]byte, error) { return []byte(mark + "$" + mark), nil },
			}
			v := New(validation.Options{Env: env})
			req := finding.Request{Set: snapshot.NewSet(snaps...), Facts: finding.Facts{Version: version, SameEnv: same}}
			for range 2 { // the second time with an outline of what ran
				r, err := v.Validate(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				if len(r.Findings) < 20 {
					t.Errorf("%s: only %d findings", version, len(r.Findings))
				}
				for _, f := range r.Findings {
					if strings.Contains(strings.ToLower(f.String()+f.Hint), strings.ToLower(mark)) {
						t.Errorf("%s same=%v: %s (%s)", version, same, f, f.Hint)
					}
				}
				for _, i := range r.Outline.Items {
					if i.Kind == itemDashboard {
						continue // a uid is not secret, and this one contains the mark
					}
					if s := fmt.Sprint(i); strings.Contains(s, mark) {
						t.Errorf("%s same=%v: outline %s", version, same, s)
					}
				}
				req.Running = r.Outline
			}
		}
	}
}
