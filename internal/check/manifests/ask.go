package manifests

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"reloader/internal/finding"
	"reloader/internal/manifest"
)

// maxRuns is how often promcheck is started for one input: each start takes about 30 ms, and real inputs have fewer different servers.
// The rest is reported as not judged.
const maxRuns = 64

// run counts a start of promcheck; false when there are too many.
func (c *check) run() bool {
	if c.runs++; c.runs == maxRuns+1 {
		c.Unjudged = append(c.Unjudged, fmt.Errorf("more than %d different configurations of Prometheus: the rest was not judged; check them in several runs of reloader check", maxRuns))
	}
	return c.runs <= maxRuns
}

// maxCompared is how many comparisons of paths with patterns are made for one input, which takes about a second.
const maxCompared = 20_000_000

// compare counts comparisons of a pattern with paths; false when there are too many.
func (c *check) compare(n int) bool {
	before := c.compared
	if c.compared += n; c.compared > maxCompared && before <= maxCompared {
		c.Unjudged = append(c.Unjudged, fmt.Errorf("the patterns and files of the input need more than %d comparisons: begin each pattern with a directory without * and ?", maxCompared))
	}
	return c.compared <= maxCompared
}

// answer is the verdict on files; without ok there is none.
type answer struct {
	findings []finding.Finding
	ok       bool
}

// ask judges files of one kind alone; equal files are judged once. ok is false when there is no verdict.
func (c *check) ask(kind string, files map[string][]byte) ([]finding.Finding, bool) {
	main := map[string]string{KindPrometheus: "prometheus.yml", KindIni: "grafana.ini"}[kind]
	if main == "" {
		return c.askOnce(kind, files)
	}
	var all []finding.Finding
	for _, name := range slices.Sorted(maps.Keys(files)) { // each is a main file
		list, ok := c.askOnce(kind, map[string][]byte{main: files[name]})
		if !ok {
			return nil, false
		}
		for _, f := range list {
			if f.File == main {
				f.File = name
			}
			all = append(all, f)
		}
	}
	return all, true
}

func (c *check) askOnce(kind string, files map[string][]byte) ([]finding.Finding, bool) {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%q %d ", name, len(files[name]))
		h.Write(files[name])
	}
	id := kind + string(h.Sum(nil))
	if a, known := c.answers[id]; known {
		return a.findings, a.ok
	}
	var a answer
	if serverOf(kind) != prometheusKind || c.run() {
		var err error
		if a.findings, err = c.Alone(c.ctx, kind, files); err != nil {
			c.Unjudged = append(c.Unjudged, err)
		}
		a.ok = err == nil
	}
	c.answers[id] = a
	return a.findings, a.ok
}

// ruleFile is a rule file that no server of the input reads.
type ruleFile struct {
	of      any // the *manifest.Value or the node of the PrometheusRule
	name    string
	content []byte
}

// judgeRules judges all rule files that no server reads in one run, because they do not depend on each other. If that gives no
// verdict, each is judged separately later.
func (c *check) judgeRules() {
	var list []ruleFile
	for _, o := range c.in.Objects {
		for _, v := range o.Values {
			if !c.judged[v] && v.Problem == "" && c.kind(v.Key, v) == KindRules {
				list = append(list, ruleFile{v, v.Key, v.Content})
			}
		}
	}
	for _, o := range c.in.Others {
		if isPrometheusRule(o) {
			if text, _, ok := c.in.FileOf(o).Text(o.Get("spec")); ok {
				list = append(list, ruleFile{o.Node, "rules.yml", text})
			}
		}
	}
	if len(list) < 2 {
		return
	}
	files, of := map[string][]byte{}, map[string]any{}
	same := map[[sha256.Size]byte]string{}
	names := map[string][]any{}
	for i, r := range list {
		sum := sha256.Sum256(r.content)
		name, known := same[sum]
		if !known {
			name = r.name
			for of[name] != nil {
				name = fmt.Sprintf("%d-%s", i, name)
			}
			same[sum], files[name], of[name] = name, r.content, r.of
		}
		names[name] = append(names[name], r.of)
	}
	findings, err := c.Alone(c.ctx, KindRules, files)
	if err != nil {
		return
	}
	for _, all := range names {
		for _, of := range all {
			c.rules[of] = []finding.Finding{}
		}
	}
	for _, f := range findings {
		for _, of := range names[f.File] {
			c.rules[of] = append(c.rules[of], f)
		}
	}
}

// kind is the kind of a value, by its contents and its name: its key, or the path in a volume's items.
func (c *check) kind(name string, v *manifest.Value) string {
	as := valueAs{name, v}
	k, known := c.kinds[as]
	if !known {
		k = c.Kind(name, v.Content)
		c.kinds[as] = k
	}
	return k
}

// valueAs is a value with the name that it has in a container.
type valueAs struct {
	name string
	*manifest.Value
}
