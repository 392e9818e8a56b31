package validator

import (
	"slices"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana/validation"
)

// onlyServer are the rules that warn of what only the server knows.
var onlyServer = []string{
	validation.RuleOrgUnknown, rulePluginInstalled, rulePluginOrgName, ruleCorrelationTarget, ruleNotifierOrgName,
}

// TestTrialsWithoutServer is what `check` does: no one asked the server. Then a good set of files never gives an error, with
// or without the server's environment; and a bad one is an error, unless it is bad because of what the server had before, or a warning says
// what to ask it for.
func TestTrialsWithoutServer(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"datasources", "dashboards", "plugins", "notifiers"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			total, warned, seeded := 0, 0, 0
			for _, c := range loadTrials(t, kind) {
				b.lay(c.Files, c.FilesLinks, c.FilesBase64)
				for version := range c.Verdicts {
					total++
					elsewhere := b.validate(finding.Request{Set: b.set(), Facts: finding.Facts{Version: version}})
					r := b.validate(finding.Request{Set: b.set(), Facts: finding.Facts{Version: version, SameEnv: true}})
					if bad := c.Bad(version); !bad && (r.Invalid() || elsewhere.Invalid()) {
						t.Errorf("%s %s is good:\n%s%s", c.Case, version, listed(r.Findings), listed(elsewhere.Findings))
					} else if !bad || r.Invalid() {
						continue
					}
					switch {
					case slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return slices.Contains(onlyServer, f.Rule) }):
						warned++
					case len(c.Seed)+len(c.APISeed) > 0:
						seeded++
					default:
						t.Errorf("%s %s is bad:\n%s", c.Case, version, listed(r.Findings))
					}
				}
			}
			t.Logf("%d verdicts; %d bad ones only warned of, %d depend on earlier state", total, warned, seeded)
		})
	}
}
