// Package skew tests reloader with a Prometheus of another version than the library in promcheck. `make skew` builds the
// other versions; without them the tests are skipped.
package skew

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

func TestMain(m *testing.M) { rig.Main(m) }

// pair is a reloader and a server of another version than its promcheck.
type pair struct {
	*rig.Reloader
	t      *testing.T
	server *rig.Prometheus
	volume *volume.Volume
}

// versions are the two directions: an older server with our promcheck, and our server with a promcheck that has an older
// library.
var versions = map[string]func(t *testing.T) (binary string, flags []string){
	"older server": func(t *testing.T) (string, []string) {
		return named(t, "RELOADER_SKEW_PROMETHEUS"), nil
	},
	"newer server": func(t *testing.T) (string, []string) {
		promcheck := named(t, "RELOADER_SKEW_PROMCHECK")
		return rig.PrometheusBinary(t), []string{"--promcheck", promcheck}
	},
}

// named is the program that a variable names; without it the test is skipped.
func named(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skip(variable + " is not set; make skew sets it")
	}
	return path
}

// both runs a test in both directions.
func both(t *testing.T, test func(t *testing.T, start func(files map[string]string, script string) *pair)) {
	t.Parallel()
	for name := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			versions[name](t) // skips here: what the test starts below may be one of its subtests
			test(t, func(files map[string]string, script string) *pair { return start(t, name, files, script) })
		})
	}
}

// start starts server and reloader. In the script, $V is the directory of the files.
func start(t *testing.T, direction string, files map[string]string, script string) *pair {
	t.Helper()
	binary, flags := versions[direction](t)
	v := volume.New(t, filepath.Join(t.TempDir(), "v"), files)
	config := filepath.Join(v.Dir, "prometheus.yml")
	server := rig.NewPrometheusOf(t, binary, config, strings.ReplaceAll(script, "$V", v.Dir))
	server.Start()
	server.Ready()
	r := rig.NewReloader(t, append([]string{"--prometheus-url", server.Proxy, "--prometheus-config", config, "--poll-interval", "2s"}, flags...)...)
	r.Start()
	return &pair{r, t, server, v}
}

// synced waits for proof.
func (p *pair) synced() reload.Status {
	p.t.Helper()
	return p.Reaches("InSync", func(s reload.Status) bool { return s.Phase == reload.InSync && s.Running == s.Wanted })
}

// mismatches waits for a mismatch, and requires these words in the status.
func (p *pair) mismatches(words ...string) {
	p.t.Helper()
	s := p.Reaches("Mismatch", func(s reload.Status) bool { return s.Phase == reload.Mismatch && len(s.Differences) > 0 })
	text := strings.Join(append(s.Differences, s.Reason, s.Cause), "\n")
	for _, w := range words {
		if !strings.Contains(text, w) {
			p.t.Errorf("nothing says %q:\n%s", w, text)
		}
	}
	if o := rig.WaitBriefly(p.t, p.URL); o.Code != 1 {
		p.t.Errorf("wait: %+v", o)
	}
}

// changed waits until the status is about other files than the given one.
func (p *pair) changed(than reload.Status) {
	p.t.Helper()
	p.Reaches("the change is seen", func(s reload.Status) bool { return s.Wanted != than.Wanted })
}

// rules is a rule file with one alert on this expression.
func rules(expr string) string {
	return "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: " + expr + "\n    for: 5m\n    labels: {severity: page}\n    annotations: {summary: 'down {{ $value }}'}\n"
}
