package judge

import (
	"cmp"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
)

// duplicateRules warns about rules of a file that have the same name and labels, as promtool's lint does.
func duplicateRules(file *rulefmt.RuleGroups) []problem {
	type id struct{ metric, labels string }
	seen := map[id]bool{}
	var ps []problem
	for _, g := range file.Groups {
		for i, r := range g.Rules {
			name := cmp.Or(r.Alert, r.Record)
			b := labels.NewBuilder(labels.FromMap(g.Labels))
			for k, v := range r.Labels {
				b.Set(k, v)
			}
			rule := id{name, b.Labels().String()}
			if name == "" || !seen[rule] {
				seen[rule] = true
				continue
			}
			ps = append(ps, problem{
				severity: finding.Warning, rule: validator.RuleDuplicateRule,
				message: "rule " + strconv.Quote(name) + " of group " + strconv.Quote(g.Name) + " appears twice with the same labels",
				hint:    "rename one, or give it different labels",
				needles: []string{name}, group: g.Name, number: i + 1})
		}
	}
	return ps
}
