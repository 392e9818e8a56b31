package validator

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	findings "reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/alerting"
	"reloader/internal/grafana/expand"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// freshAlerting is what alerting has in a fresh server.
func freshAlerting(v grafana.Version) *validation.LiveAlerting {
	builtin := "grafana-default-email"
	if v.AtLeast(validation.V124) {
		builtin = "empty"
	}
	return &validation.LiveAlerting{
		ContactPoints: []validation.LiveContactPoint{{OrgID: 1, Name: builtin, UID: ""}, {OrgID: 2, Name: builtin, UID: ""}},
		MuteTimes:     []validation.LiveNamed{}, Templates: []validation.LiveNamed{}, Rules: []validation.LiveRule{},
		Receivers: []validation.LiveNamed{{OrgID: 1, Name: builtin}, {OrgID: 2, Name: builtin}}, Intervals: []validation.LiveNamed{},
	}
}

// seedAlerting adds what the seed's files created.
func seedAlerting(live *validation.Live, seed findings.Result, _ grafana.Version) {
	a := live.Alerting
	for _, i := range seed.Outline.Items {
		org, _ := strconv.ParseInt(i.Attrs["org"], 10, 64)
		switch i.Kind {
		case "alert rule":
			a.Rules = append(a.Rules, validation.LiveRule{OrgID: org, UID: i.Attrs["uid"], Title: i.Attrs["title"], Folder: i.Attrs["folder"], Provenance: "file", Receiver: i.Attrs["receivers"], Intervals: alerting.NamesOf(i, "intervals")})
		case "contact point":
			a.ContactPoints = append(a.ContactPoints, validation.LiveContactPoint{OrgID: org, Name: i.Attrs["name"], UID: i.Attrs["uid"], Provenance: "file"})
		case "notification policy":
			a.Receivers, a.Intervals = slices.DeleteFunc(a.Receivers, func(n validation.LiveNamed) bool { return n.OrgID == org }), nil
			for _, name := range alerting.NamesOf(i, "receivers") {
				a.Receivers = append(a.Receivers, validation.LiveNamed{OrgID: org, Name: name})
			}
			for _, name := range alerting.NamesOf(i, "intervals") {
				a.Intervals = append(a.Intervals, validation.LiveNamed{OrgID: org, Name: name})
			}
		case "mute timing":
			a.MuteTimes = append(a.MuteTimes, validation.LiveNamed{OrgID: org, Name: i.Attrs["name"], Provenance: "file"})
		}
	}
}

// See playTrials.
func TestTrialsAlerting(t *testing.T) {
	t.Parallel()
	playTrials(t, "alerting", nil, seedAlerting)
}

// oneAlertingFile judges one alerting file.
func oneAlertingFile(t *testing.T, text string, facts findings.Facts) []findings.Finding {
	t.Helper()
	r, err := New(validation.Options{Env: trialEnv("")}).Validate(t.Context(), findings.Request{Set: alertingSet(text), Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
	return r.Findings
}

// newServer is a fresh Grafana 12.4.
func newServer() findings.Facts {
	return findings.Facts{Version: "12.4.0", SameEnv: true, Live: &validation.Live{Orgs: []validation.Org{{ID: 1, Name: "Main Org."}}, Alerting: freshAlerting(validation.V124)}}
}

// Each case has its error or none, its warning, and no other warning about expressions and templates.
func TestAlertingCases(t *testing.T) {
	t.Parallel()
	for _, c := range alertCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found := oneAlertingFile(t, c.text, newServer())
			errors, warned := map[string]bool{}, c.warn == ""
			for _, f := range found {
				if f.Severity == findings.Error {
					errors[f.Rule] = true
				}
				warned = warned || f.Severity == findings.Warning && f.Rule == c.warn
				if f.Rule != c.warn && (f.Rule == "alert-rule-expression" || f.Rule == "alert-rule-template") {
					t.Errorf("unexpected: %s", f)
				}
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

// alertingSecret is written where files have secrets.
const alertingSecret = "Zq7SECRETx9"

// No finding and no outline shows a secret of an alerting file, whatever is wrong near it. The settings of contact points have
// a test of their own in package alerting.
func TestNoAlertingFindingShowsASecret(t *testing.T) {
	t.Parallel()
	var texts []string
	for _, form := range []string{
		oneRule("labels: {a: 'x$%s'}", "annotations: {a: '%s'}"), query("refId: A, datasourceUid: '-100', model: {password: '%s', bad: {1: %s}}"),
		tmpl("{{ toUpper `%s` \"%s %s\" "), tmpl("{{ printf \"%s\" | nofunc }}"), "contactPoints: [{name: CP, receivers: [{uid: c, type: slack, settings: '%s'}]}]\n",
		"contactPoints: [{name: CP, receivers: [{uid: c, type: slack, settings: {token: %s, token: %s}}]}]\n", "contactPoints:\n  - settings: {token: %s\n",
	} {
		texts = append(texts, strings.ReplaceAll(form, "%s", alertingSecret))
	}
	v := New(validation.Options{Env: trialEnv("")})
	for _, text := range texts {
		set := alertingSet(text)
		for _, version := range []string{"12.4.0", "9.3.2"} {
			for _, same := range []bool{false, true} {
				facts := newServer()
				facts.Version, facts.SameEnv = version, same
				r, err := v.Validate(t.Context(), findings.Request{Set: set, Facts: facts})
				if err != nil {
					t.Fatal(err)
				}
				if all := fmt.Sprintf("%+v %+v", r.Findings, r.Outline); strings.Contains(all, alertingSecret) {
					t.Errorf("%s %v shows a secret of\n%s%s", version, same, text, listed(r.Findings))
				}
			}
		}
	}
}

// When the list of findings ends between two mistakes of one entry, it is always the first one that is listed.
func TestSameFindingsAtTheBound(t *testing.T) {
	t.Parallel()
	text := "apiVersion: 1\npolicies:\n- receiver: empty\n  routes:\n" +
		strings.Repeat("  - {receiver: empty, match: {a: 1}}\n", validation.MaxPerFile-1) + "  - {receiver: empty, match: 1, match_re: 2}\n"
	for range 50 {
		r, err := New(validation.Options{}).Validate(t.Context(), findings.Request{Set: alertingSet(text)})
		if err != nil {
			t.Fatal(err)
		}
		if all := listed(r.Findings); !strings.Contains(all, "'match' must be a map") || strings.Contains(all, "'match_re' must be a map") {
			t.Fatalf("the first one is not listed, or the second one is:\n%s", all)
		}
	}
}

func alertingSet(text string) *snapshot.Set {
	return snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: grafana.Alerting, Dir: "alerting"}, map[string][]byte{"a.yaml": []byte(text)}))
}

// FuzzAlerting: any file is judged without a panic for each version, and when it has not changed, nothing was removed from it.
func FuzzAlerting(f *testing.F) {
	for _, c := range alertCases {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return
		}
		set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: grafana.Alerting, Dir: "alerting"}, map[string][]byte{"a.yaml": []byte(text), "b.json": []byte(text)}))
		v := New(validation.Options{Env: expand.Env{LookupEnv: func(string) (string, bool) { return "", false }, ReadFile: func(string) ([]byte, error) { return nil, os.ErrNotExist }}})
		for _, version := range []string{"12.4.0", "11.0.0", "9.4.0", "9.3.2"} {
			r, err := v.Validate(t.Context(), findings.Request{Set: set, Facts: findings.Facts{Version: version}})
			if err != nil {
				t.Fatal(err)
			}
			again, err := v.Validate(t.Context(), findings.Request{Set: set, Facts: findings.Facts{Version: version}, Running: r.Outline})
			if err != nil {
				t.Fatal(err)
			}
			for _, finding := range again.Findings {
				if finding.Rule == "alerting-removed-stays" {
					t.Errorf("the file is unchanged, and something counts as removed: %s", finding)
				}
			}
		}
	})
}

// What is removed from alerting files stays in Grafana: each thing is reported, unless the files delete it.
func TestWhatLeavesAlertingFilesStays(t *testing.T) {
	t.Parallel()
	before := oneRule() + point("email", "addresses: a") + mute("weekdays: [monday]") + tmpl("x") + policy("{receiver: CP}")
	b := newBench(t)
	b.lay(map[string]string{"alerting/a.yaml": before}, nil, nil)
	running := b.validate(findings.Request{Set: b.set(), Facts: newServer()}).Outline
	stay := func(text string) int {
		b.lay(map[string]string{"alerting/a.yaml": text}, nil, nil)
		n := 0
		for _, f := range b.validate(findings.Request{Set: b.set(), Facts: newServer(), Running: running}).Findings {
			if f.Rule == "alerting-removed-stays" {
				n++
			}
		}
		return n
	}
	if n := stay(before); n != 0 {
		t.Errorf("%d things count as removed from unchanged files", n)
	}
	if n := stay("apiVersion: 1\n"); n != 5 {
		t.Errorf("%d things count as removed from the emptied file, want 5", n)
	}
	deletes := "deleteRules: [{uid: r1}]\ndeleteContactPoints: [{uid: c1}]\ndeleteMuteTimes: [{name: m1}]\ndeleteTemplates: [{name: t1}]\nresetPolicies: [1]\n"
	if n := stay(deletes); n != 0 {
		t.Errorf("%d things count as staying although the file deletes them", n)
	}
}

// What depends on Grafana's version, where no trial shows it.
func TestAlertingVersions(t *testing.T) {
	t.Parallel()
	general := strings.Replace(oneRule(), "folder: F", "folder: General", 1)
	active := policy("{receiver: RECEIVER, routes: [{object_matchers: [[a, '=', b]], active_time_intervals: [nope]}]}")
	for _, c := range []struct {
		name, version, text, want string
	}{
		{"no for in 9", "9.4.0", oneRule("-for"), "alerting-key-missing"},
		{"no for in 11", "11.5.1", oneRule("-for"), ""},
		{"General in 9", "9.3.2", general, "alerting-folder"},
		{"General in 12", "12.4.0", general, ""},
		{"active intervals in 9", "9.4.0", active, ""},
		{"active intervals in 12", "12.4.0", active, alerting.RuleIntervalRef},
		{"type in capitals in 9", "9.4.0", point("Email", "addresses: a"), "contact-point-type"},
		{"type in capitals in 12", "12.0.0", point("Email", "addresses: a"), ""},
		{"mqtt in 9", "9.4.0", point("mqtt", "brokerUrl: x, topic: t"), "contact-point-type"},
		{"webex without token in 9", "9.3.2", point("webex", "room_id: r"), "contact-point-required"},
		{"KeepLast in 9", "9.4.0", oneRule("execErrState: KeepLast"), "alert-rule-state"},
		{"two titles in 11", "11.5.1", oneRule() + "      - {uid: r2, title: R1, condition: A, data: [{refId: A, datasourceUid: '-100', model: {}}]}\n", "alert-rule-title-twice"},
		{"record without condition in 12.2", "12.2.0", oneRule("-condition", "record: {metric: m}"), "alerting-key-missing"},
		{"keepFiringFor in 12.1", "12.1.0", oneRule("keepFiringFor: 5"), ""},
		{"null group in 9.3", "9.3.2", "groups: [null]\n", "alerting-null-item"},
		{"null delete in 9.3", "9.3.2", "deleteRules: [null]\n", ""},
		{"contact point of a later step in 9", "9.4.0", point("email", "addresses: a") + policy("{receiver: CP}"), ""},
		{"built-in contact point of 9", "9.4.0", policy("{receiver: grafana-default-email}"), ""},
		{"built-in contact point of 12.3", "12.3.0", policy("{receiver: grafana-default-email}"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			facts := newServer()
			facts.Version = c.version
			live := freshAlerting(grafana.ParseVersion(c.version))
			facts.Live = &validation.Live{Orgs: []validation.Org{{ID: 1, Name: "Main Org."}}, Alerting: live}
			found := oneAlertingFile(t, strings.ReplaceAll(c.text, "RECEIVER", live.ContactPoints[0].Name), facts)
			got := ""
			for _, f := range found {
				if f.Severity == findings.Error && (got == "" || f.Rule == c.want) {
					got = f.Rule
				}
			}
			if got != c.want {
				t.Errorf("error %q, want %q\n%s", got, c.want, listed(found))
			}
		})
	}
}

// If the server was not asked, contact points and intervals that no file defines may exist there: they give warnings, not errors.
func TestAlertingReferencesWithoutServer(t *testing.T) {
	t.Parallel()
	text := policy("{receiver: Team, routes: [{receiver: empty, object_matchers: [[a, '=', b]], mute_time_intervals: [Night]}]}")
	found := oneAlertingFile(t, text, findings.Facts{Version: "12.4.0"})
	if findings.HasErrors(found) {
		t.Errorf("errors without asking the server:\n%s", listed(found))
	}
	var rules []string
	for _, f := range found {
		if f.Severity == findings.Warning {
			rules = append(rules, f.Rule)
		}
	}
	if slices.Sort(rules); !slices.Equal(rules, []string{alerting.RuleIntervalRef, alerting.RuleReceiver}) {
		t.Errorf("warnings are %v, want one for the contact point and one for the interval", rules)
	}
}

func BenchmarkAlerting(b *testing.B) {
	var text strings.Builder
	text.WriteString("groups:\n")
	for i := range 80 {
		one := strings.TrimPrefix(oneRule("uid: r"+strconv.Itoa(i)), "groups:\n")
		text.WriteString(strings.Replace(one, "name: G", "name: G"+strconv.Itoa(i), 1))
	}
	set := alertingSet(text.String())
	v := New(validation.Options{})
	b.ReportAllocs()
	for b.Loop() {
		r, err := v.Validate(b.Context(), findings.Request{Set: set})
		if err != nil || r.Invalid() {
			b.Fatal(err, listed(r.Findings))
		}
	}
}
