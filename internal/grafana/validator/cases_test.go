package validator

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/expand"
	"reloader/internal/grafana/grafanatest"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

func loadTrials(t testing.TB, kind string) []grafanatest.Trial {
	t.Helper()
	trials, err := grafanatest.Trials(filepath.Join("testdata", "cases"), kind)
	if err != nil {
		t.Fatal(err)
	}
	return trials
}

// trialEnv is the environment of the trials' servers; CR_NOPE is not set.
func trialEnv(fixtures string) expand.Env {
	env := map[string]string{
		"CR_URL": "http://from-env:9090", "CR_TOKEN": "tok-from-env", "CR_ONE": "1", "CR_TRUE": "true", "CR_DOLLAR": "x$CR_TOKEN",
		"CR_MULTI": "line1\nline2", "CR_YAML": "a: b # c", "CR_FIX": fixtures, "CR_JSON": "json",
		"CR_BIG": "12345678901234567890", "CR_LEAD0": "007", "CR_T": "t",
	}
	return expand.Env{
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Hostname:  func() (string, error) { return "grafana", nil },
	}
}

// bench is a provisioning directory for one trial after the other.
type bench struct {
	t        testing.TB
	root     string
	dir      string
	fixtures string
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, root: t.TempDir()}
	b.dir, b.fixtures = filepath.Join(b.root, "provisioning"), filepath.Join(b.root, "fixtures")
	for name, content := range map[string]string{"dollar.txt": "pa$CR_TOKEN\n", "dollar2.txt": "x${CR_X}y\n", "secret.txt": "s3cret-from-file\n"} {
		b.write(b.fixtures, name, []byte(content))
	}
	return b
}

func (b *bench) write(dir, name string, content []byte) {
	b.t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(p, content, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// lay replaces the provisioning directory.
func (b *bench) lay(files, links, binary map[string]string) {
	b.t.Helper()
	if err := os.RemoveAll(b.dir); err != nil {
		b.t.Fatal(err)
	}
	for name, content := range files {
		content = strings.NewReplacer("@DIR@", b.dir, "@FIX@", b.fixtures).Replace(content)
		b.write(b.dir, name, []byte(content))
	}
	for name, content := range binary {
		raw, err := base64.StdEncoding.DecodeString(content)
		if err != nil {
			b.t.Fatal(err)
		}
		b.write(b.dir, name, raw)
	}
	for name, target := range links {
		p := filepath.Join(b.dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			b.t.Fatal(err)
		}
		if err := os.Symlink(target, p); err != nil {
			b.t.Fatal(err)
		}
	}
}

// set reads each directory below the provisioning directory as a source of that name.
func (b *bench) set() *snapshot.Set {
	b.t.Helper()
	entries, err := os.ReadDir(b.dir)
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	var snaps []*snapshot.Snapshot
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		s, err := snapshot.Take(b.t.Context(), snapshot.Source{Name: e.Name(), Dir: filepath.Join(b.dir, e.Name())}, snapshot.Limits{})
		if err != nil {
			b.t.Fatal(err)
		}
		snaps = append(snaps, s)
	}
	return snapshot.NewSet(snaps...)
}

func (b *bench) validate(req finding.Request) finding.Result {
	b.t.Helper()
	r, err := New(validation.Options{Env: trialEnv(b.fixtures)}).Validate(b.t.Context(), req)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// trialLive is the server of the trials before a trial changed it.
func trialLive() *validation.Live {
	return &validation.Live{
		Orgs:        []validation.Org{{ID: 1, Name: "Main Org."}, {ID: 2, Name: "Second"}},
		Plugins:     append([]string{"acme-test-app"}, coreTypes...),
		Datasources: []validation.Datasource{}, Folders: []validation.Folder{}, Dashboards: []validation.Dashboard{},
	}
}

// seedLive adds what the seed's files created.
func seedLive(live *validation.Live, seed finding.Result, v grafana.Version) {
	for _, i := range seed.Outline.Items {
		switch i.Kind {
		case itemDatasource:
			id, _ := strconv.ParseInt(i.Attrs["org"], 10, 64)
			uid := i.Attrs["uid"]
			if uid == "" {
				uid = GeneratedUID(i.Attrs["name"])
				if v.Before(validation.V9) {
					uid = "random-" + i.Attrs["name"]
				}
			}
			live.Datasources = append(live.Datasources, validation.Datasource{OrgID: id, Name: i.Attrs["name"], UID: uid})
		case itemProvider:
			if f := i.Attrs["folder"]; f != "" {
				live.Folders = append(live.Folders, validation.Folder{OrgID: 1, UID: i.Attrs["folderUid"], Title: f})
			}
		}
	}
}

// apiLive adds what the seed's HTTP calls created.
func apiLive(t testing.TB, live *validation.Live, calls [][3]json.RawMessage) {
	t.Helper()
	for _, call := range calls {
		var url string
		var body struct {
			Name, UID, Title string
			Dashboard        struct{ UID, Title string }
		}
		if err := json.Unmarshal(call[1], &url); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(call[2], &body); err != nil {
			t.Fatal(err)
		}
		switch url {
		case "/api/datasources":
			live.Datasources = append(live.Datasources, validation.Datasource{OrgID: 1, Name: body.Name, UID: body.UID})
		case "/api/folders":
			live.Folders = append(live.Folders, validation.Folder{OrgID: 1, UID: body.UID, Title: body.Title})
		case "/api/dashboards/db":
			live.Dashboards = append(live.Dashboards, validation.Dashboard{OrgID: 1, UID: body.Dashboard.UID, Title: body.Dashboard.Title})
		default:
			t.Fatalf("the test does not know what %s creates", url)
		}
	}
}

// playTrials checks that we refuse exactly the files that real servers refused: each trial of a kind, for each version that was
// measured, with what the server of the trial had. differences are the deliberate exceptions, by "case version", with reasons.
func playTrials(t *testing.T, kind string, differences map[string]string, addLive func(*validation.Live, finding.Result, grafana.Version)) {
	trials := loadTrials(t, kind)
	b := newBench(t)
	total, used := 0, map[string]bool{}
	for _, c := range trials {
		for _, version := range slices.Sorted(maps.Keys(c.Verdicts)) {
			total++
			facts := finding.Facts{Version: version, SameEnv: true}
			live := trialLive()
			live.Alerting = freshAlerting(grafana.ParseVersion(version))
			var running *finding.Outline
			if len(c.Seed)+len(c.SeedLinks)+len(c.SeedBase64) > 0 {
				b.lay(c.Seed, c.SeedLinks, c.SeedBase64)
				facts.Live = live
				seed := b.validate(finding.Request{Set: b.set(), Facts: facts})
				running = seed.Outline
				seedLive(live, seed, grafana.ParseVersion(version))
				if addLive != nil {
					addLive(live, seed, grafana.ParseVersion(version))
				}
			}
			apiLive(t, live, c.APISeed)
			facts.Live = live
			b.lay(c.Files, c.FilesLinks, c.FilesBase64)
			r := b.validate(finding.Request{Set: b.set(), Facts: facts, Running: running, Allow: Guards()})
			if r.Invalid() == c.Bad(version) {
				continue
			}
			key := c.Case + " " + version
			if differences[key] != "" {
				used[key] = true
				continue
			}
			t.Errorf("%s %s: the server's verdict is bad=%v, ours %v:\n%s", c.Case, version, c.Bad(version), r.Invalid(), listed(r.Findings))
		}
	}
	for key := range differences {
		if !used[key] {
			t.Errorf("%s is listed as a difference, and there is none", key)
		}
	}
	if total == 0 {
		t.Error("no verdicts to compare")
	}
	if most := total / 100; len(differences) > most {
		t.Errorf("%d differences in %d verdicts, more than 1 %%", len(differences), total)
	}
	t.Logf("%d verdicts", total)
}

func listed(fs []finding.Finding) string {
	var b strings.Builder
	for _, f := range fs {
		b.WriteString("\t" + f.String() + "\n")
	}
	return b.String()
}

// See playTrials for this and the next three.
func TestTrialsDatasources(t *testing.T) {
	t.Parallel()
	playTrials(t, "datasources", nil, nil)
}

func TestTrialsDashboards(t *testing.T) {
	t.Parallel()
	playTrials(t, "dashboards", nil, nil)
}

func TestTrialsPlugins(t *testing.T) {
	t.Parallel()
	playTrials(t, "plugins", nil, nil)
}

func TestTrialsNotifiers(t *testing.T) {
	t.Parallel()
	playTrials(t, "notifiers", nil, nil)
}
