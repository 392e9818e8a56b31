package monitoring

import (
	"fmt"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
)

// empty are the queries that have no data in this test, and why.
var empty = map[string]string{
	"Failures by class/B": "no validator fails here",
	"Kubernetes API/A":    "there is no Kubernetes",
}

// Every query of the dashboard returns data of two pods, one in direct and one in gated mode, with
// the labels that its legend shows.
func TestDashboardQueries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, manifestRules(t))
	rig.Eventually(t, "a first scrape", func() error {
		list, err := w.query(`count(reloader_ready == 1) == 2`)
		if err == nil && len(list) == 0 {
			err = fmt.Errorf("not of both yet")
		}
		return err
	})
	// Events for every panel: a change, a rejected one, its correction, a reload that fails.
	broken := w.scraping(manifestRules(t))
	broken["prometheus.yml"] += "scrape_config: []\n"
	w.files.Swap(broken)
	w.reaches(w.direct, reload.InSync, reload.Rejected)
	w.gatedFiles.Swap(map[string]string{"prometheus.yml": "global: {scrape_interval: 7s}\n"})
	cut := func() bool { return false }
	w.prometheus.OnPost.Store(&cut)
	fixed := w.scraping(manifestRules(t))
	fixed["prometheus.yml"] += "# fixed\n"
	w.files.Swap(fixed)
	rig.Eventually(t, "a failed reload call", func() error {
		list, err := w.query(`reloader_reloads_failed_total > 0`)
		if err == nil && len(list) == 0 {
			err = fmt.Errorf("none yet")
		}
		return err
	})
	w.prometheus.OnPost.Store(nil)
	w.datasources.Swap(map[string]string{"one.yaml": datasource("two")})
	w.reaches(w.direct, reload.InSync, reload.InSync)
	w.reaches(w.gated, reload.InSync)

	nothing := everything()
	nothing["pod"] = "no-such-pod"
	one := everything()
	one["namespace"], one["pod"], one["target"] = "shop", "gated-0", "prometheus"
	for _, p := range readDashboard(t).Panels {
		for _, q := range p.Targets {
			name := p.Title + "/" + q.RefID
			if reason := empty[name]; reason != "" {
				if list := w.must(filled(q.Expr, everything())); len(list) > 0 {
					t.Errorf("%s has data although %s: %v", name, reason, list)
				}
				continue
			}
			rig.Eventually(t, name, func() error { return w.hasData(q, everything()) })
			for _, s := range w.must(filled(q.Expr, nothing)) {
				if s.value != "0" {
					t.Errorf("%s shows data of a pod that is not selected: %v in %s", name, s, q.Expr)
				}
			}
			for _, s := range w.must(filled(q.Expr, one)) {
				if pod := s.labels["pod"]; pod != "" && pod != "gated-0" {
					t.Errorf("%s shows %s when gated-0 is selected", name, pod)
				}
				if of := s.labels["target"]; of != "" && of != "prometheus" {
					t.Errorf("%s shows the target %s when prometheus is selected", name, of)
				}
			}
		}
	}
	w.everyPhaseIsShown()
}

func (w *world) must(expr string) []series {
	w.t.Helper()
	list, err := w.query(expr)
	if err != nil {
		w.t.Errorf("%s: %v", expr, err)
	}
	return list
}

// hasData returns an error unless some series has a number. Each series must have the labels of the legend.
func (w *world) hasData(q target, values map[string]string) error {
	list, err := w.query(filled(q.Expr, values))
	if err != nil {
		return err
	}
	numbers := 0
	for _, s := range list {
		if s.value != "NaN" {
			numbers++
		}
		for _, label := range legend(q.LegendFormat) {
			if s.labels[label] == "" {
				w.t.Errorf("%s: the legend shows %s, which is not among the labels %v", q, label, s.labels)
			}
		}
	}
	if numbers == 0 {
		return fmt.Errorf("no data: %v for %s", list, q)
	}
	return nil
}

// everyPhaseIsShown checks the two panels that give each phase a colour and a number.
func (w *world) everyPhaseIsShown() {
	w.t.Helper()
	var table, state string
	for _, p := range readDashboard(w.t).Panels {
		switch p.Title {
		case "Targets":
			for _, o := range p.FieldConfig.Overrides {
				if o.Matcher.Options == "Phase" {
					for _, property := range o.Properties {
						table += string(property.Value)
					}
				}
			}
		case "State":
			state = p.Targets[0].Expr
		}
	}
	phases := w.must(`count by (phase) (reloader_phase)`)
	if len(phases) < 10 {
		w.t.Errorf("only the phases %v", phases)
	}
	for _, s := range phases {
		phase := s.labels["phase"]
		if !strings.Contains(table, `"`+phase+`"`) {
			w.t.Errorf("the table has no colour for %s", phase)
		}
		if n := strings.Count(state, phase); phase != string(reload.InSync) && n != 1 {
			w.t.Errorf("%s is in the query of State %d times, want once", phase, n)
		}
	}
}
