package judge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
	"reloader/internal/yamlslip"
)

// bomb is YAML whose aliases expand to 9^10 values.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := '1'; i <= '9'; i++ {
		p := string(i - 1)
		b.WriteString("a" + string(i) + ": &a" + string(i) + " [" + strings.Repeat("*a"+p+", ", 8) + "*a" + p + "]\n")
	}
	return b.String()
}

// unknownFields are n different unknown fields.
func unknownFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  nope%d: 1\n", i)
	}
	return b.String()
}

// Hostile files are refused, as a main file and as rules.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"YAML bomb":    bomb() + "scrape_configs: *a9\n",
		"deep flow":    "scrape_configs: " + strings.Repeat("[", 200_000),
		"deep block":   "a:" + strings.Repeat("\n- -", 3) + strings.Repeat(" -", 50_000),
		"binary":       "\x7fELF\x00\x01\x02\xff\xfe" + strings.Repeat("\x00\xff", 1000),
		"not UTF-8":    "scrape_configs: \xff\xfe\n",
		"self alias":   "a: &a [*a]\nscrape_configs: *a\n",
		"merge itself": "a: &a {<<: *a}\n",
		"many bad":     "scrape_configs:\n" + strings.Repeat("- job_name: a\n  nope: 1\n", 3000),
		"unknown":      "scrape_configs:\n- job_name: a\n" + unknownFields(100_000),
		"unknown top":  "global:\n" + unknownFields(100_000),
		"one line":     "scrape_configs: [" + strings.Repeat("{job_name: a},", 50_000) + "]",
		"no end":       "\"" + strings.Repeat("x", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a := judgeText(body, false); len(errorsOf(a)) == 0 {
				t.Error("was accepted")
			}
			if a := judgeRules("/d/r", []byte(body)); len(errorsOf(a)) == 0 {
				t.Error("was accepted as rules")
			}
		})
	}
}

// After unusual line ends, a mistake is reported on the line that a parser of YAML counts, and all parts of the file are judged.
func TestUnusualLineEnds(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n", "\r\n", "\r", "\u0085", "\u2028", "\u2029"} {
		body := "scrape_configs:\n- job_name: \"a" + strings.Repeat(end, 4) + "b\"\n- job_name: c\n  nope: 1\n- job_name: d\n  scrape_interval: 1q\n"
		var at []int
		for _, f := range errorsOf(judgeText(body, false)) {
			at = append(at, f.Line)
		}
		if slices.Sort(at); !slices.Equal(at, []int{8, 10}) {
			t.Errorf("%q: mistakes on lines %v, want 8 and 10", end, at)
		}
		if got := strings.Join(yamlslip.Lines(body), ""); got != body {
			t.Errorf("%q: the lines are %q", end, got)
		}
	}
}

// The fields that an agent does not have are reported in the same order each time.
func TestAgentFieldsInOrder(t *testing.T) {
	t.Parallel()
	body := "alerting: {alertmanagers: [{static_configs: [{targets: [a]}]}]}\nremote_read: [{url: http://a}]\nrule_files: [a]\n"
	for range 50 {
		var words []string
		for _, f := range errorsOf(judgeText(body, true)) {
			if f.Rule == validator.RuleAgent {
				words = append(words, strings.Fields(f.Message)[1])
			}
		}
		if got := strings.Join(words, " "); got != "alerting rule_files remote_read" {
			t.Fatal(got)
		}
	}
}

// If a main file or a file of scrape_config_files has too many mistakes, the search ends and one finding says so. With few
// mistakes there is no such finding.
func TestSearchThatEnds(t *testing.T) {
	t.Parallel()
	for jobs, ended := range map[int]int{3: 0, 2 * maxProblems: 1} {
		var b strings.Builder
		b.WriteString("scrape_configs:\n")
		for i := range jobs {
			fmt.Fprintf(&b, "- job_name: j%d\n  scrape_interval: %dq\n", i, i)
		}
		of := func(name, body string) validator.File {
			return validator.File{Path: name, Size: int64(len(body)), Content: []byte(body)}
		}
		for kind, files := range map[string][]validator.File{
			"main file":          {of("/d/m", b.String())},
			"scrape_config_file": {of("/d/m", mainOfScrapes("/d/s")), of("/d/s", b.String())},
		} {
			open, mistakes := 0, 0
			for _, f := range errorsOf(judgeMain("/d", files, "/d/m", false)) {
				if f.Rule == finding.RuleMore && f.Open {
					open++
				} else {
					mistakes++
				}
			}
			if open != ended || ended == 0 && mistakes != jobs || ended == 1 && mistakes >= jobs {
				t.Errorf("%s with %d jobs: %d mistakes are reported, and %d times that the search ended", kind, jobs, mistakes, open)
			}
		}
	}
}

// A file without any document has no findings and no parts, and no errors as a rule file. Prometheus refuses an empty document as its main
// file (test/prometheus, TestCrashes).
func TestEmptyFiles(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "\n", "# nothing\n", "---\n", "null\n", "{}\n"} {
		mistakes := 0
		if body == "---\n" || body == "null\n" {
			mistakes = 1
		}
		if a := judgeText(body, false); len(a.Findings) != mistakes || len(a.Items) > 0 || a.Broken {
			t.Errorf("%q: %+v", body, a)
		}
		if a := judgeRules("/d/r", []byte(body)); len(errorsOf(a)) > 0 {
			t.Errorf("%q as rules: %v", body, a.Findings)
		}
	}
}

// highestLine is the highest line number that a finding in a file may have: a parser of YAML also counts unusual line ends, and may stop one line
// after the end. A text in UTF-16 has lines that its bytes do not show.
func highestLine(body []byte) int {
	if bytes.HasPrefix(body, []byte("\xff\xfe")) || bytes.HasPrefix(body, []byte("\xfe\xff")) {
		return len(body)
	}
	n := 2 - bytes.Count(body, []byte("\r\n"))
	for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
		n += bytes.Count(body, []byte(end))
	}
	return n
}

// The judge never panics, and every finding has a place within the file.
func FuzzJudge(f *testing.F) {
	f.Add([]byte("scrape_configs:\n- job_name: a\n  nope: 1\n"))
	f.Add([]byte("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: |\n      up ==\n"))
	f.Add([]byte("a: &x [*x]\n"))
	f.Add([]byte("\r\r\r\r\r\nnope: 1\u2028"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 1<<16 {
			t.Skip()
		}
		lines := highestLine(body)
		for _, a := range []*validator.Answer{
			judgeText(string(body), false),
			judgeRules("/d/r", body),
		} {
			for _, x := range a.Findings {
				if x.Line > lines {
					t.Fatalf("a finding on line %d of %d: %+v", x.Line, lines, x)
				}
			}
		}
	})
}

// The judge never panics on target files either, and every finding has a place within the file.
func FuzzTargets(f *testing.F) {
	f.Add([]byte(`[{"targets": ["a:1"], "labels": {"x": "y"}}]`))
	f.Add([]byte("- targets: [a:1]\n  lables: {}\n"))
	f.Add([]byte("[null]"))
	f.Add([]byte("[{\"targets\": [1]},"))
	const main = "scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [t.json, t.yml]}]\n"
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 1<<16 {
			t.Skip()
		}
		lines := highestLine(body)
		files := []validator.File{{Path: "/d/m", Size: int64(len(main)), Content: []byte(main)}}
		for _, name := range []string{"/d/t.json", "/d/t.yml"} {
			files = append(files, validator.File{Path: name, Size: int64(len(body)), Content: body})
		}
		a := judgeMain("/d", files, "/d/m", false)
		refused := false
		for _, x := range a.Findings {
			if x.File == 0 {
				continue
			}
			refused = refused || x.File == 1
			if x.Line > lines {
				t.Fatalf("a finding on line %d of %d: %+v", x.Line, lines, x)
			}
		}
		if !json.Valid(body) && !refused {
			t.Fatalf("accepted, but not JSON: %q", body)
		}
	})
}

// The user and password of a URL are never shown, whatever characters they contain.
func TestUserInfoIsHidden(t *testing.T) {
	t.Parallel()
	var none secrets
	for message, want := range map[string]string{
		`parse "http://u:p@SECRET@h/%zz": bad`:                                    `not a valid URL: bad`,
		`parse "http://u:SECRET SECRET@h/": net/url: invalid userinfo`:            `not a valid URL: net/url: invalid userinfo`,
		`parse "http://u:SECRET/SECRET@h/": invalid port ":SECRET" after host`:    `not a valid URL: invalid port after host`,
		`parse "http://u:%zSECRET@h/": invalid URL escape "%zS"`:                  `not a valid URL: invalid URL escape`,
		`parse "http://h:bad/services/SECRET\"x": invalid port ":bad" after host`: `not a valid URL: invalid port after host`,
		`http://u:SECRET@h http://h/a@b`:                                          `http://<secret>@h http://h/a@b`,
		`https://h/x?token=SECRET&a=b`:                                            `https://h/x?token=<secret>&a=b`,
	} {
		if got := none.redact(message); got != want {
			t.Errorf("%s: %s, want %s", message, got, want)
		}
	}
}
