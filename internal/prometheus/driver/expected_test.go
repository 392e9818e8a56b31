package driver_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/prometheus/prometheustest"
	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
	"reloader/internal/snapshot"
	"reloader/test/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// expected is what promcheck expects a server to show if it runs the files; nil for broken files.
func expected(t *testing.T, set *snapshot.Set) any {
	t.Helper()
	v := validator.New(validator.Options{Main: set.Snapshots[0].Source.UserPath("prometheus.yml"), Program: rig.Program(t, "promcheck")})
	res, err := v.Validate(t.Context(), finding.Request{Set: set, Facts: finding.Facts{Version: "3.16.0"}})
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := res.Expected.(*proof.Expected); ok {
		return e
	}
	return nil
}

// shown is what a real server showed of the contract's files; TestContractShown compares it with the real server.
func shown(dir string) func(text string) prometheustest.Shown {
	return func(text string) prometheustest.Shown {
		name := map[string]string{goodFile: "good", otherFile: "other", rulesFile: "rules"}[text]
		b, err := os.ReadFile(filepath.Join("testdata", "shown", name+".yml"))
		if name == "" || err != nil {
			return prometheustest.Shown{YAML: text}
		}
		s := prometheustest.Shown{YAML: strings.ReplaceAll(string(b), "DIR", dir)}
		if text == rulesFile {
			rule := func(name, query string) prometheustest.Rule {
				return prometheustest.Rule{Name: name, Query: query, Labels: map[string]string{}, Health: "unknown", Type: "recording"}
			}
			s.Pools = []string{"self"}
			for _, group := range []string{"one", "two"} {
				s.Groups = append(s.Groups, prometheustest.Group{
					Name: group, File: filepath.Join(dir, "good.rules"), Interval: 60, Rules: []prometheustest.Rule{rule("a:"+group, "sum by (x) (up)")},
				})
			}
		}
		return s
	}
}
