package ini

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	findingpkg "reloader/internal/finding"

	"reloader/internal/grafana/expand"
)

// fixtures makes the directory that @TMP@ stands for.
func fixtures(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func lookup(name string) (string, bool) {
	if name == "INI_SET" {
		return "from-env", true
	}
	return "", false
}

func brief(findings []findingpkg.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%d %s %s", f.Line, f.Severity, f.Rule))
	}
	return out
}

// Each case gives exactly its findings.
func TestCheck(t *testing.T) {
	t.Parallel()
	dir := fixtures(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.ReplaceAll(c.text, "@TMP@", dir)
			found := Check([]byte(text), Options{File: "grafana.ini", Version: c.version, Env: expand.Env{Same: true, LookupEnv: lookup}})
			if diff := cmp.Diff(c.want, brief(found)); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%v", diff, found)
			}
		})
	}
}

// Every rule is tried by a case, and no case names a rule that does not exist.
func TestEveryRuleHasACase(t *testing.T) {
	t.Parallel()
	own := []string{RuleEnvOverride, RuleAdminPassword} // tested below
	for _, c := range cases {
		for _, w := range c.want {
			own = append(own, w[strings.LastIndexByte(w, ' ')+1:])
		}
	}
	for _, rule := range Rules() {
		if !slices.Contains(own, rule) {
			t.Errorf("no case has the rule %s", rule)
		}
	}
	for _, rule := range own {
		if !slices.Contains(Rules(), rule) {
			t.Errorf("Rules lacks %s", rule)
		}
	}
}

// Without the server's environment, variables and files may exist there: they give warnings, never errors.
func TestWhatOnlyTheServerKnowsIsAWarning(t *testing.T) {
	t.Parallel()
	const text = "[smtp]\npassword = $__file{/none/of/this}\nfrom_address = ${INI_UNSET}\n[auth.jwt]\nenabled = true\nkey_file = /none/key.pem\n"
	found := Check([]byte(text), Options{Env: expand.Env{LookupEnv: lookup}})
	if findingpkg.HasErrors(found) {
		t.Errorf("errors without the server's environment: %v", found)
	}
	want := []string{"2 warning ini-missing-file", "3 warning ini-unset-variable", "6 warning ini-missing-file"}
	if diff := cmp.Diff(want, brief(found)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// In the server's environment the value of a variable is judged like any other.
func TestValuesOfVariablesAreJudgedInTheSameEnvironment(t *testing.T) {
	t.Parallel()
	found := Check([]byte("[smtp]\nfrom_address = ${INI_SET}\n"), Options{Env: expand.Env{Same: true, LookupEnv: lookup}})
	if diff := cmp.Diff([]string{"2 error ini-fatal-value"}, brief(found)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// A GF_ variable of the server overrides its key, so the value in the file is only a warning. Variables of another process do
// not count.
func TestEnvironmentOverridesTheFile(t *testing.T) {
	t.Parallel()
	env := func(name string) (string, bool) {
		if name == "GF_SERVER_HTTP_PORT" {
			return "3001", true
		}
		return "", false
	}
	found := Check([]byte("[server]\nhttp_port = web\n"), Options{Env: expand.Env{Same: true, LookupEnv: env}})
	if diff := cmp.Diff([]string{"2 warning ini-env-override"}, brief(found)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	found = Check([]byte("[server]\nhttp_port = web\n"), Options{Env: expand.Env{LookupEnv: env}})
	if !findingpkg.HasErrors(found) {
		t.Error("GF_ variables of this process count as the server's")
	}
}

// admin_password only has an effect at the first start: a change is a warning.
func TestAChangedAdminPasswordDoesNothing(t *testing.T) {
	t.Parallel()
	const before, after = "[security]\nadmin_password = one\n", "[security]\nadmin_password = two\n"
	running := &findingpkg.Outline{Items: Outline([]byte(before))}
	if found := Check([]byte(before), Options{Running: running}); len(found) > 0 {
		t.Errorf("unchanged password: %v", found)
	}
	found := Check([]byte(after), Options{Running: running})
	if diff := cmp.Diff([]string{"2 warning ini-admin-password"}, brief(found)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// marked is a secret that must appear nowhere.
const marked = "Zq7SECRETx9"

// No finding, outline or list of differences shows a value, whatever is wrong with its line.
func TestNoFindingShowsAValue(t *testing.T) {
	t.Parallel()
	templates := []string{
		"[security]\nadmin_password = %s\n", "[security]\nadmin_password = %s#tail\n", "[security]\nadmin_password = \"%s#tail\"\n",
		"[security]\nadmin_password = \"%s\n", "[security]\nadmin_password = a\\\n%s\n", "[security]\nadmin_password = `%s\n",
		"[security]\nadmin_password = a\n  %s\n", "[security]\nadmin_password = a\n  %s=x\n", "[%s\n", "[%s]\na=b\n", "%s\n", "%s = %s\n", "\"%s = 1\n",
		"[users]\n%s = 1\n%s = 2\n", "[database]\nurl = mysql://u:%s@[::1\n", "[database]\ntype = %s\n", "[remote_cache]\ntype = redis\nconnstr = password:%s\n",
		"[users]\nlogin_hint = ${%s}\npassword_hint = $%s\n", "[users]\nlogin_hint = $__file{/%s}\n", "[users]\nlogin_hint = $__%s{x}\n",
		"[smtp]\nfrom_address = %s\n", "[server]\nroot_url = http://u:%s@[x\nhttp_port = %s\n", "[auth.jwt]\nenabled = true\nexpect_claims = %s\njwk_set_url = %s\n",
		"[metrics.environment_info]\n%s! = a\n", "[feature_toggles]\n%s = %s\n", "[log]\nmode = %s\nlevel = %s\n", "[time_picker]\nquick_ranges = %s\n",
		"[security]\nprivate_key = -----BEGIN PRIVATE KEY-----\n%s==\n-----END PRIVATE KEY-----\n",
	}
	for _, template := range templates {
		text := strings.ReplaceAll(template, "%s", marked)
		for _, same := range []bool{false, true} {
			for _, version := range []string{"", "9.4.0"} {
				running := &findingpkg.Outline{Items: Outline([]byte("[security]\nadmin_password = other\n"))}
				found := Check([]byte(text), Options{Version: version, Env: expand.Env{Same: same, LookupEnv: lookup}, Running: running})
				items := Outline([]byte(text))
				diff := Expect([]byte(text), Options{Env: expand.Env{Same: same, LookupEnv: lookup}}).Waiting(nil)
				if all := fmt.Sprintf("%+v %+v %v", found, items, diff); strings.Contains(strings.ToLower(all), strings.ToLower(marked)) {
					t.Errorf("%q is shown:\n%s", text, all)
				}
			}
		}
	}
}

// A file above the size limit is refused.
func TestATooLargeFileIsRefused(t *testing.T) {
	t.Parallel()
	found := Check(make([]byte, maxSize+1), Options{})
	if !findingpkg.HasErrors(found) {
		t.Error("no error")
	}
}

// FuzzCheck: whatever a file has, each finding points into it, and comparing it with a server does not panic.
func FuzzCheck(f *testing.F) {
	for _, c := range cases {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return
		}
		lines := strings.Count(text, "\n") + 1
		for _, version := range []string{"", "9.4.0", "7.5.5"} {
			for _, finding := range Check([]byte(text), Options{Version: version, Env: expand.Env{LookupEnv: lookup, ReadFile: func(string) ([]byte, error) { return nil, os.ErrNotExist }}}) {
				if finding.Line < 1 || finding.Line > lines || finding.Column < 1 {
					t.Errorf("a finding at %d:%d of %d lines: %s", finding.Line, finding.Column, lines, finding.Message)
				}
			}
		}
		Expect([]byte(text), Options{Env: expand.Env{LookupEnv: lookup}}).Waiting(nil)
	})
}

func BenchmarkCheck(b *testing.B) {
	var text strings.Builder
	for _, c := range cases {
		text.WriteString(c.text)
	}
	data := []byte(text.String())
	b.ReportAllocs()
	for b.Loop() {
		Check(data, Options{Env: expand.Env{LookupEnv: lookup}})
	}
}

// A file in YAML, as in the values of a chart, is named as such.
func TestYAMLInsteadOfIni(t *testing.T) {
	t.Parallel()
	found := Check([]byte("server:\n  http_port: 3000\n"), Options{File: "grafana.ini"})
	if len(found) == 0 || found[0].Line != 1 || !strings.Contains(found[0].Hint, "looks like YAML") {
		t.Errorf("%+v", found)
	}
}
