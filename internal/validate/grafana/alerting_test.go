package grafana

import (
	"slices"
	"strconv"
	"testing"

	"reloader/internal/validate"
)

// freshAlerting is what alerting holds in a new server.
func freshAlerting(v Version) *LiveAlerting {
	builtin := "grafana-default-email"
	if v.AtLeast(v124) {
		builtin = "empty"
	}
	return &LiveAlerting{
		ContactPoints: []LiveContactPoint{{OrgID: 1, Name: builtin, UID: ""}, {OrgID: 2, Name: builtin, UID: ""}},
		MuteTimes:     []LiveNamed{}, Templates: []LiveNamed{}, Rules: []LiveRule{},
		Receivers: []LiveNamed{{OrgID: 1, Name: builtin}, {OrgID: 2, Name: builtin}}, Intervals: []LiveNamed{},
	}
}

// seedAlerting adds what the seed's files made.
func seedAlerting(live *Live, seed validate.Result, _ Version) {
	a := live.Alerting
	for _, i := range seed.Outline.Items {
		org, _ := strconv.ParseInt(i.Attrs["org"], 10, 64)
		switch i.Kind {
		case itemRule:
			a.Rules = append(a.Rules, LiveRule{OrgID: org, UID: i.Attrs["uid"], Title: i.Attrs["title"], Folder: i.Attrs["folder"], Provenance: "file", Receiver: i.Attrs["receivers"], Intervals: alerted(i, "intervals")})
		case itemContactPoint:
			a.ContactPoints = append(a.ContactPoints, LiveContactPoint{OrgID: org, Name: i.Attrs["name"], UID: i.Attrs["uid"], Provenance: "file"})
		case itemPolicy:
			a.Receivers, a.Intervals = slices.DeleteFunc(a.Receivers, func(n LiveNamed) bool { return n.OrgID == org }), nil
			for _, name := range alerted(i, "receivers") {
				a.Receivers = append(a.Receivers, LiveNamed{OrgID: org, Name: name})
			}
			for _, name := range alerted(i, "intervals") {
				a.Intervals = append(a.Intervals, LiveNamed{OrgID: org, Name: name})
			}
		case itemMuteTiming:
			a.MuteTimes = append(a.MuteTimes, LiveNamed{OrgID: org, Name: i.Attrs["name"], Provenance: "file"})
		}
	}
}

func TestTrialsAlerting(t *testing.T) {
	t.Parallel()
	playTrials(t, "alerting", nil, seedAlerting)
}

// oneAlertingFile judges one alerting file for a new 12.4.
func oneAlertingFile(t *testing.T, text string, facts validate.Facts) []validate.Finding {
	t.Helper()
	b := newBench(t)
	b.lay(map[string]string{"alerting/a.yaml": text}, nil, nil)
	return b.validate(validate.Request{Set: b.set(), Facts: facts}).Findings
}

func newServer() validate.Facts {
	return validate.Facts{Version: "12.4.0", SameEnv: true, Live: &Live{Orgs: []Org{{1, "Main Org."}}, Alerting: freshAlerting(v124)}}
}

func TestAlertingCases(t *testing.T) {
	t.Parallel()
	for _, c := range alertCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found := oneAlertingFile(t, c.text, newServer())
			errors, warned := map[string]bool{}, c.warn == ""
			for _, f := range found {
				if f.Severity == validate.Error {
					errors[f.Rule] = true
				}
				warned = warned || f.Severity == validate.Warning && f.Rule == c.warn
			}
			if c.want == "" && len(errors) > 0 || c.want != "" && !errors[c.want] {
				t.Errorf("errors are %v, want %q\n%s", errors, c.want, listed(found))
			}
			if !warned {
				t.Errorf("no warning %s\n%s", c.warn, listed(found))
			}
		})
	}
}
