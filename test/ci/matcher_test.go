package ci

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"reloader/test/rig"
)

// matchers is .github/problem-matcher.json, with the keys that GitHub's runner reads.
type matchers struct {
	ProblemMatcher []struct {
		Owner, Severity string
		Pattern         []struct {
			Regexp                                      string
			File, Line, Column, Severity, Message, Code int
		}
	} `json:"problemMatcher"`
}

// match is what GitHub would show for a line; nil if nothing.
func (m matchers) match(t *testing.T, line string) []string {
	t.Helper()
	var found []string
	for _, p := range m.ProblemMatcher {
		pattern := p.Pattern[0]
		groups := regexp.MustCompile(pattern.Regexp).FindStringSubmatch(line)
		if groups == nil {
			continue
		}
		if found != nil {
			t.Errorf("two matchers match %q", line)
		}
		severity := p.Severity
		if pattern.Severity > 0 {
			severity = groups[pattern.Severity]
		}
		found = []string{groups[pattern.File], groups[pattern.Line], groups[pattern.Column], severity, groups[pattern.Message], groups[pattern.Code]}
	}
	return found
}

// The problem matcher finds every finding in the text that check prints, each with all its parts, and nothing else. It matches
// nothing of --format github, which GitHub shows without it.
func TestProblemMatcher(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, ".github/problem-matcher.json"))
	rig.Must(t, err)
	var m matchers
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	rig.Must(t, dec.Decode(&m))
	promcheck := "--promcheck=" + filepath.Join(programs(t), "promcheck")
	paths := []string{promcheck, filepath.Join(root, "internal/check/testdata/manifests")}
	var report struct {
		Findings []struct {
			File, Severity, Message, Rule string
			Line, Column                  int
		}
	}
	rig.Must(t, json.Unmarshal([]byte(rig.Command(t, append([]string{"check", "--format=json"}, paths...)...).Stdout), &report))
	want := map[string]int{}
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	severities := map[string]bool{}
	for _, f := range report.Findings {
		severity := f.Severity
		if severity == "info" {
			severity = "notice"
		}
		severities[severity] = true
		message, _, _ := strings.Cut(f.Message, "\n")
		want[strings.Join([]string{f.File, number(f.Line), number(f.Column), severity, message, f.Rule}, "|")]++
	}
	if len(want) < 20 || len(severities) != 3 {
		t.Fatalf("only %d findings of %d severities", len(want), len(severities))
	}
	for line := range strings.Lines(rig.Command(t, append([]string{"check"}, paths...)...).Stdout) {
		if found := m.match(t, strings.TrimSuffix(line, "\n")); found != nil {
			want[strings.Join(found, "|")]--
		}
	}
	for finding, n := range want {
		if n != 0 {
			t.Errorf("%+d times: %s", -n, finding)
		}
	}
	github := rig.Command(t, append([]string{"check", "--format=github"}, paths...)...).Stdout
	if n := strings.Count(github, "\n::"); n < 20 {
		t.Errorf("--format=github shows only %d findings:\n%s", n, github)
	}
	for line := range strings.Lines(github) {
		if found := m.match(t, strings.TrimSuffix(line, "\n")); found != nil {
			t.Errorf("a finding would be shown twice: %s", line)
		}
	}
}
