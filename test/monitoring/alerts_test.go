package monitoring

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// alert is an active alert of Prometheus.
type alert struct {
	State               string
	Labels, Annotations map[string]string
}

// alerts returns the alerts of a name that are active now.
func (w *world) alerts(name string) ([]alert, error) {
	var answer struct{ Data struct{ Alerts []alert } }
	if err := rig.GetJSON(w.t, w.prometheus.URL+"/api/v1/alerts", &answer); err != nil {
		return nil, err
	}
	var list []alert
	for _, a := range answer.Data.Alerts {
		if a.Labels["alertname"] == name {
			list = append(list, a)
		}
	}
	return list, nil
}

// fires waits until exactly one alert of the name is active and fires. It must be for this pod and target, with complete texts,
// and have been pending before.
func (w *world) fires(name, pod, target string) {
	w.t.Helper()
	rig.Eventually(w.t, name+" fires", func() error {
		list, err := w.alerts(name)
		if err != nil {
			return err
		}
		if len(list) != 1 || list[0].State != "firing" {
			return fmt.Errorf("active: %+v", list)
		}
		a := list[0]
		if a.Labels["namespace"] != "shop" || a.Labels["pod"] != pod || a.Labels["target"] != target {
			w.t.Errorf("%s fires for %v, want pod %s, target %q", name, a.Labels, pod, target)
		}
		for key, text := range a.Annotations {
			if strings.Contains(text, "{{") || strings.Contains(text, "<no value>") || strings.Contains(text, "  ") {
				w.t.Errorf("%s: %s is %q", name, key, text)
			}
		}
		if !strings.Contains(a.Annotations["summary"], "shop/"+pod) || !strings.Contains(a.Annotations["summary"], target) {
			w.t.Errorf("%s: the summary %q does not name pod and target", name, a.Annotations["summary"])
		}
		return nil
	})
	if before, err := w.query(fmt.Sprintf(`last_over_time(ALERTS{alertname=%q,alertstate="pending"}[5m])`, name)); err != nil || len(before) == 0 {
		w.t.Errorf("%s was not pending before it fired: %v", name, err)
	}
}

// quiet waits until no alert is active.
func (w *world) quiet() {
	w.t.Helper()
	rig.Eventually(w.t, "no alert", func() error {
		list, err := w.query(`ALERTS`)
		if err == nil && len(list) > 0 {
			err = fmt.Errorf("active: %v", list)
		}
		return err
	})
}

// A real Prometheus scrapes a real reloader. Each alert fires when its condition holds, alone, and ends with it. The only change
// to the manifest is that a condition needs to hold for 2 s.
func TestAlertsLive(t *testing.T) {
	t.Parallel()
	rules := manifestRules(t)
	for i := range rules.Groups[0].Rules {
		rules.Groups[0].Rules[i].For = (2 * time.Second).String()
	}
	w := newWorld(t, rules)
	w.quiet()

	broken := w.scraping(rules)
	broken["prometheus.yml"] += "scrape_config: []\n"
	w.files.Swap(broken)
	w.reaches(w.direct, reload.InSync, reload.Rejected)
	w.fires("ReloaderConfigRejected", "direct-0", "prometheus")
	if list, err := w.alerts("ReloaderNotInSync"); err != nil || len(list) > 0 {
		t.Errorf("a second alert for one cause: %v, %v", list, err)
	}
	w.files.Swap(w.scraping(rules))
	w.quiet()

	w.write("password", "wrong\n")
	w.datasources.Swap(map[string]string{"one.yaml": datasource("two")})
	w.fires("ReloaderNotInSync", "direct-0", "grafana")
	w.write("password", "admin\n")
	w.quiet()

	w.grafana.SetFaults(grafanatest.Faults{Ignore: true}) // 200, and nothing is read
	w.datasources.Swap(map[string]string{"one.yaml": datasource("three")})
	w.fires("ReloaderMismatch", "direct-0", "grafana")
	if list, err := w.alerts("ReloaderNotInSync"); err != nil || len(list) > 0 {
		t.Errorf("a second alert for one cause: %v, %v", list, err)
	}
	w.grafana.SetFaults(grafanatest.Faults{})
	w.direct.Reread()
	w.quiet()

	w.ini.Swap(map[string]string{"grafana.ini": "[users]\ndefault_theme = light\n"})
	w.fires("ReloaderRestartRequired", "direct-0", "grafana")
	w.grafana.SetIni(theme("light"))
	if err := w.grafana.Restart(); err != nil {
		t.Fatal(err)
	}
	w.direct.Reread()
	w.quiet()

	w.write("own.yaml", "log_level: loud\n")
	w.direct.Reread()
	w.fires("ReloaderOwnConfigRejected", "direct-0", "")
	w.write("own.yaml", "log_level: info\n")
	w.direct.Reread()
	w.quiet()

	w.gated.Kill()
	w.fires("ReloaderDown", "gated-0", "")
	w.gated.Start()
	w.quiet()
}
