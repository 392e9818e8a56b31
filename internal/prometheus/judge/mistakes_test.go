package judge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/prometheus/validator"
	"reloader/test/rig"
)

// mistakesOf are the files in testdata/mistakes.txt. A line "# rules ..." or "# config ..." begins a file, and <<< marks the end of the line
// with the mistake. A file without <<< is good.
func mistakesOf(t *testing.T) (files []slip) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "mistakes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq("\n"+string(b), "\n# ") {
		head, body, ok := strings.Cut(part, "\n")
		if !ok || head == "" {
			continue
		}
		s := slip{name: head, file: "m", body: body + "\n"}
		if strings.HasPrefix(head, "rules") {
			s.file = "m.rules"
		}
		if before, _, marked := strings.Cut(s.body, "<<<"); marked {
			s.line = strings.Count(before, "\n") + 1
			s.body = strings.Replace(s.body, "<<<", "", 1)
		}
		files = append(files, s)
	}
	return files
}

// A file with a mistake in any section gets promtool's verdict, at the line of the mistake or next to it. Unusual but valid files are accepted.
func TestVerdictsOnMistakesOfAllSections(t *testing.T) {
	t.Parallel()
	rig.PromtoolBinary(t)
	dir := t.TempDir()
	all := mistakesOf(t)
	var mains, rules []string
	paths := map[string]slip{}
	for _, s := range all {
		p := filepath.Join(dir, strings.NewReplacer(" ", "-", "/", "-").Replace(s.name)+".mutant")
		if _, twice := paths[p]; twice {
			t.Fatalf("%s exists twice", s.name)
		}
		paths[p] = s
		write(t, p, s.body)
		if s.file == "m.rules" {
			rules = append(rules, p)
		} else {
			mains = append(mains, p)
		}
	}
	bad := 0
	check := func(p string, o opinion, a *validator.Answer) {
		s, found := paths[p], errorsOf(a)
		compare(t, s.name, o, a, map[string]int{})
		if (s.line > 0) != o.failed {
			t.Errorf("%s: promtool failed: %v\n%s", s.name, o.failed, o.text)
		}
		if s.line == 0 || len(found) == 0 {
			return
		}
		bad++
		nearest := 1000
		for _, f := range found {
			nearest = min(nearest, distance(f.Line, s.line))
		}
		if nearest > 1 {
			t.Errorf("%s: the mistake is on line %d, found %+v", s.name, s.line, found)
		}
	}
	for p, o := range ask(t, []string{"check", "config"}, mains) {
		check(p, o, judgeMain(dir, filesBelow(t, dir), p, false))
	}
	for p, o := range ask(t, []string{"check", "rules"}, rules) {
		check(p, o, judgeRules(p, []byte(paths[p].body)))
	}
	t.Logf("%d files, %d of them with a mistake", len(all), bad)
	if bad < 110 {
		t.Errorf("only %d mistakes", bad)
	}
}
