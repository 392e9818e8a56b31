package driver

import (
	"net/http"
	"strings"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
)

// In trials with a real Grafana 12.4, these rows showed a server that ran something else than was reported. This is the test of
// each row. TestContract* run with the fake and a real Grafana.
//
//	k1-k5     TestContractRows (c6, c7, c5, e2, c2), the part without a reload; test/grafana TestChangesInItsAbsence
//	k6, k7    TestChangesRightAfterARestart; test/grafana TestChangeRightAfterARestart
//	k8        test/grafana TestPrunedBehindAGate
//	h2, h2g   test/grafana TestRestartOnOtherFiles; TestWhatProvesSecrets
//	x6, u3c   test/grafana TestDownRunsNothing, TestStoppedGrafana
//	d6        TestContractRows d6; test/grafana TestBrokenDashboard
//	d7        test/grafana TestDashboardThatStaysIsReported
//	e7        TestContractRows e7; test/grafana TestOlderVersionIsNotLive
//	a*-e*     TestContractRows, the rows of the same names; test/grafana TestChangesBehindAStaleMount, with what
//	          status, wait and the metric say
//	i4        TestStaleIni
//	f6-f12    TestRefusedAnswersProveNothing; test/grafana TestProxyProvesNothing
//	f10, f11  TestSettingsAndHealthRefused
//	f12, f12b TestIgnoredReload; TestContractRows, the part with a stale mount
//	g1, g3    TestContractDrift; test/grafana TestEditByHand

// Grafana restarts, and a file changes before reloader asks again: the earlier proof no longer counts.
func TestChangesRightAfterARestart(t *testing.T) {
	t.Parallel()
	plain := strings.NewReplacer("@PRUNE@", "true", "    secureJsonData: {httpHeaderValue1: secret-A}\n", "", grafanatest.TwoDatasources[strings.Index(grafanatest.TwoDatasources, "    correlations:"):strings.Index(grafanatest.TwoDatasources, "  - name: Second")], "").Replace(grafanatest.TwoDatasources)
	for name, after := range map[string]string{
		"k6 editable": strings.Replace(plain, "editable: false", "editable: true", 1),
		"k7 pruned":   plain[:strings.Index(plain, "  - name: Second")],
	} {
		g, s := fake(t, grafanatest.Options{})
		s.write(t, "datasources/ds.yaml", plain)
		r := newRig(t, s.url, s.password, nil)
		first := s.read(t, "datasources")
		if _, v, err := r.apply(t.Context(), nil, first); err != nil || !v.Proven {
			t.Fatalf("%s: %+v %v", name, v, err)
		}
		if err := g.Restart(); err != nil {
			t.Fatal(err)
		}
		s.write(t, "datasources/ds.yaml", after)
		second := s.read(t, "datasources")
		if _, v, err := r.confirm(t, second, reload.Proof{}); err != nil || v.Proven {
			t.Errorf("%s: without a call: %+v %v", name, v, err)
		}
		if _, v, err := r.apply(t.Context(), first, second); err != nil || !v.Proven {
			t.Errorf("%s: after the call: %+v %v", name, v, err)
		}
	}
}

// If Grafana refuses its settings, grafana.ini is not proven. If it refuses its health, it is not ready.
func TestSettingsAndHealthRefused(t *testing.T) {
	t.Parallel()
	g, s := fake(t, grafanatest.Options{Ini: map[string]map[string]string{"users": {"default_theme": "dark"}}})
	s.write(t, "grafana.ini", "[users]\ndefault_theme = light\n")
	r := newRig(t, s.url, s.password, nil)
	g.SetFaults(grafanatest.Faults{Refuse: grafanatest.Refusal{Path: "/api/admin/settings", Method: http.MethodGet, Status: 403, Body: "{}"}})
	if _, v, err := r.apply(t.Context(), nil, s.read(t, "grafana.ini")); err == nil || v.Proven {
		t.Errorf("f10: %+v %v", v, err)
	}
	g.SetFaults(grafanatest.Faults{Refuse: grafanatest.Refusal{Path: "/api/health", Method: http.MethodGet, Status: 500, Body: "{}"}})
	if o, err := r.Observe(t.Context()); err != nil || o.Ready || o.Class != reload.ClassServer {
		t.Errorf("f11: %+v %v", o, err)
	}
	g.SetFaults(grafanatest.Faults{Refuse: grafanatest.Refusal{Path: "/api/health", Method: http.MethodGet, Status: 503, Body: "{}"}})
	if o, err := r.Observe(t.Context()); err != nil || o.Ready || o.Class != reload.ClassUnavailable {
		t.Errorf("its database is not ready: %+v %v", o, err)
	}
}
