// Package monitoring tests the component monitoring (alerts, dashboard, PodMonitor) and the metrics with a real Prometheus and
// promtool.
package monitoring

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
	"reloader/internal/status"
	"reloader/test/rig"
	"reloader/test/volume"
)

func TestMain(m *testing.M) { rig.Main(m) }

// world is a namespace with two pods. A Prometheus scrapes their reloaders with the labels that the operator sets from the
// PodMonitor. It is also the server of pod direct-0; the server of gated-0 reads a gate.
type world struct {
	t          *testing.T
	dir        string
	prometheus *rig.Prometheus
	grafana    *grafanatest.Server
	// direct has the targets prometheus and grafana, gated the target prometheus.
	direct, gated *rig.Reloader
	// files are the files of direct's Prometheus, gatedFiles those of the other one.
	files, gatedFiles, ini, datasources *volume.Volume
}

// newWorld starts everything, with these rules in the Prometheus that scrapes.
func newWorld(t *testing.T, alerts ruleFile) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	provisioning, config, gate := w.path("provisioning"), w.path("etc", "prometheus.yml"), w.path("gate")
	w.grafana = grafanatest.New(grafanatest.Options{Provisioning: provisioning, Ini: theme("dark")})
	t.Cleanup(w.grafana.Close)
	w.datasources = volume.New(t, filepath.Join(provisioning, "datasources"), map[string]string{"one.yaml": datasource("one")})
	w.ini = volume.New(t, w.path("ini"), map[string]string{"grafana.ini": "[users]\ndefault_theme = dark\n"})
	w.write("password", "admin\n")
	w.write("own.yaml", "log_level: info\n")
	w.prometheus = rig.NewPrometheus(t, config)
	w.direct = rig.NewReloader(t, "--config", w.path("own.yaml"), "--prometheus-url", w.prometheus.Proxy, "--prometheus-config", config,
		"--grafana-url", w.grafana.URL, "--grafana-provisioning", provisioning, "--grafana-ini", filepath.Join(w.ini.Dir, "grafana.ini"),
		"--grafana-username", "admin", "--grafana-password-file", w.path("password"))

	w.gatedFiles = volume.New(t, w.path("source"), map[string]string{"prometheus.yml": "global: {}\n"})
	second := rig.NewPrometheus(t, filepath.Join(gate, "prometheus.yml"))
	w.gated = rig.NewReloader(t, "--prometheus-url", second.Proxy, "--prometheus-config", filepath.Join(w.gatedFiles.Dir, "prometheus.yml"), "--prometheus-gate", gate)

	w.files = volume.New(t, w.path("etc"), w.scraping(alerts))
	w.prometheus.Start()
	w.prometheus.Ready()
	w.direct.Start()
	w.gated.Start()
	rig.Eventually(t, "the first generation", func() error {
		_, err := rig.Get(t, w.gated.URL+"/readyz?startup")
		return err
	})
	second.Start()
	second.Ready()
	w.reaches(w.direct, reload.InSync, reload.InSync)
	w.reaches(w.gated, reload.InSync)
	return w
}

func (w *world) path(elements ...string) string {
	return filepath.Join(append([]string{w.dir}, elements...)...)
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// scraping returns the files of the Prometheus that scrapes.
func (w *world) scraping(alerts ruleFile) map[string]string {
	w.t.Helper()
	text, err := yaml.Marshal(alerts)
	if err != nil {
		w.t.Fatal(err)
	}
	return map[string]string{
		"prometheus.yml": fmt.Sprintf(scrapes, strings.TrimPrefix(w.direct.URL, "http://"), strings.TrimPrefix(w.gated.URL, "http://")),
		"rules.yml":      string(text),
	}
}

// scrapes sets the labels that the operator's configuration sets for the targets of a PodMonitor.
const scrapes = `global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [rules.yml]
scrape_configs:
  - job_name: reloader
    static_configs:
      - targets: [%q]
        labels: {namespace: shop, pod: direct-0, container: reloader, endpoint: reloader}
      - targets: [%q]
        labels: {namespace: shop, pod: gated-0, container: reloader, endpoint: reloader}
`

func theme(name string) map[string]map[string]string {
	return map[string]map[string]string{"users": {"default_theme": name}}
}

func datasource(name string) string {
	return fmt.Sprintf("apiVersion: 1\ndatasources:\n- {name: %s, uid: %s, type: prometheus, access: proxy, url: 'http://127.0.0.1:9090'}\n", name, name)
}

// reaches waits until the reloader's targets, by name, are in these phases.
func (w *world) reaches(r *rig.Reloader, phases ...reload.Phase) {
	w.t.Helper()
	rig.Eventually(w.t, fmt.Sprint(phases), func() error {
		var report status.Report
		if err := rig.GetJSON(w.t, r.URL+"/api/v1/status", &report); err != nil {
			return err
		}
		var are []reload.Phase
		var why []string
		for _, target := range report.Targets {
			are, why = append(are, target.Phase), append(why, target.Reason)
		}
		if !slices.Equal(are, phases) {
			return fmt.Errorf("phases %v, reasons %q", are, why)
		}
		return nil
	})
}

// series is one series of an answer, with its newest value.
type series struct {
	labels map[string]string
	value  string
}

// query evaluates now.
func (w *world) query(expr string) ([]series, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := rig.GetJSON(w.t, w.prometheus.URL+"/api/v1/query?"+url.Values{"query": {expr}}.Encode(), &answer); err != nil {
		return nil, err
	}
	var list []series
	for _, r := range answer.Data.Result {
		list = append(list, series{r.Metric, fmt.Sprint(r.Value[1])})
	}
	return list, nil
}
