package driver

import (
	"net/http"
	"slices"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana/grafanatest"
	"reloader/internal/grafana/validation"
	"reloader/internal/grafana/validator"
	"reloader/internal/reload"
)

// Before the server is asked, an organization that may not exist is only a warning. Once it answers, the warning is gone if the
// organization exists, and an error if it does not.
func TestContractSettled(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, s server) {
		entry := func(org string) string {
			return "apiVersion: 1\ndatasources:\n- {name: A, uid: a, type: prometheus, orgId: " + org + "}\n"
		}
		r := newRig(t, s.url, s.password, nil)
		s.write(t, "datasources/ds.yaml", entry("2"))
		set := s.read(t, "datasources")
		first, err := validator.New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set})
		if err != nil || len(first.Findings) == 0 || !slices.Contains(validator.ServerDecides(), first.Findings[0].Rule) {
			t.Fatalf("without a server: %v %v", first.Findings, err)
		}
		p, v, err := r.apply(t.Context(), nil, set)
		if err != nil || !v.Proven || !slices.Contains(p.Settled, first.Findings[0].Rule) || len(p.Findings) != 0 {
			t.Errorf("the organization is there: settled %v, findings %v; %+v %v", p.Settled, p.Findings, v, err)
		}
		// This change does not concern the organization: the server's earlier answer is still valid.
		s.write(t, "datasources/ds.yaml", entry("2, url: 'http://127.0.0.1:9'"))
		next := s.read(t, "datasources")
		p, err = r.Plan(t.Context(), reload.Change{Old: set, New: next, Contents: true, Server: v.After, Last: &p})
		if err != nil || !slices.Contains(p.Settled, first.Findings[0].Rule) {
			t.Errorf("after another change: settled %v, %v", p.Settled, err)
		}
		s.write(t, "datasources/ds.yaml", entry("77"))
		p, _, err = r.apply(t.Context(), next, s.read(t, "datasources"))
		if err != nil || !finding.HasErrors(p.Findings) || len(p.Findings) != 1 {
			t.Errorf("no such organization: findings %v, %v", p.Findings, err)
		}
		s.write(t, "datasources/ds.yaml", "apiVersion: 1\ndeleteDatasources: [{name: A, orgId: 2}]\n")
		if a := post(t, r, "datasources"); a.status != 200 {
			t.Errorf("a delete: %d %s", a.status, a.body)
		}
	})
}

// The warning also stays while Grafana does not say which organizations there are, because reloader's user may not ask.
func TestNotSettledWithoutPermission(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{Organizations: []int64{1, 2}})
	g.SetFaults(grafanatest.Faults{Refuse: grafanatest.Refusal{Path: "/api/orgs", Method: http.MethodGet, Status: http.StatusForbidden, Body: "{}"}})
	s.write(t, "datasources/ds.yaml", "apiVersion: 1\ndatasources:\n- {name: A, uid: a, type: prometheus, orgId: 2}\n")
	p, v, err := newRig(t, s.url, s.password, nil).apply(t.Context(), nil, s.read(t, "datasources"))
	if err != nil || !v.Proven || len(p.Findings) != 1 || p.Findings[0].Severity != finding.Warning {
		t.Errorf("findings %v; %+v %v", p.Findings, v, err)
	}
}
