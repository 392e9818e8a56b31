package judge

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"reloader/internal/prometheus/validator"
	"reloader/test/rig"
)

// slips are the typing mistakes that are hardest to find in YAML: one character too many or too few.
var slips = []struct {
	name string
	do   func(line string) string
}{
	{"one blank more", func(l string) string { return " " + l }},
	{"one blank less", func(l string) string { return strings.TrimPrefix(l, " ") }},
	{"no blank after the colon", func(l string) string { return strings.Replace(l, ": ", ":", 1) }},
	{"no closing quote", withoutLast(`"'`)},
	{"no opening quote", withoutFirst(`"'`)},
	{"no closing bracket", withoutLast(`])}`)},
	{"no opening bracket", withoutFirst(`[({`)},
}

func withoutLast(set string) func(string) string {
	return func(l string) string {
		if i := strings.LastIndexAny(l, set); i >= 0 {
			return l[:i] + l[i+1:]
		}
		return l
	}
}

func withoutFirst(set string) func(string) string {
	return func(l string) string {
		if i := strings.IndexAny(l, set); i >= 0 {
			return l[:i] + l[i+1:]
		}
		return l
	}
}

// slip is a file with one slip in it.
type slip struct {
	name, file, body string
	line             int
}

func slipsOf(file, body string) []slip {
	var all []slip
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	for i, line := range lines {
		if t := strings.TrimSpace(line); t == "" || strings.HasPrefix(t, "#") {
			continue
		}
		for _, s := range slips {
			wrong := s.do(line)
			if wrong == line {
				continue
			}
			changed := append([]string{}, lines...)
			changed[i] = wrong
			all = append(all, slip{
				name: fmt.Sprintf("%s:%d with %s", file, i+1, s.name), file: file,
				body: strings.Join(changed, "\n") + "\n", line: i + 1,
			})
		}
	}
	return all
}

var rePromtoolPlace = regexp.MustCompile(`(?:line |: |^\s*)(\d+)(?::\d+)?: `)

// promtoolLine is the first line number in promtool's answer; 0 if there is none.
func promtoolLine(text, file string) int {
	text = strings.ReplaceAll(text, file, "")
	if m := rePromtoolPlace.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 0
}

// For almost every slip the first finding is within 2 lines of it, even if promtool reports another line or none.
func TestSlips(t *testing.T) {
	t.Parallel()
	rig.PromtoolBinary(t)
	module := moduleDir(t)
	for _, file := range []string{
		filepath.Join("testdata", "slips", "prometheus.yml"),
		filepath.Join("testdata", "slips", "jobs.scrape"),
		filepath.Join("testdata", "slips", "team.rules"),
		filepath.Join(module, "documentation", "examples", "prometheus-kubernetes.yml"),
		filepath.Join(module, "config", "testdata", "conf.good.yml"),
	} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			measureSlips(t, file)
		})
	}
}

// nearEnough is the share of slips that must be found within 2 lines.
const nearEnough = 340.0 / 344

func measureSlips(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir, args := t.TempDir(), []string{"check", "config"}
	if filepath.Ext(file) == ".rules" {
		args[1] = "rules"
	}
	all := slipsOf(filepath.Base(file), string(b))
	paths := make([]string, len(all))
	for i, s := range all {
		paths[i] = filepath.Join(dir, fmt.Sprintf("%04d.mutant", i))
		body := s.body
		if filepath.Ext(file) == ".scrape" {
			write(t, paths[i]+".scrape", body)
			body = mainOfScrapes(paths[i] + ".scrape")
		}
		write(t, paths[i], body)
	}
	opinions := ask(t, args, paths)
	bad, within, theirs := 0, 0, 0
	for i, s := range all {
		o := opinions[paths[i]]
		if strings.Contains(o.text, "no such file") || strings.Contains(o.text, "does not point to") {
			o.failed = false // for reloader a missing file is a warning
		}
		found := errorsOf(judgeSlip(s))
		slices.SortFunc(found, func(x, y validator.Finding) int { return cmp.Or(x.Line-y.Line, x.Column-y.Column) })
		if o.failed != (len(found) > 0) {
			t.Errorf("%s: promtool failed: %v, we found %v\n%s", s.name, o.failed, found, o.text)
			continue
		}
		if !o.failed {
			continue
		}
		bad++
		mine, their := distance(found[0].Line, s.line), distance(promtoolLine(o.text, paths[i]), s.line)
		if their <= 2 {
			theirs++
		}
		if mine <= 2 {
			within++
			continue
		}
		report := t.Logf
		if mine > their+2 {
			report = t.Errorf
		}
		report("%s: %d lines away, promtool %d: %v\npromtool: %s", s.name, mine, their, found, o.text)
	}
	t.Logf("%s: of %d slips that are mistakes %d are found within 2 lines, by promtool %d", filepath.Base(file), bad, within, theirs)
	if bad < 50 || float64(within) < nearEnough*float64(bad) {
		t.Errorf("%s: %d of %d slips are found within 2 lines", filepath.Base(file), within, bad)
	}
}

func write(t *testing.T, path, body string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mainOfScrapes(path string) string { return "scrape_config_files: ['" + path + "']\n" }

// judgeSlip judges a file in its role.
func judgeSlip(s slip) *validator.Answer {
	switch filepath.Ext(s.file) {
	case ".rules":
		return judgeRules("/d/"+s.file, []byte(s.body))
	case ".scrape":
		main := mainOfScrapes("/d/" + s.file)
		return judgeMain("/d", []validator.File{
			{Path: "/d/m", Size: int64(len(main)), Content: []byte(main)},
			{Path: "/d/" + s.file, Size: int64(len(s.body)), Content: []byte(s.body)},
		}, "/d/m", false)
	default:
		return judgeText(s.body, false)
	}
}

func distance(a, b int) int {
	if a == 0 {
		return 1000 // no line at all
	}
	return max(a-b, b-a)
}
