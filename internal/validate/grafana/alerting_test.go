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
