package ini

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana/expand"
)

// Every rule is documented, and no other. Its example triggers the rule, with the severity that is the first word of its text.
func TestDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/checks-grafana-ini.md")
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile("(?ms)^### (ini-[a-z-]+)\n(Error|Warning)\\..*?\n```ini grafana-ini/grafana\\.ini\n(.*?)^```$")
	var names []string
	for _, m := range section.FindAllStringSubmatch(string(text), -1) {
		name, severity, example := m[1], m[2], m[3]
		names = append(names, name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := func(n string) (string, bool) { return "set", n == "GF_USERS_DEFAULT_THEME" }
			running := &finding.Outline{Items: Outline([]byte("[security]\nadmin_password = before\n"))}
			found := Check([]byte(example), Options{File: "grafana.ini", Env: expand.Env{Same: true, LookupEnv: env}, Running: running})
			if !slices.ContainsFunc(found, func(f finding.Finding) bool {
				return f.Rule == name && f.Severity.String() == strings.ToLower(severity)
			}) {
				t.Errorf("the example does not trigger the %s: %v", severity, found)
			}
			if severity == "Warning" && finding.HasErrors(found) {
				t.Errorf("the example has errors: %v", found)
			}
		})
	}
	if headings := strings.Count(string(text), "\n### "); headings != len(names) {
		t.Errorf("%d rules have a heading, %d of them a severity and an example", headings, len(names))
	}
	want := slices.Clone(Rules())
	slices.Sort(want)
	slices.Sort(names)
	if !slices.Equal(names, want) {
		t.Errorf("documented are %v, the rules are %v", names, want)
	}
}
