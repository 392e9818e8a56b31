package validator

import (
	"slices"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana/validation"
)

// onlyServer are the rules that warn about what only the server knows.
var onlyServer = []string{
	validation.RuleOrgUnknown, rulePluginInstalled, rulePluginOrgName, ruleCorrelationTarget, ruleNotifierOrgName,
}

// TestTrialsWithoutServer is what `check` does, which asks no server. Good files never give an error, with or without the server's
// environment. Bad files give an error, unless they are bad only because of what the server had before, or a warning names what
// the server must have.
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
			if total == 0 {
				t.Error("no verdicts to compare")
			}
			t.Logf("%d verdicts; %d bad ones are only warnings, %d depend on earlier state", total, warned, seeded)
		})
	}
}
