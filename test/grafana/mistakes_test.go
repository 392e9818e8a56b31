package grafana

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// mistake is a set of files with a mistake, or what looks like one, and what happens to it. Its text has the form
//
//	=== name
//	reload: datasources 500     Grafana's answer to the reload of each kind, in its own order
//	start: refused              or ok
//	log: words                  words of Grafana's log, if it refuses or skips something
//	reloader: rejected datasources/ds.yaml:4: words     the first error; or the phase, with a difference
//	warns: datasources/ds.yaml:4: words                 a warning; one line for each to look for
//	--> datasources/ds.yaml
//	apiVersion: 1
//
// @DIR@ is the provisioning directory and @BOM@ a byte order mark.
type mistake struct {
	name                        string
	reload, start, log, verdict string
	warns                       []string
	files                       map[string]string
}

// mistakes reads the mistakes of a kind.
func mistakes(t *testing.T, kind string) []mistake {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "mistakes", kind+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out []mistake
	var file string
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		line := lines.Text()
		name, isCase := strings.CutPrefix(line, "=== ")
		path, isFile := strings.CutPrefix(line, "--> ")
		switch {
		case isCase:
			out, file = append(out, mistake{name: name, files: map[string]string{}}), ""
			continue
		case len(out) == 0:
			t.Fatalf("%s.txt: %q is before the first case", kind, line)
		}
		m := &out[len(out)-1]
		switch {
		case isFile:
			file = path
			m.files[file] = ""
		case file != "":
			m.files[file] += strings.ReplaceAll(line, "@BOM@", "\ufeff") + "\n"
		default:
			key, value, _ := strings.Cut(line, ": ")
			switch key {
			case "reload":
				m.reload = value
			case "start":
				m.start = value
			case "log":
				m.log = value
			case "reloader":
				m.verdict = value
			case "warns":
				m.warns = append(m.warns, value)
			default:
				t.Fatalf("%s.txt: %s: no such key: %q", kind, m.name, line)
			}
		}
	}
	if err := lines.Err(); err != nil || len(out) == 0 {
		t.Fatalf("%s.txt: %d cases, %v", kind, len(out), err)
	}
	return out
}

// likeReal gives the fake what the real server has in these tests.
var likeReal = grafanatest.Options{Organizations: []int64{1, 2}, Plugins: []string{"prometheus", "loki"}}

var mistakeKinds = []string{"datasources", "dashboards", "plugins", "alerting", "ini"}

// For mistakes in every kind of file, the tables say what Grafana does at a reload and at a start; the fake and the real server do
// exactly that. reloader refuses what Grafana refuses, before anything is sent, and names file, line and reason. It never refuses
// what Grafana accepts, and it names what Grafana skips.
func TestMistakes(t *testing.T) {
	parallel(t)
	for _, kind := range append(slices.Clone(mistakeKinds), "settings") {
		for _, m := range mistakes(t, kind) {
			t.Run("fake/"+kind+"/"+m.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, likeReal)
				lay(t, w.provisioning, m.files)
				if kind == "settings" {
					w.fake.SetIni(settingsOf(strings.ReplaceAll(m.files["grafana.ini"], "@DIR@", w.provisioning)))
				}
				m.judged(t, w)
				if kind != "ini" && m.name != "folderUid with a slash" && m.name != "list without apiVersion" { // the fake treats a reload and a start the same
					m.reloaded(t, w)
					again := newWorld(t, likeReal)
					lay(t, again.provisioning, m.files)
					again.fake.SetIni(settingsOf(strings.ReplaceAll(m.files["grafana.ini"], "@DIR@", again.provisioning)))
					m.started(t, again.fake.Restart() == nil)
				}
			})
		}
	}
	t.Run("real", func(t *testing.T) {
		w := newRealWorld(t)
		g := w.real
		lay(t, g.Provisioning, nil)
		logs := map[string]string{}
		for _, kind := range mistakeKinds {
			for _, m := range mistakes(t, kind) {
				t.Run("reload/"+kind+"/"+m.name, func(t *testing.T) {
					g.Clean(t)
					lay(t, g.Provisioning, m.files)
					g.NewLog(t)
					m.judged(t, w)
					m.reloaded(t, w)
					logs[kind+"/"+m.name] = g.Log()
				})
			}
		}
		for _, m := range mistakes(t, "settings") { // Grafana starts with these settings, and then loads the files
			t.Run("reload/settings/"+m.name, func(t *testing.T) {
				g.Forget(t)
				lay(t, g.Provisioning, nil)
				g.SetIni(t, strings.ReplaceAll(m.files["grafana.ini"], "@DIR@", g.Provisioning))
				g.Start(t)
				lay(t, g.Provisioning, m.files)
				g.NewLog(t)
				m.judged(t, w)
				m.reloaded(t, w)
				logs["settings/"+m.name] = g.Log()
			})
		}
		for _, kind := range append(slices.Clone(mistakeKinds), "settings") {
			for _, m := range mistakes(t, kind) {
				t.Run("start/"+kind+"/"+m.name, func(t *testing.T) {
					g.Forget(t) // a new database
					lay(t, g.Provisioning, m.files)
					g.SetIni(t, strings.ReplaceAll(m.files["grafana.ini"], "@DIR@", g.Provisioning))
					g.NewLog(t)
					m.started(t, g.Try(t))
					log := logs[kind+"/"+m.name] + g.Log()
					if m.log == "" && m.refused() || !strings.Contains(log, m.log) {
						t.Errorf("its log lacks %q:\n%s", m.log, log)
					}
				})
			}
		}
	})
}

// settingsOf are the settings of a plain grafana.ini.
func settingsOf(ini string) map[string]map[string]string {
	out, section := map[string]map[string]string{}, ""
	for line := range strings.Lines(ini) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(name, "]")
			out[section] = map[string]string{}
		} else if key, value, ok := strings.Cut(line, " = "); ok {
			out[section][key] = value
		}
	}
	return out
}

// refused reports whether Grafana refuses the files, by the table.
func (m mistake) refused() bool { return m.start == "refused" || strings.Contains(m.reload, "500") }

// judged compares reloader's verdict with the table. Grafana does not have the files yet.
func (m mistake) judged(t *testing.T, w *world) {
	t.Helper()
	flags := []string{"--grafana-same-env"}
	if _, ini := m.files["grafana.ini"]; ini {
		flags = append(flags, "--grafana-ini", filepath.Join(w.provisioning, "grafana.ini"))
	}
	d := w.start(flags...)
	defer d.Stop()
	s := d.Reaches("a verdict", func(s reload.Status) bool {
		return slices.Contains([]reload.Phase{reload.Rejected, reload.InSync, reload.Mismatch, reload.Retrying}, s.Phase)
	})
	place := func(f finding.Finding) string {
		file, err := filepath.Rel(w.provisioning, f.File)
		if err != nil {
			file = f.File
		}
		return fmt.Sprintf("%s:%d: %s", file, f.Line, f.Message)
	}
	got := string(s.Phase)
	if s.Phase == reload.Rejected {
		got = "rejected"
		if i := slices.IndexFunc(s.Findings, func(f finding.Finding) bool { return f.Severity == finding.Error }); i >= 0 {
			got += " " + place(s.Findings[i])
		}
		if s.Counts.Reloads != 0 {
			t.Errorf("%d reloads before the files were refused", s.Counts.Reloads)
		}
	} else if len(s.Differences) > 0 {
		got += " " + s.Differences[0]
	}
	if m.verdict == "" || !strings.HasPrefix(got, m.verdict) {
		t.Errorf("reloader: %s, want %s", got, m.verdict)
	}
	if m.refused() != strings.HasPrefix(m.verdict, "rejected ") {
		t.Errorf("Grafana refuses the files: %t; reloader: %s", m.refused(), m.verdict)
	}
	said := map[string]bool{}
	for _, f := range s.Findings {
		key := fmt.Sprint(place(f), f.Column)
		if said[key] {
			t.Errorf("%s is reported twice", key)
		}
		said[key] = true
	}
	var warnings []string
	for _, f := range s.Findings {
		if f.Severity == finding.Warning {
			warnings = append(warnings, place(f))
		}
	}
	for _, want := range m.warns {
		if !slices.ContainsFunc(warnings, func(got string) bool { return strings.HasPrefix(got, want) }) {
			t.Errorf("no warning %q", want)
		}
	}
	if m.log != "" && !m.refused() && len(m.warns) == 0 && s.Phase == reload.InSync || len(m.warns) == 0 && len(warnings) > 0 || t.Failed() {
		t.Logf("warns: %s", strings.Join(warnings, "\nwarns: "))
	}
}

// reloaded compares Grafana's answers with the table.
func (m mistake) reloaded(t *testing.T, w *world) {
	t.Helper()
	var got []string
	for _, k := range grafana.Kinds {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(m.files)), func(name string) bool { return strings.HasPrefix(name, k.Name+"/") }) {
			continue
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/api/admin/provisioning/"+k.Route+"/reload", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("admin", "admin")
		status, _, err := rig.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(k.Route, " ", status))
	}
	if got := strings.Join(got, ", "); got != m.reload {
		t.Errorf("reload: %s, want %s", got, m.reload)
	}
}

// started compares the outcome of a start with the table.
func (m mistake) started(t *testing.T, ok bool) {
	t.Helper()
	got := map[bool]string{true: "ok", false: "refused"}[ok]
	if got != m.start {
		t.Errorf("start: %s, want %s", got, m.start)
	}
}

// lay replaces everything in a provisioning directory.
func lay(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for _, kind := range grafana.Kinds {
		if err := os.MkdirAll(filepath.Join(dir, kind.Name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "@DIR@", dir)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
