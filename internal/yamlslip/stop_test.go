package yamlslip

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"

	"reloader/test/rig"
)

const healthy = `# a file
global:
  scrape_interval: 15s
  external_labels: {cluster: "a b", region: 'eu'}

rule_files: [ "rules/*.yml",
              other.yml ]
groups:
- name: a
  rules:
  - alert: Down # a comment

    expr: up == 0
    for: 5m
    annotations:
      text: |
        first
        second

      more: >-
        folded
        text
- name: "b"
  labels:
  - &x one
  - *x
last: end
`

// yaml/v2 tells where it stopped where yaml/v3 tells the block around it: the two have the same scanner, so it is the
// oracle for the line that is found without it.
func TestStopsAsYAML2(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	random, compared, differ := rand.New(rand.NewPCG(1, 2)), 0, 0
	for range 1500 {
		lines := strings.SplitAfter(healthy, "\n")
		for range 1 + random.IntN(2) {
			l := &lines[random.IntN(len(lines)-1)]
			i := random.IntN(max(len(*l), 1))
			switch random.IntN(4) {
			case 0:
				*l = " " + *l
			case 1:
				*l = (*l)[:i] + (*l)[min(i+1, len(*l)):]
			case 2:
				*l = strings.TrimPrefix(*l, "  ")
			case 3:
				const marks = "\"'[]{}:,-|>&*#"
				*l = (*l)[:i] + string(marks[random.IntN(len(marks))]) + (*l)[i:]
			}
		}
		text := []byte(strings.Join(lines, ""))
		line, message := parts(yaml.Unmarshal(text, new(any)))
		want, theirs := parts(yaml2.Unmarshal(text, new(any)))
		if line == 0 || message != theirs {
			continue
		}
		fromToken := strings.HasPrefix(message, "did not find expected") && !strings.HasSuffix(message, "character") && !strings.HasSuffix(message, "line break")
		near := 2 // what is found to be missing at the next token, or at the end, may be told a line later
		if fromToken {
			want, near = want+1, 0 // the library counts these from 0
		}
		got, context := stops(text, line)
		compared++
		if context != line {
			t.Errorf("%s: context %d, want %d", message, context, line)
		}
		if got < want-near || got > want+near {
			differ++
			t.Logf("%s: stops at %d, want %d:\n%s", message, got, want, text)
		}
	}
	// A file that ends after the token may end in another error than in the middle of it.
	if compared < 500 || differ > compared/100 {
		t.Errorf("%d of %d errors differ", differ, compared)
	}
}

func parts(err error) (line int, message string) {
	if err == nil {
		return 0, ""
	}
	number, message, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: line "), ": ")
	line, _ = strconv.Atoi(number)
	return line, message
}
