package judge

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
)

// hiddenMistakes adds the mistakes of rules that cannot be decoded: one wrong type, duration or key hides all others of
// its rule from the library. With all, rules in which nothing was found are judged too: no one looked at them.
func (j *ruleJudge) hiddenMistakes(ix *index, found []problem, all bool) []problem {
	// What the library found has no column yet, unless it is about the text itself.
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
	if groups := resolved(child(ix.root, "groups")); groups != nil {
		for _, g := range groups.Content {
			rules := resolved(child(resolved(g), "rules"))
			if rules == nil || rules.Kind != yaml.SequenceNode {
				continue
			}
			group := ""
			if n := resolved(child(resolved(g), "name")); n != nil {
				group = n.Value
			}
			for i, r := range rules.Content {
				r = resolved(r)
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
	}
	return found
}

var ruleType = reflect.TypeFor[rulefmt.Rule]()

// oneRule judges a rule key by key, and then with what can be used of it.
func (j *ruleJudge) oneRule(ix *index, n *yaml.Node, group string, number int) []problem {
	d := ruleDecoder{seen: map[string]bool{}, meant: map[string]bool{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		d.key(n.Content[i], resolved(n.Content[i+1]))
	}
	// What is misspelt or has the wrong type is reported as such, and is not missing.
	if d.rule.Expr == "" && !d.seen["expr"] && d.meant["expr"] {
		d.rule.Expr = "vector(1)"
	}
	if d.rule.Alert == "" && d.rule.Record == "" && (d.meant["alert"] || d.meant["record"]) {
		d.rule.Alert = "unnamed"
	}
	var errs []error
	for _, w := range d.rule.Validate(d.node, j.scheme, j.parser) {
		errs = append(errs, &rulefmt.Error{Group: group, Rule: number, RuleName: d.name(), Err: w})
	}
	ps := append(d.found, ruleProblems(errs, &rulefmt.RuleGroups{})...)
	for i := range ps {
		if ps[i].line == 0 {
			ix.within(&ps[i], n.Line, lastLine(n))
		}
	}
	return ps
}

// ruleDecoder takes of a rule what has the right type.
type ruleDecoder struct {
	rule rulefmt.Rule
	node rulefmt.RuleNode
	seen map[string]bool
	// meant are the keys that unknown ones stand for, and those that have a value of the wrong type.
	meant map[string]bool
	found []problem
}

func (d *ruleDecoder) name() string {
	if d.rule.Alert != "" {
		return d.rule.Alert
	}
	return d.rule.Record
}

func (d *ruleDecoder) key(k, v *yaml.Node) {
	mistakeAt := func(n *yaml.Node, rule, message, hint string) {
		d.found = append(d.found, problem{mistake: mistake{
			line: n.Line, column: n.Column, severity: finding.Error, rule: rule, message: message, hint: hint,
		}})
	}
	if k.Tag == "!!merge" {
		return
	}
	if d.seen[k.Value] {
		mistakeAt(k, ruleNames.duplicate, fmt.Sprintf("key %q is already set", k.Value), "keep one of the two; YAML mappings hold each key once")
		return
	}
	d.seen[k.Value] = true
	wrong := func(want string) {
		mistakeAt(v, ruleNames.wrongType, quoted(k.Value)+": "+typeMessage(want, got(v.ShortTag())), "")
	}
	switch k.Value {
	case "record", "alert", "expr":
		if v.Kind != yaml.ScalarNode {
			wrong("a string")
			d.meant[k.Value] = true
			if k.Value == "expr" {
				d.rule.Expr = "vector(1)"
			}
			return
		}
		switch k.Value {
		case "record":
			d.rule.Record, d.node.Record = v.Value, *v
		case "alert":
			d.rule.Alert, d.node.Alert = v.Value, *v
		default:
			d.rule.Expr, d.node.Expr = v.Value, *v
		}
	case "for", "keep_firing_for":
		if v.Kind != yaml.ScalarNode {
			wrong("a string")
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
				wrong("a mapping")
			}
			return
		}
		texts := map[string]string{}
		for i := 0; i+1 < len(v.Content); i += 2 {
			if value := resolved(v.Content[i+1]); value.Kind == yaml.ScalarNode {
				texts[v.Content[i].Value] = value.Value
			} else {
				mistakeAt(value, ruleNames.wrongType, quoted(v.Content[i].Value)+": "+typeMessage("a string", got(value.ShortTag())), "")
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
			d.found = append(d.found, problem{mistake: mistake{
				line: k.Line, column: k.Column, severity: finding.Error, rule: validator.RuleRulesUnknown, message: fmt.Sprintf("unknown field %q", k.Value),
			}, unknown: k.Value})
		}
	}
}
