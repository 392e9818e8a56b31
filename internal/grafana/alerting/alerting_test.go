package alerting

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/expand"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// checked judges one alerting file, in an environment without variables.
func checked(t *testing.T, text, version string, same bool) *validation.Pass {
	s := snapshot.FromFiles(snapshot.Source{Name: grafana.Alerting, Dir: "alerting"}, map[string][]byte{"a.yaml": []byte(text)})
	p := validation.New(t.Context(), validation.Options{Env: expand.Env{LookupEnv: func(string) (string, bool) { return "", false }}}, finding.Request{
		Set: snapshot.NewSet(s), Facts: finding.Facts{Version: version, SameEnv: same},
	})
	Check(p, s)
	return p
}

// No finding about a contact point shows the value of a setting, whichever setting it is and whatever is wrong with it.
func TestNoFindingShowsASetting(t *testing.T) {
	t.Parallel()
	const secret = "Zq7SECRETx9"
	for _, typ := range contactTypes {
		for _, field := range settingFields(typ.fields) {
			// Names, including those of variables and files, are shown: they are not secret.
			for _, form := range []string{"'%s'", "[%s]", "{a: %s}", "'http://u:%s@[::1'", "'x$%s'"} {
				text := fmt.Sprintf("contactPoints:\n  - name: CP\n    receivers:\n      - {uid: c1, type: %s, settings: {%s: %s}}\n",
					typ.name, field.name, strings.ReplaceAll(form, "%s", secret))
				for _, version := range []string{"12.4.0", "9.3.2"} {
					for _, same := range []bool{false, true} {
						p := checked(t, text, version, same)
						if len(p.Outline) != 1 {
							t.Fatalf("%s %v: the file was not read\n%s%+v", version, same, text, p.Result().Findings)
						}
						if all := fmt.Sprintf("%+v %+v", p.Result().Findings, p.Outline); strings.Contains(all, secret) {
							t.Errorf("%s %v shows a secret of\n%s%s", version, same, text, all)
						}
					}
				}
			}
		}
	}
}

// The value of a variable in Grafana's container is unknown, so a route with such a matcher is not reported as one that matches
// every alert.
func TestARouteWithAnUnknownMatcher(t *testing.T) {
	t.Parallel()
	for matchers, want := range map[string]bool{"matchers: ['${TEAM}']": false, "matchers: []": true, "matchers: ['a=b']": false} {
		text := "policies: [{receiver: empty, routes: [{receiver: empty, " + matchers + "}]}]\n"
		found := checked(t, text, "12.4.0", false).Result().Findings
		if got := slices.ContainsFunc(found, func(f finding.Finding) bool { return f.Rule == rulePolicyContinue }); got != want {
			t.Errorf("%s: %+v", matchers, found)
		}
	}
}
