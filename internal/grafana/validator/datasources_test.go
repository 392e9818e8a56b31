package validator

import (
	"slices"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana/validation"
)

// The first entry of each pair triggers the rule; the second, corrected one does not.
func TestDatasourceFields(t *testing.T) {
	t.Parallel()
	for rule, entries := range map[string][2]string{
		ruleDSNameSpace: {`{name: "Metrics ", type: prometheus}`, `{name: Metrics, type: prometheus}`},
		ruleDSURL:       {`{name: M, type: prometheus, url: "prometheus:9090"}`, `{name: M, type: prometheus, url: "http://prometheus:9090"}`},
		ruleDSAccess:    {`{name: M, type: prometheus, access: server}`, `{name: M, type: prometheus, access: proxy}`},
		ruleDSType:      {`{name: M, type: promtheus}`, `{name: M, type: prometheus}`},
		ruleDSPassword:  {`{name: M, type: prometheus, password: x}`, `{name: M, type: prometheus, secureJsonData: {password: x}}`},
		ruleDSNoUser: {
			`{name: M, type: prometheus, basicAuth: true, secureJsonData: {basicAuthPassword: x}}`,
			`{name: M, type: prometheus, basicAuth: true, basicAuthUser: ann, secureJsonData: {basicAuthPassword: x}}`,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			for i, entry := range entries {
				set := docSet(map[string]string{"datasources/ds.yaml": "apiVersion: 1\ndatasources:\n  - " + entry + "\n"})
				r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set})
				if err != nil {
					t.Fatal(err)
				}
				if got := slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == rule }); got != (i == 0) {
					t.Errorf("%s: triggered: %t\n%s", entry, got, listed(r.Findings))
				}
			}
		})
	}
}
