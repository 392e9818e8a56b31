package monitoring

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard has the parts of the file that the tests read.
type dashboard struct {
	UID, Title string
	Templating struct{ List []variable }
	Panels     []panel
}

type variable struct {
	Name, Type, AllValue string
	Datasource           datasourceRef
	IncludeAll, Multi    bool
	Query                json.RawMessage
}

type datasourceRef struct{ Type, UID string }

type panel struct {
	ID          int
	Type, Title string
	Description string
	GridPos     struct{ X, Y, W, H int }
	Datasource  datasourceRef
	Targets     []target
	FieldConfig struct {
		Defaults  struct{ Unit string }
		Overrides []struct {
			Matcher    struct{ ID, Options string }
			Properties []struct {
				ID    string
				Value json.RawMessage
			}
		}
	}
	Transformations []struct {
		ID      string
		Options struct{ RenameByName map[string]string }
	}
}

type target struct {
	RefID, Expr, LegendFormat, Format string
	Instant, Range                    bool
	Datasource                        datasourceRef
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	b, err := os.ReadFile(component + "dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) < 10 {
		t.Fatalf("only %d panels", len(d.Panels))
	}
	return d
}

// here is the data source that everything must use, so that the dashboard works in any Grafana.
var here = datasourceRef{"prometheus", "${datasource}"}

// units are the units in use here, by their names in Grafana.
var units = []string{"none", "s", "bytes", "percentunit", "reqps", "hex", "dateTimeFromNow"}

// Every variable, panel and query uses the selected data source. Panels have unique ids and titles, and a description; queries
// have unique names and a legend.
func TestDashboardIsWellFormed(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	if d.UID != "reloader" || d.Title == "" {
		t.Errorf("uid %q, title %q", d.UID, d.Title)
	}
	for i, v := range d.Templating.List {
		switch {
		case i == 0:
			if v.Name != "datasource" || v.Type != "datasource" {
				t.Errorf("the first variable is %s, want the data source", v.Name)
			}
		case v.Datasource != here || !v.IncludeAll || !v.Multi || v.AllValue != ".*":
			t.Errorf("variable %s: %+v", v.Name, v)
		}
	}
	ids, titles := map[int]bool{}, map[string]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || titles[p.Title] || p.Title == "" {
			t.Errorf("panel %d %q: the id or the title is not unique", p.ID, p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
		if p.Type == "row" {
			continue
		}
		if p.Datasource != here || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("%s: data source %v, description %q, %d queries", p.Title, p.Datasource, p.Description, len(p.Targets))
		}
		refs := map[string]bool{}
		for _, q := range p.Targets {
			if q.Datasource != here || refs[q.RefID] || q.Instant == q.Range {
				t.Errorf("%s: query %s: data source %v, instant %t, range %t", p.Title, q.RefID, q.Datasource, q.Instant, q.Range)
			}
			refs[q.RefID] = true
			if q.LegendFormat == "" && q.Format != "table" {
				t.Errorf("%s: query %s has no legend", p.Title, q.RefID)
			}
		}
	}
}

// Panels do not overlap, fit into the grid, and are in the file in the order in which they are shown.
func TestDashboardLayout(t *testing.T) {
	t.Parallel()
	panels := readDashboard(t).Panels
	for i, p := range panels {
		g := p.GridPos
		if g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
			t.Errorf("%s leaves the grid: %+v", p.Title, g)
		}
		for _, o := range panels[i+1:] {
			h := o.GridPos
			if g.X < h.X+h.W && h.X < g.X+g.W && g.Y < h.Y+h.H && h.Y < g.Y+g.H {
				t.Errorf("%s and %s overlap: %+v, %+v", p.Title, o.Title, g, h)
			}
			if h.Y < g.Y {
				t.Errorf("%s is above %s, but after it in the file", o.Title, p.Title)
			}
		}
	}
}

// Each result is shown in its unit, also in the columns of a table.
func TestDashboardUnits(t *testing.T) {
	t.Parallel()
	for _, p := range readDashboard(t).Panels {
		if p.Type == "row" {
			continue
		}
		columns := map[string]string{} // of a table: unit by shown name
		for _, o := range p.FieldConfig.Overrides {
			for _, property := range o.Properties {
				if property.ID == "unit" {
					columns[o.Matcher.Options] = strings.Trim(string(property.Value), `"`)
				}
			}
		}
		shown := map[string]string{}
		for _, tr := range p.Transformations {
			maps.Copy(shown, tr.Options.RenameByName)
		}
		for _, o := range p.FieldConfig.Overrides {
			if !slices.Contains(slices.Collect(maps.Values(shown)), o.Matcher.Options) || o.Matcher.ID != "byName" {
				t.Errorf("%s: no column %q", p.Title, o.Matcher.Options)
			}
		}
		for _, q := range p.Targets {
			unit := p.FieldConfig.Defaults.Unit
			if override := columns[shown["Value #"+q.RefID]]; override != "" {
				unit = override
			}
			if want := unitOf(q.Expr); unit != want || !slices.Contains(units, unit) {
				t.Errorf("%s: query %s has the unit %q, want %q", p.Title, q.RefID, unit, want)
			}
		}
	}
}

// unitOf is the unit of a query's result, according to the names of its metrics.
func unitOf(expr string) string {
	switch {
	case strings.Contains(expr, "_timestamp_seconds"):
		return "dateTimeFromNow" // in milliseconds
	case strings.Contains(expr, "process_cpu_seconds_total"):
		return "percentunit"
	case strings.Contains(expr, "_seconds"):
		return "s"
	case strings.Contains(expr, "_bytes"):
		return "bytes"
	case strings.Contains(expr, "rate(reloader_kubernetes_requests_total"):
		return "reqps"
	case regexp.MustCompile(`^max by \([a-z, ]+\) \(reloader_(wanted|running)_digest\{[^}]*\}\)$`).MatchString(expr):
		return "hex"
	default:
		return "none"
	}
}

// filled is the query as Grafana sends it with these values of the variables.
func filled(expr string, values map[string]string) string {
	for name, value := range values {
		expr = strings.ReplaceAll(expr, "$"+name, value)
	}
	return expr
}

// everything are the variables as they are when the dashboard opens.
func everything() map[string]string {
	return map[string]string{"namespace": ".*", "pod": ".*", "target": ".*", "__rate_interval": "5m"}
}

// legend are the labels that a legend shows.
func legend(format string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(format, -1) {
		names = append(names, m[1])
	}
	return names
}

func (q target) String() string { return fmt.Sprintf("query %s, %s", q.RefID, q.Expr) }
