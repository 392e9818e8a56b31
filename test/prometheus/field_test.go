package prometheus

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
)

// A typo in the only rule file is one error, without a guard that says that all rules are gone
// (https://github.com/canonical/prometheus-k8s-operator/pull/746, https://github.com/prometheus-operator/prometheus-operator/issues/5124).
// If the rules are really gone, a guard holds the files back. If the jobs are gone, the guard says that and not that the file is empty.
func TestGuardsAreForWhatIsReallyGone(t *testing.T) {
	t.Parallel()
	main := rig.Jobs("rule_files: [rules.yml]\n", "self")
	v := newVolume(t, "prometheus.yml", main)
	v.Swap(map[string]string{"prometheus.yml": main, "rules.yml": rules("up == 0")})
	server := rig.NewPrometheus(t, filepath.Join(v.Dir, "prometheus.yml"))
	p := startPair(t, server, v, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"))
	p.synced()
	for _, change := range []struct {
		what, rule, message string
		files               map[string]string
	}{
		{"a typo", "rule-promql", "unexpected end of input", map[string]string{"prometheus.yml": main, "rules.yml": rules("up ==")}},
		{"no YAML", "rule-yaml", "", map[string]string{"prometheus.yml": main, "rules.yml": "groups: [\n"}},
		{"another file", "rule-unknown-field", "Kubernetes object", map[string]string{"prometheus.yml": main, "rules.yml": "apiVersion: v1\nkind: ConfigMap\ndata: {}\n"}},
		{"no groups", "guard-no-rule-groups", "all rule groups are gone", map[string]string{"prometheus.yml": main, "rules.yml": "groups: []\n"}},
		{"no jobs", "guard-no-scrape-jobs", "all scrape jobs are gone", map[string]string{"prometheus.yml": "rule_files: [rules.yml]\nscrape_configs: []\n", "rules.yml": rules("up == 0")}},
	} {
		v.Swap(change.files)
		s := p.Reaches(change.what, func(s reload.Status) bool {
			return s.Phase == reload.Rejected && len(s.Findings) > 0 && s.Findings[0].Rule == change.rule
		})
		if len(s.Findings) != 1 || !strings.Contains(s.Findings[0].Message, change.message) {
			t.Errorf("%s: %+v", change.what, s.Findings)
		}
	}
	if n := server.Posts.Load(); n != 0 {
		t.Errorf("%d reload requests", n)
	}
}

// A URL with the path of the reload endpoint, as other reloaders need it, works too.
func TestURLWithTheReloadPath(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"/-/reload", "/-/reload/", "/"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			v := newVolume(t, "prometheus.yml", rig.Jobs("", "self"))
			server := rig.NewPrometheus(t, filepath.Join(v.Dir, "prometheus.yml"))
			server.Start()
			server.Ready()
			r := rig.NewReloader(t, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"), "--prometheus-url", server.URL+end)
			r.Start()
			r.Reaches("in sync", func(s reload.Status) bool { return s.Phase == reload.InSync })
		})
	}
}

// If nothing listens at the URL, the reason names the addresses that were tried: for localhost those of IPv4 and IPv6
// (https://github.com/prometheus-operator/prometheus-operator/issues/436, https://github.com/prometheus-operator/prometheus-operator/issues/1646).
func TestReasonNamesTheAddresses(t *testing.T) {
	t.Parallel()
	v := newVolume(t, "prometheus.yml", rig.Jobs("", "self"))
	_, port, err := net.SplitHostPort(rig.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	rig.Program(t, "promcheck")
	r := rig.NewReloader(t, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"), "--prometheus-url", "http://localhost:"+port)
	r.Start()
	r.Reaches("the reason has both addresses", func(s reload.Status) bool {
		return strings.Contains(s.Reason, "127.0.0.1:"+port) && strings.Contains(s.Reason, "[::1]:"+port)
	})
}
