package validator

import (
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana/expand"
	"reloader/internal/grafana/validation"
)

const (
	a1   = "apiVersion: 1\n"
	ds   = a1 + "datasources:\n"
	prov = a1 + "providers:\n"
)

func x(n int) string { return strings.Repeat("u", n) }

// all are versions on both sides of every change of a rule.
var all = []string{"7.5.5", "9.3.2", "9.4.0-pre", "11.5.1", "12.0.0", "12.3.0", "12.4.0"}

func from(v string) []string   { return all[slices.Index(all, v):] }
func before(v string) []string { return all[:slices.Index(all, v)] }

func handMade(l *validation.Live) {
	l.Datasources = append(l.Datasources, validation.Datasource{OrgID: 1, Name: "Hand", UID: "hand"})
}

// versionCase is a set of files, the versions for which it is bad, and what the server had before.
type versionCase struct {
	files map[string]string
	bad   []string
	live  func(*validation.Live)
}

func versionCases() map[string]versionCase {
	return map[string]versionCase{
		"empty":                      {files: map[string]string{"datasources/a.yaml": "", "datasources/b.yaml": "# x\n", "datasources/c.yaml": "---\n", "datasources/d.yaml": "~\n"}},
		"BOM, CRLF":                  {files: map[string]string{"datasources/a.yaml": "\xef\xbb\xbfapiVersion: 1\r\ndatasources:\r\n- name: A\r\n"}},
		"Latin-1":                    {files: map[string]string{"datasources/a.yaml": "# \xe9\n"}, bad: all},
		"NUL":                        {files: map[string]string{"datasources/a.yaml": "a: \x00\n"}, bad: all},
		"quoted apiVersion":          {files: map[string]string{"datasources/a.yaml": "apiVersion: '1'\n"}, bad: all},
		"apiVersion 1.5":             {files: map[string]string{"datasources/a.yaml": "apiVersion: 1.5\n"}},
		"top list":                   {files: map[string]string{"datasources/a.yaml": "- a\n"}, bad: all},
		"duplicate key":              {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, jsonData: {a: 1, a: 2}}\n"}, bad: from("9.4.0-pre")},
		"duplicate unread":           {files: map[string]string{"datasources/a.yaml": ds + "- name: A\nx-y: {a: 1, a: 2}\n"}},
		"duplicate key later":        {files: map[string]string{"datasources/a.yaml": ds + "- {name: A}\n---\na: 1\na: 1\n"}},
		"int key nested":             {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, jsonData: {l: [{1: b}]}}\n"}, bad: from("9.4.0-pre")},
		"int key, options":           {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, options: {path: /d, x: {1: 2}}}\n"}, bad: from("9.4.0-pre")},
		"NaN in options":             {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, options: {path: /d, x: .nan}}\n"}},
		"int key, v0":                {files: map[string]string{"datasources/a.yaml": "datasources: [{name: A, json_data: {1: b}}]\n"}},
		"int key deep, v0":           {files: map[string]string{"datasources/a.yaml": "datasources: [{name: A, json_data: {a: {1: b}}}]\n"}, bad: all},
		"map, v0":                    {files: map[string]string{"datasources/a.yaml": "datasources: [{name: A, json_data: {a: {c: b}}}]\n"}, bad: before("9.4.0-pre")},
		"NaN beside config":          {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u, correlations: [{targetUID: u, label: l, description: d, x: .nan}]}\n"}},
		"NaN in config":              {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u, correlations: [{targetUID: u, label: l, description: d, config: {type: query, field: f, target: {a: .nan}}}]}\n"}, bad: from("9.3.2")},
		"transformation":             {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u, correlations: [{targetUID: u, label: l, description: d, config: {type: query, transformations: [{type: logfmt, field: 5}]}}]}\n"}, bad: from("11.5.1")},
		"transformation in capitals": {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u, correlations: [{targetUID: u, label: l, description: d, config: {TRANSFORMATIONS: [{TYPE: Logfmt}]}}]}\n"}, bad: from("11.5.1")},
		"type in capitals":           {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u, correlations: [{targetUID: u, label: l, description: d, config: {field: f, transformations: [{TYPE: logfmt}, {Type: regex, EXPRESSION: x}]}}]}\n"}},
		"field in capitals":          {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u, correlations: [{targetUID: u, label: l, description: d, config: {Field: 5}}]}\n"}, bad: from("9.3.2")},
		"type in both cases":         {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u, correlations: [{targetUID: u, label: l, description: d, config: {transformations: [{Type: x, type: logfmt}]}}]}\n"}},
		"isprunable":                 {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, isprunable: maybe}\n"}, bad: from("11.5.1")},
		"inf by variable":            {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, jsonData: {a: '${INF}'}}\n"}, bad: from("11.5.1")},
		"uid 41":                     {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: " + x(41) + "}\n"}, bad: from("12.0.0")},
		"uid 40":                     {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: " + x(40) + "}\n"}},
		"uid characters":             {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: 'a b/!'}\n"}, bad: from("12.0.0")},
		"name 191":                   {files: map[string]string{"datasources/a.yaml": ds + "- {name: " + x(191) + "}\n"}, bad: from("11.5.1")},
		"url 256":                    {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, url: " + x(256) + "}\n"}, bad: from("11.5.1")},
		"url 255":                    {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, url: " + x(255) + "}\n"}},
		"blank name":                 {files: map[string]string{"datasources/a.yaml": ds + "- {name: ' '}\n"}},
		"prune yes":                  {files: map[string]string{"datasources/a.yaml": ds + "- {name: A}\nprune: yes\n"}},
		"prune null":                 {files: map[string]string{"datasources/a.yaml": ds + "- {name: A}\nprune: ~\n"}},
		"prune text":                 {files: map[string]string{"datasources/a.yaml": ds + "- {name: A}\nprune: 'true'\n"}, bad: from("11.5.1")},
		"prune 1":                    {files: map[string]string{"datasources/a.yaml": ds + "- {name: A}\nprune: 1\n"}, bad: from("11.5.1")},
		"prune variable":             {files: map[string]string{"datasources/a.yaml": ds + "- {name: A}\nprune: $TRUE\n"}, bad: from("11.5.1")},
		"prune in v0":                {files: map[string]string{"datasources/a.yaml": "prune: maybe\ndatasources: [{name: A}]\n"}},
		"two defaults":               {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, isDefault: true}\n- {name: A, isDefault: true, orgId: 0}\n"}, bad: all},
		"defaults of two":            {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, isDefault: true, uid: u}\n- {name: A, isDefault: true, uid: u, orgId: 2}\n"}},
		"negative org":               {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, orgId: -1}\n"}, bad: all},
		"added, then deleted":        {files: map[string]string{"datasources/a.yaml": ds + "- {name: A}\n", "datasources/b.yaml": a1 + "deleteDatasources: [{name: A, orgId: 1}]\n"}, bad: from("11.5.1")},
		"deleted, then added":        {files: map[string]string{"datasources/b.yaml": ds + "- {name: A}\n", "datasources/a.yaml": a1 + "deleteDatasources: [{name: A, orgId: 1}]\n"}},
		"delete by uid":              {files: map[string]string{"datasources/a.yaml": a1 + "deleteDatasources: [{uid: u, orgId: 1}]\n"}, bad: all},
		"uid taken":                  {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: hand}\n"}, bad: all, live: handMade},
		"name taken":                 {files: map[string]string{"datasources/a.yaml": ds + "- {name: Hand}\n"}, live: handMade},
		"uid taken, deleted":         {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: hand}\ndeleteDatasources: [{name: Hand, orgId: 1}]\n"}, live: handMade},
		"uid changed":                {files: map[string]string{"datasources/a.yaml": ds + "- {name: Hand, uid: other}\n"}, bad: from("12.0.0"), live: handMade},
		"uid changed, new id":        {files: map[string]string{"datasources/a.yaml": ds + "- {name: Hand, uid: other}\ndeleteDatasources: [{name: Hand, orgId: 1}]\n"}, live: handMade},
		"uid kept":                   {files: map[string]string{"datasources/a.yaml": ds + "- {name: Hand, uid: hand}\n"}, live: handMade},
		"uid in two files":           {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u}\n", "datasources/b.yaml": ds + "- {name: A, uid: v}\n"}, bad: from("12.0.0")},
		"description number":         {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u, correlations: [{targetUID: u, label: l, description: 5}]}\n"}, bad: from("9.3.2")},
		"label by variable":          {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u, correlations: [{targetUID: u, label: '$ONE', description: d}]}\n"}, bad: from("11.5.1")},
		"type beside config":         {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u, correlations: [{targetUID: u, label: l, description: d, type: query}]}\n"}, bad: []string{"11.5.1"}},
		"external":                   {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u, correlations: [{label: l, description: d, type: external, config: {field: f, target: {url: x}}}]}\n"}, bad: []string{"9.3.2", "9.4.0-pre", "11.5.1"}},
		"target in next file":        {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, uid: u, correlations: [{targetUID: v, label: l, description: d}]}\n", "datasources/b.yaml": ds + "- {name: B, uid: v}\n"}, bad: []string{"9.3.2", "9.4.0-pre"}},
		"file with a space":          {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, url: '$__file{ /etc/hosts}'}\n"}, bad: all},
		"unknown expander":           {files: map[string]string{"datasources/a.yaml": ds + "- {name: A, url: '$__vault{x}'}\n"}},

		"negative interval":   {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, updateIntervalSeconds: -1, options: {path: /d}}\n"}, bad: before("12.3.0")},
		"interval overflow":   {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, updateIntervalSeconds: 9300000000, options: {path: /d}}\n"}, bad: all},
		"interval empty":      {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, updateIntervalSeconds: '', options: {path: /d}}\n"}},
		"old list":            {files: map[string]string{"dashboards/p.yaml": "- {name: p, options: {path: /d}}\n"}, bad: []string{"12.4.0"}},
		"old list, empty":     {files: map[string]string{"dashboards/p.yaml": "[]\n"}, bad: []string{"12.4.0"}},
		"options.folder":      {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, options: {folder: /d}}\n"}, bad: []string{"12.4.0"}},
		"path and folder":     {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, options: {path: /d, folder: /e}}\n"}},
		"path number":         {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, options: {path: 1}}\n"}, bad: all},
		"path by variable":    {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, options: {path: $TRUE}}\n"}, bad: from("11.5.1")},
		"no options":          {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p}\n"}, bad: all},
		"quoted api":          {files: map[string]string{"dashboards/p.yaml": "apiVersion: '1'\nproviders: []\n"}, bad: all},
		"null document":       {files: map[string]string{"dashboards/p.yaml": "---\n"}, bad: all},
		"empty provider file": {files: map[string]string{"dashboards/p.yaml": "# nothing\n"}},
		"type File":           {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, type: File, options: {path: /d}}\n"}, bad: all},
		"folder General":      {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, folder: General, options: {path: /d}}\n"}, bad: before("12.0.0")},
		"folderUid general":   {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, folder: F, folderUid: general, options: {path: /d}}\n"}, bad: from("9.3.2")},
		"folderUid twice":     {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, folder: F, folderUid: f, options: {path: /d}}\n- {name: q, folder: G, folderUid: f, options: {path: /d}}\n"}, bad: []string{"7.5.5"}},
		"folderUid unused":    {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, folderUid: 'a b', options: {path: /d}}\n"}},
		"folder exists": {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, folder: F, folderUid: 'a b', options: {path: /d}}\n"}, bad: from("12.0.0"),
			live: func(l *validation.Live) { l.Folders = []validation.Folder{{OrgID: 1, UID: "f", Title: "F"}} }},
		"behind a missing path": {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, options: {path: /nowhere}}\n- {name: q, folder: F, folderUid: 'a b', options: {path: /d}}\n"}},
		"folders and uid":       {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, folder: F, folderUid: f, options: {path: /d, foldersFromFilesStructure: true}}\n"}, bad: all},
		"folders as text":       {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, folder: F, folderUid: f, options: {path: /d, foldersFromFilesStructure: 'true'}}\n"}},
		"folders by variable":   {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, folder: F, folderUid: f, options: {path: /d, foldersFromFilesStructure: $TRUE}}\n"}, bad: from("11.5.1")},
		"yes":                   {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, disableDeletion: yes, options: {path: /d}}\n"}, bad: all},
		"file in path":          {files: map[string]string{"dashboards/p.yaml": prov + "- {name: p, options: {path: '$__file{/nope}'}}\n"}, bad: all},

		"app of a data source": {files: map[string]string{"plugins/p.yaml": "apps: [{type: prometheus}]\n"}, bad: []string{"7.5.5"}},
		"app, unknown org":     {files: map[string]string{"plugins/p.yaml": "apps: [{type: acme-test-app, org_id: 99}]\n"}},
		"app, org word":        {files: map[string]string{"plugins/p.yaml": "apps: [{type: acme-test-app, org_id: x}]\n"}, bad: all},
		"app, yes":             {files: map[string]string{"plugins/p.yaml": "apps: [{type: acme-test-app, disabled: yes}]\n"}, bad: all},
		"app, secret map":      {files: map[string]string{"plugins/p.yaml": "apps: [{type: acme-test-app, secureJsonData: {a: {b: c}}}]\n"}, bad: all},

		"notifier broken":   {files: map[string]string{"notifiers/n.yaml": "notifiers: [\n"}, bad: before("11.5.1")},
		"notifier no uid":   {files: map[string]string{"notifiers/n.yaml": "notifiers: [{name: N, type: email, settings: {addresses: a}}]\n"}, bad: before("11.5.1")},
		"notifier org":      {files: map[string]string{"notifiers/n.yaml": "notifiers: [{name: N, uid: n, org_id: 99, type: email, settings: {addresses: a}}]\n"}, bad: before("11.5.1")},
		"notifier same uid": {files: map[string]string{"notifiers/n.yaml": "notifiers: [{name: N, uid: n, type: email, settings: {addresses: a}}, {name: M, uid: n, is_default: true, type: email, settings: {addresses: a}}]\n"}},
	}
}

// Each case is refused in exactly the versions that refuse it. The versions are on both sides of each change of Grafana.
func TestVersions(t *testing.T) {
	t.Parallel()
	for name, c := range versionCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, version := range all {
				live := trialLive()
				if c.live != nil {
					c.live(live)
				}
				r, err := New(factsOptions()).Validate(t.Context(), finding.Request{
					Set: docSet(c.files), Facts: finding.Facts{Version: version, SameEnv: true, Live: live},
				})
				if err != nil {
					t.Fatal(err)
				}
				if want := slices.Contains(c.bad, version); r.Invalid() != want {
					t.Errorf("%s: refused should be %v:\n%s", version, want, listed(r.Findings))
				}
			}
		})
	}
}

func factsOptions() validation.Options {
	env := map[string]string{"ONE": "1", "TRUE": "true", "INF": "inf"}
	return validation.Options{
		Env:       expand.Env{LookupEnv: func(n string) (string, bool) { v, ok := env[n]; return v, ok }},
		DirExists: func(dir string) bool { return dir == "/d" || dir == "/e" },
	}
}

// prune deletes first, so a uid that it frees is not taken. A data source that was not written with prune: true keeps its uid.
func TestPruneFreesUIDs(t *testing.T) {
	t.Parallel()
	files := map[string]string{"datasources/a.yaml": ds + "- {name: New, uid: u}\nprune: true\n"}
	for _, marked := range []bool{true, false} {
		was := ds + "- {name: Old, uid: u}\n"
		if marked {
			was += "prune: true\n"
		}
		v := New(validation.Options{})
		before, err := v.Validate(t.Context(), finding.Request{Set: docSet(map[string]string{"datasources/a.yaml": was})})
		if err != nil {
			t.Fatal(err)
		}
		live := trialLive()
		live.Datasources = []validation.Datasource{{OrgID: 1, Name: "Old", UID: "u"}}
		r, err := v.Validate(t.Context(), finding.Request{
			Set: docSet(files), Facts: finding.Facts{Live: live}, Running: before.Outline, Allow: []string{guardDSPruneAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.Invalid() == marked {
			t.Errorf("marked %v:\n%s", marked, listed(r.Findings))
		}
	}
}
