package validator

import (
	"fmt"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// alertRules is an alerting file with n rules.
func alertRules(n int) string {
	var b strings.Builder
	b.WriteString("apiVersion: 1\ngroups:\n  - orgId: 1\n    name: G\n    folder: F\n    interval: 1m\n    rules:\n")
	for i := range n {
		fmt.Fprintf(&b, "      - {uid: r%d, title: T%d, condition: A, data: [{refId: A, datasourceUid: __expr__, relativeTimeRange: {from: 600, to: 0}, model: {type: math, expression: '1'}}]}\n", i, i)
	}
	return b.String()
}

// Like a real Grafana 12.4, we refuse the rule that reaches the quota: with a limit of 3, two rules are accepted; with 2, 1 or 0
// they are not. Rules that the server has already count, and are not refused.
func TestAlertRuleQuota(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ini  string
		live *validation.Live
		line int // of the error; 0: none
	}{
		{"", nil, 0},
		{"[quota]\nenabled = false\norg_alert_rule = 1\n", nil, 0},
		{"[quota]\nenabled = true\n", nil, 0},
		{"[quota]\nenabled = true\norg_alert_rule = 3\n", nil, 0},
		{"[quota]\nenabled = yes\norg_alert_rule = 2\n", nil, 9},
		{"[quota]\nenabled = true\norg_alert_rule = 1\n", nil, 8},
		{"[quota]\nenabled = true\norg_alert_rule = 0\n", nil, 8},
		{"[quota]\nenabled = true\norg_alert_rule = -1\n", nil, 0},
		{"[quota]\nenabled = true\nglobal_alert_rule = 2\n", nil, 9},
		// The running server's settings count, and its rules.
		{"[quota]\nenabled = true\norg_alert_rule = 1\n", &validation.Live{Settings: map[string]string{}}, 0},
		{"", &validation.Live{Settings: map[string]string{"quota.enabled": "true", "quota.org_alert_rule": "3"}, Alerting: &validation.LiveAlerting{Rules: []validation.LiveRule{{OrgID: 1, UID: "mine"}}}}, 9},
		{"", &validation.Live{Settings: map[string]string{"quota.enabled": "true", "quota.org_alert_rule": "1"}, Alerting: &validation.LiveAlerting{Rules: []validation.LiveRule{{OrgID: 1, UID: "r0"}, {OrgID: 1, UID: "r1"}}}}, 0},
	} {
		files := map[string]string{"alerting/a.yaml": alertRules(2)}
		set := docSet(files)
		if tt.ini != "" {
			set = snapshot.NewSet(append(set.Snapshots, snapshot.FromFiles(snapshot.Source{Name: grafana.Ini, Dir: "/i"}, map[string][]byte{"grafana.ini": []byte(tt.ini)}))...)
		}
		r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set, Facts: finding.Facts{Live: tt.live}})
		if err != nil {
			t.Fatal(err)
		}
		line := 0
		for _, f := range r.Findings {
			if f.Rule == "alert-rule-quota" && f.Severity == finding.Error {
				line = f.Line
			}
		}
		if line != tt.line {
			t.Errorf("%q, running %+v: error in line %d, want %d:\n%s", tt.ini, tt.live, line, tt.line, listed(r.Findings))
		}
	}
}

// With alerting switched off, its files are not loaded: one warning says so, however many files there are.
func TestAlertingSwitchedOff(t *testing.T) {
	t.Parallel()
	set := func(ini string) *snapshot.Set {
		return snapshot.NewSet(append(docSet(map[string]string{"alerting/a.yaml": alertRules(1), "alerting/b.yaml": "apiVersion: 1\n"}).Snapshots,
			snapshot.FromFiles(snapshot.Source{Name: grafana.Ini, Dir: "/i"}, map[string][]byte{"grafana.ini": []byte(ini)}))...)
	}
	for ini, want := range map[string]int{
		"[unified_alerting]\nenabled = false\n": 1, "[unified_alerting]\nenabled = off\n": 1, "[unified_alerting]\nenabled = true\n": 0,
		"[unified_alerting]\nenabled =\n": 0, "[users]\n": 0, "[unified_alerting]\nenabled = maybe\n": 0,
	} {
		r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set(ini)})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, f := range r.Findings {
			if f.Rule == "alerting-switched-off" {
				n++
			}
		}
		if n != want {
			t.Errorf("%q: %d warnings, want %d:\n%s", ini, n, want, listed(r.Findings))
		}
	}
}
