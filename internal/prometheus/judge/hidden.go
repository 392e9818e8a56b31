package judge

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/yamlnode"
)

// hiddenMistakes adds the mistakes in rules that cannot be decoded: one wrong type, duration or key hides all others in
// its rule from the library. With all, rules without a known mistake are judged too: the search did not reach them.
func (j *ruleJudge) hiddenMistakes(ix *index, found []problem, all bool) []problem {
	// Problems from the library have no column yet, unless they are about the text itself.
	type spot struct {
		line, column  int
		rule, message string
	}
	seen, undecoded := map[spot]bool{}, []int{}
	for _, p := range found {
		seen[spot{p.line, p.column, p.rule, ""}], seen[spot{p.line, 0, p.rule, p.message}] = true, true
		if slices.Contains([]string{ruleNames.unknown, ruleNames.duplicate, ruleNames.wrongType, ruleNames.duration}, p.rule) {
			undecoded = append(undecoded, p.line)
		}
	}
	slices.Sort(undecoded)
	if all {
		found = slices.DeleteFunc(found, func(p problem) bool { return strings.HasSuffix(p.message, notListed) })
	}
	for _, g := range yamlnode.Items(child(ix.root, "groups")) {
		group := ""
		if n := yamlnode.Resolve(child(yamlnode.Resolve(g), "name")); n != nil {
			group = n.Value
		}
		for i, r := range yamlnode.Items(child(yamlnode.Resolve(g), "rules")) {
			r = yamlnode.Resolve(r)
			from, to := r.Line, lastLine(r)
			first, _ := slices.BinarySearch(undecoded, from)
			if r.Kind != yaml.MappingNode || !all && (first == len(undecoded) || undecoded[first] > to) {
				continue
			}
			for _, p := range j.oneRule(ix, r, group, i+1) {
				if !seen[spot{p.line, 0, p.rule, ""}] && !seen[spot{p.line, p.column, p.rule, ""}] && !seen[spot{p.line, 0, p.rule, p.message}] {
					found = append(found, p)
				}
			}
		}
	}
	return found
}

var ruleType = reflect.TypeFor[rulefmt.Rule]()

// oneRule judges a rule key by key, then as a whole, from the keys that can be used.
func (j *ruleJudge) oneRule(ix *index, n *yaml.Node, group string, number int) []problem {
	d := ruleDecoder{seen: map[string]bool{}, meant: map[string]bool{}}
	for k, v := range yamlnode.Pairs(n) {
		d.key(k, yamlnode.Resolve(v))
	}
	// A key that is misspelled or has the wrong type is already reported. It is not missing.
	if d.rule.Expr == "" && !d.seen["expr"] && d.meant["expr"] {
		d.rule.Expr = "vector(1)"
	}
	if d.rule.Alert == "" && d.rule.Record == "" && (d.meant["alert"] || d.meant["record"]) {
		d.rule.Alert = "unnamed"
	}
	var errs []error
	for _, w := range d.rule.Validate(d.node, j.scheme, j.parser) {
		errs = append(errs, &rulefmt.Error{Group: group, Rule: number, RuleName: cmp.Or(d.rule.Alert, d.rule.Record), Err: w})
	}
	ps := append(d.found, ruleProblems(errs, &rulefmt.RuleGroups{})...)
	for i := range ps {
		if ps[i].line == 0 {
			ix.within(&ps[i], n.Line, lastLine(n))
		}
	}
	return ps
}

// ruleDecoder decodes those keys of a rule that have the right type.
type ruleDecoder struct {
	rule rulefmt.Rule
	node rulefmt.RuleNode
	seen map[string]bool
	// meant are the keys that unknown keys were meant to be, and those with a value of the wrong type.
	meant map[string]bool
	found []problem
}

func (d *ruleDecoder) key(k, v *yaml.Node) {
	mistakeAt := func(n *yaml.Node, rule, message, hint string) {
		d.found = append(d.found, problemAt(n, finding.Error, rule, message, hint))
	}
	if k.Tag == "!!merge" {
		return
	}
	if d.seen[k.Value] {
		mistakeAt(k, ruleNames.duplicate, fmt.Sprintf("key %q is already set", k.Value), "keep one of the two; YAML mappings hold each key once")
		return
	}
	d.seen[k.Value] = true
	wrong := func(n *yaml.Node, key, want string) {
		mistakeAt(n, ruleNames.wrongType, quoted(key)+": "+typeMessage(want, got(n.ShortTag())), "")
	}
	switch k.Value {
	case "record", "alert", "expr":
		value := v.Value
		if v.Kind != yaml.ScalarNode {
			wrong(v, k.Value, "a string")
			d.meant[k.Value] = true
			if k.Value != "expr" {
				return
			}
			value = "vector(1)"
		}
		switch k.Value {
		case "record":
			d.rule.Record, d.node.Record = value, *v
		case "alert":
			d.rule.Alert, d.node.Alert = value, *v
		default:
			d.rule.Expr, d.node.Expr = value, *v
		}
	case "for", "keep_firing_for":
		if v.Kind != yaml.ScalarNode {
			wrong(v, k.Value, "a string")
			return
		}
		length, err := model.ParseDuration(v.Value)
		if err != nil && v.Value != "" {
			p := valueProblem(err.Error(), ruleNames)
			mistakeAt(v, p.rule, p.message, p.hint)
			return
		}
		if k.Value == "for" {
			d.rule.For = length
		} else {
			d.rule.KeepFiringFor = length
		}
	case "labels", "annotations":
		if v.Kind != yaml.MappingNode {
			if v.Tag != "!!null" {
				wrong(v, k.Value, "a mapping")
			}
			return
		}
		texts := map[string]string{}
		for name, value := range yamlnode.Pairs(v) {
			if value = yamlnode.Resolve(value); value.Kind == yaml.ScalarNode {
				texts[name.Value] = value.Value
			} else {
				wrong(value, name.Value, "a string")
			}
		}
		if k.Value == "labels" {
			d.rule.Labels = texts
		} else {
			d.rule.Annotations = texts
		}
	default:
		hint := unknownHint(ruleFileType, []string{"groups", "rules", k.Value})
		for _, key := range []string{"alert", "record", "expr"} {
			d.meant[key] = d.meant[key] || strings.Contains(hint, quoted(key))
		}
		if _, ok := fields(ruleType)[k.Value]; !ok {
			p := problemAt(k, finding.Error, ruleNames.unknown, fmt.Sprintf("unknown field %q", k.Value), "")
			p.unknown = k.Value
			d.found = append(d.found, p)
		}
	}
}
