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

// In its errors yaml/v2 names the line where it stopped, yaml/v3 the line where the block around it begins. Both have the same
// scanner, so yaml/v2 is the oracle for the line that is found from an error of yaml/v3.
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
		near := 2 // a part that is missed only at the next token, or at the end, may be reported a line later
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
	// The same mistake may be another error at the end of a file.
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

// hostile are files in which the parser stops thousands of lines below the beginning of the block around it. The mistake could be
// on any of those lines: without a limit, one file took minutes.
func hostile() map[string]string {
	var keys strings.Builder
	for i := 0; keys.Len() < 1<<20; i++ {
		keys.WriteString("k" + strconv.Itoa(i) + ": v\n")
	}
	return map[string]string{
		"blank":    keys.String() + "a: [1\n" + strings.Repeat("\n", 20_000) + "}\n",
		"comments": keys.String() + "a: [1\n" + strings.Repeat("# c\n", 20_000) + "}\n",
		"text":     "a: ['x'\n" + strings.Repeat("y\n", 200_000) + "]\n",
		"quoted":   keys.String() + "a: ['x' \"" + strings.Repeat("\n", 100_000) + "y\"]\n",
		"sequence": keys.String() + "- a\n",
	}
}

// The time to find the line grows with the length of the file, not with its square.
func TestStopsIsLinear(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line, _ := parts(yaml.Unmarshal([]byte(text), new(any)))
			if got, _ := stops([]byte(text), line); got < line || got > strings.Count(text, "\n")+1 {
				t.Errorf("%d, but the block begins at %d", got, line)
			}
		})
	}
}

// BenchmarkStops measures how long it takes to find the line in each of the hostile files.
func BenchmarkStops(b *testing.B) {
	for name, text := range hostile() {
		b.Run(name, func(b *testing.B) {
			line, _ := parts(yaml.Unmarshal([]byte(text), new(any)))
			for b.Loop() {
				stops([]byte(text), line)
			}
		})
	}
}

// A long line counts as read when the parser has read only its beginning: the wrong token may be on it.
func TestStopsInLongLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("z", 3000)
	if read, _ := parse([]byte("a: [e\n\n  f: 'x' },"+long+"\n"), 3015); read != 3 {
		t.Errorf("%d lines were read, want 3", read)
	}
	for text, want := range map[string]int{
		"a: b\nc:\n  d: e\n  f: 'x' 'y'\"" + long + "\"": 4,
		"a: b\n\nc: 'x' 'y' " + long + "\nd: e\n":        3,
		"a: b\r\n\r\nc: 'x' 'y' " + long + "\r\nd: e":    3,
		"\ufeffa: b\nc: 'x' 'y'  # " + long:              2,
		"a: b\nc: 'x' 'y'\n\n# " + long + "\n\n":         2,
		"a: b\nc:\n  d: 'x'\n\n   # e\n - f\n":           6,
	} {
		line, message := parts(yaml.Unmarshal([]byte(text), new(any)))
		if got, _ := stops([]byte(text), line); got != want {
			t.Errorf("%.40q: %s: stops at %d, want %d", text, message, got, want)
		}
	}
}
