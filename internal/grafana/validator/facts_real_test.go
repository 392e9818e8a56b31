package validator

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana/validation"
)

// notAtStart are cases that fail only at a reload: at a start, 12.4 logs the error and continues.
var notAtStart = []string{"folderUid general", "folder exists"}

// TestRealServerAgreesOnFiles starts a fresh Grafana 12.4 with each case of TestVersions. It must refuse to start exactly where
// we find an error. It needs the same environment as TestRealServerAgreesOnAlerting.
func TestRealServerAgreesOnFiles(t *testing.T) {
	g := newRealServer(t)
	paths := regexp.MustCompile(`/(?:d|e)([,}])`)
	sets := map[string]map[string]string{}
	for name, c := range versionCases() {
		if c.live != nil || slices.Contains(notAtStart, name) || strings.Contains(c.files["plugins/p.yaml"], "acme") {
			continue
		}
		sets[name] = map[string]string{}
		for file, content := range c.files {
			sets[name][file] = paths.ReplaceAllString(content, "@DIR@/json$1")
		}
	}
	g.compare(t, sets)
}

// compare starts a fresh server with each set of files.
func (g *realServer) compare(t *testing.T, sets map[string]map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			files := maps.Clone(sets[name])
			files["json/a.json"] = `{"title": "A", "uid": "a"}`
			b.lay(files, nil, nil)
			started, log := g.start(t, b.dir, "ONE=1", "TRUE=true", "INF=inf")
			live := &validation.Live{Orgs: []validation.Org{{ID: 1, Name: "Main Org."}}, Plugins: coreTypes, Datasources: []validation.Datasource{}, Folders: []validation.Folder{}, Dashboards: []validation.Dashboard{}}
			opts := factsOptions()
			opts.DirExists = nil
			r, err := New(opts).Validate(t.Context(), finding.Request{Set: b.set(), Facts: finding.Facts{Version: "12.4.0", SameEnv: true, Live: live}})
			if err != nil {
				t.Fatal(err)
			}
			if started == r.Invalid() {
				t.Errorf("the server started: %v, our findings:\n%s\nthe server said:\n%s", started, listed(r.Findings), log)
			}
		})
	}
}

// oddFiles are files without a recorded verdict: the real server decides.
func oddFiles() map[string]map[string]string {
	entry := func(fields string) map[string]string {
		return map[string]string{"datasources/a.yaml": ds + "- {name: A, type: prometheus, " + fields + "}\n"}
	}
	file := func(text string) map[string]string { return map[string]string{"datasources/a.yaml": text} }
	provider := func(fields string) map[string]string {
		return map[string]string{"dashboards/p.yaml": prov + "- {name: p, " + fields + "}\n"}
	}
	app := func(text string) map[string]string { return map[string]string{"plugins/p.yaml": text} }
	corr := func(c string) map[string]string { return entry("uid: u, correlations: " + c) }
	return map[string]map[string]string{
		"NULL bool": entry("isDefault: NULL"), "secure int key": entry("secureJsonData: {1: a}"), "secure null key": entry("secureJsonData: {~: a}"),
		"secure null": entry("secureJsonData: {a: ~}"), "json null key": entry("jsonData: {~: a}"), "json nested null key": entry("jsonData: {a: {~: b}}"),
		"json merge": file("x: &b {k: v}\n" + ds + "- {name: A, jsonData: {<<: *b, l: {<<: *b}}}\n"), "merge twice": file("x: &b {k: v}\n" + ds + "- {name: A, jsonData: {<<: *b, <<: *b}}\n"),
		"merge list": file("x: &b {type: loki}\n" + ds + "- <<: [*b, {url: x}]\n  name: A\n"), "merge scalar": file(ds + "- {<<: a, name: A}\n"), "merge null": file(ds + "- {<<: ~, name: A}\n"),
		"alias entries": file(ds + "- &e {name: A, type: loki}\n- *e\n"), "version empty": entry("version: ''"), "int with space": entry("orgId: ' 1'"), "int plus": entry("orgId: +1"),
		"tagged api": file("apiVersion: !!int '1'\ndatasources: [{name: A}]\n"), "str api": file("apiVersion: !!str 1\ndatasources: [{name: A}]\n"), "binary": entry("jsonData: {a: !!binary aGk=}, user: !!binary aGk="),
		"bad binary": entry("user: !!binary '?'"), "int tag": entry("user: !!int x"), "custom tag": entry("user: !foo x, jsonData: {a: !foo {b: c}}"), "float text": entry("user: 1.50"),
		"datasources text": file(a1 + "datasources: ''\n"), "datasources nothing": file(a1 + "datasources:\n"), "datasources map": file(a1 + "datasources: {a: b}\n"),
		"v0 org text": file("datasources: [{name: A, org_id: '1'}]\n"), "v0 bool yes": file("datasources: [{name: A, is_default: yes}]\n"), "v0 bool quoted": file("datasources: [{name: A, is_default: 'true'}]\n"),
		"v0 int key": file("datasources: [{name: A, json_data: {a: {1: b}}}]\n"), "v0 corr": file("datasources: [{name: A, correlations: [{label: x}]}]\n"), "v0 corr null": file("datasources: [{name: A, correlations: [~]}]\n"),
		"v0 secure list": file("datasources: [{name: A, secure_json_data: {a: [b]}}]\n"), "v0 name map": file("datasources: [{name: {a: b}}]\n"), "v0 null": file("datasources: [~]\n"), "v0 nan": file("datasources: [{name: A, json_data: {a: .nan}}]\n"),
		"v0 no name": file("datasources: [{type: loki}]\n"), "v0 version": file("datasources: [{name: A, version: 1.5}]\n"), "v0 date": file("datasources: [{name: A, json_data: {a: 2020-01-01}}]\n"),
		"delete org text": file(a1 + "deleteDatasources: [{name: A, orgId: x}]\n"), "delete map": file(a1 + "deleteDatasources: {name: A}\n"), "delete org 99": file(a1 + "deleteDatasources: [{name: A, orgId: 99}]\n"),
		"nan in list": entry("jsonData: {a: [{b: .NaN}]}"), "big int": entry("jsonData: {a: 123456789012345678901234567890, b: 18446744073709551615}"), "date": entry("jsonData: {a: 2020-01-01}"),
		"bool in secure": entry("secureJsonData: {a: yes, b: 0x1f}"), "complex key": entry("jsonData: {? [a] : b}"), "map key": entry("jsonData: {a: {? {b: c} : d}}"),
		"same twice": file(ds + "- {name: A, uid: u}\n- {name: A, uid: u}\n"), "pinned second": file(ds + "- {name: A}\n- {name: A, uid: u}\n"), "unpinned second": file(ds + "- {name: A, uid: u}\n- {name: A}\n"),
		"generated clash": file(ds + "- {name: A}\n- {name: B, uid: " + GeneratedUID("A") + "}\n"), "generated pinned": file(ds + "- {name: A}\n- {name: A, uid: " + GeneratedUID("A") + "}\n"),
		"access list": entry("access: [proxy]"), "no type": file(ds + "- {name: A}\n"), "long type": entry("database: " + x(300)), "long user": entry("user: " + x(300)),
		"name 190 bytes": file(ds + "- {name: " + strings.Repeat("é", 100) + "}\n"), "unknown bool": entry("readOnly: maybe"), "isprunable": entry("isprunable: true"), "isprunable word": entry("isprunable: maybe"),
		"corr null": corr("~"), "corr empty": corr("[]"), "corr map": corr("{}"), "corr list item": corr("[[a]]"), "corr empty label": corr("[{label: '', description: '', targetUID: u}]"),
		"corr target number": corr("[{label: a, description: b, targetUID: 5}]"), "corr generated": file(ds + "- {name: A, correlations: [{label: a, description: b, targetUID: " + GeneratedUID("A") + "}]}\n"),
		"corr config list": corr("[{label: a, description: b, targetUID: u, config: []}]"), "corr config text": corr("[{label: a, description: b, targetUID: u, config: x}]"), "corr config empty": corr("[{label: a, description: b, targetUID: u, config: {}}]"),
		"corr config field": corr("[{label: a, description: b, targetUID: u, config: {field: 5}}]"), "corr config target": corr("[{label: a, description: b, targetUID: u, config: {field: f, target: x}}]"),
		"corr transformations":     corr("[{label: a, description: b, targetUID: u, config: {field: f, target: {}, transformations: [{type: regex}]}}]"),
		"corr transformations ok":  corr("[{label: a, description: b, targetUID: u, config: {field: f, target: {}, transformations: [{type: regex, expression: x}, {type: logfmt}]}}]"),
		"corr transformations map": corr("[{label: a, description: b, targetUID: u, config: {field: f, target: {}, transformations: {}}}]"), "corr transformations root": corr("[{label: a, description: b, targetUID: u, transformations: []}]"),
		"corr int key": corr("[{label: a, description: b, targetUID: u, 1: c}]"), "corr type external": corr("[{label: a, description: b, type: external}]"), "corr type number": corr("[{label: a, description: b, targetUID: u, type: 5}]"),
		"corr expand": corr("[{label: $TRUE, description: b, targetUID: u}]"), "corr config type empty": corr("[{label: a, description: b, targetUID: u, config: {type: ''}}]"), "corr config type external": corr("[{label: a, description: b, targetUID: u, config: {type: external}}]"),
		"corr config nan": corr("[{label: a, description: b, targetUID: u, config: {field: f, target: {a: .nan}}}]"), "corr extra nan": corr("[{label: a, description: b, targetUID: u, x: .nan}]"), "corr transformation field": corr("[{label: a, description: b, targetUID: u, config: {transformations: [{type: logfmt, field: 5}]}}]"),

		"folder blank": provider("folder: ' ', options: {path: @DIR@/json}"), "name null": provider("options: {path: @DIR@/json}, name2: x"), "editable 5": provider("editable: 5, options: {path: @DIR@/json}"),
		"path list": provider("options: {path: [x]}"), "path null, folder": provider("options: {path: ~, folder: @DIR@/json}"), "allow empty": provider("allowUiUpdates: '', options: {path: @DIR@/json}"), "single file": provider("options: {path: @DIR@/json/a.json}"),
		"options null": provider("options: ~"), "options list": provider("options: [a]"), "options text": provider("options: a"), "boundary": provider("updateIntervalSeconds: 9223372036, options: {path: @DIR@/json}"), "boundary + 1": provider("updateIntervalSeconds: 9223372037, options: {path: @DIR@/json}"),
		"two names": {"dashboards/p.yaml": prov + "- {options: {path: @DIR@/json}}\n- {name: ~, options: {path: @DIR@/json}}\n"}, "providers text": {"dashboards/p.yaml": a1 + "providers: x\n"}, "providers map": {"dashboards/p.yaml": a1 + "providers: {a: b}\n"},
		"providers null": {"dashboards/p.yaml": a1 + "providers:\n"}, "api 1.0": {"dashboards/p.yaml": "apiVersion: 1.0\nproviders: []\n"}, "api -1": {"dashboards/p.yaml": "apiVersion: -1\nproviders: []\n"}, "scalar": {"dashboards/p.yaml": "hello\n"}, "tilde": {"dashboards/p.yaml": "~\n"},
		"dup top": {"dashboards/p.yaml": prov + "- {name: p, options: {path: @DIR@/json}}\nx: 1\nx: 2\n"}, "second document": {"dashboards/p.yaml": prov + "- {name: p, options: {path: @DIR@/json}}\n---\n[\n"}, "fffs number": provider("folder: F, folderUid: f, options: {path: @DIR@/json, foldersFromFilesStructure: 1}"),
		"fffs General":   {"dashboards/p.yaml": prov + "- {name: p, options: {path: @DIR@/json, foldersFromFilesStructure: true}}\n", "json/General/b.json": `{"title": "B", "uid": "b"}`},
		"fffs uid":       {"dashboards/p.yaml": prov + "- {name: p, folderUid: f, options: {path: @DIR@/json, foldersFromFilesStructure: true}}\n", "json/one/b.json": `{"title": "B", "uid": "b"}`, "json/two/c.json": `{"title": "C", "uid": "c"}`},
		"bad dashboards": {"dashboards/p.yaml": prov + "- {name: p, options: {path: @DIR@/json}}\n", "json/b.json": "{", "json/c.json": "", "json/d.json": `{"title": 5}`, "json/e.json": `{"title":"x","uid":"a b"}`, "json/f.json": strings.Repeat("[", 20000)},
		"json yaml dir":  {"dashboards/p.yaml": prov + "- {name: p, options: {path: @DIR@/json}}\n", "dashboards/q.yaml/x": "1"},

		"apps null": app("apps:\n"), "apps text": app("apps: x\n"), "apps list top": app("- type: prometheus\n"), "plugins null": app("~\n"), "plugins scalar": app("x\n"), "api list": app("apiVersion: [1]\napps: []\n"),
		"app core": app("apps: [{type: prometheus}]\n"), "app nan": app("apps: [{type: prometheus, jsonData: {a: .nan}}]\n"), "app int key": app("apps: [{type: prometheus, jsonData: {a: {1: b}}}]\n"), "app inf": app("apps: [{type: prometheus, jsonData: {a: $INF}}]\n"),
		"app org name": app("apps: [{type: prometheus, org_name: Main Org.}]\n"), "app org name missing": app("apps: [{type: prometheus, org_name: X}]\n"), "app org 0 name": app("apps: [{type: prometheus, org_id: 0, org_name: X}]\n"), "app org -1 name": app("apps: [{type: prometheus, org_id: -1, org_name: X}]\n"),
		"app org empty name": app("apps: [{type: prometheus, org_name: ''}]\n"), "app org 7": app("apps: [{type: prometheus, org_id: 7}]\n"), "app missing": app("apps: [{type: nope}]\n"), "app dup": app("apps: [{type: prometheus, type: loki}]\n"),
	}
}

// TestRealServerAgreesOnOddFiles is TestRealServerAgreesOnFiles for files without a recorded verdict.
func TestRealServerAgreesOnOddFiles(t *testing.T) {
	newRealServer(t).compare(t, oddFiles())
}
