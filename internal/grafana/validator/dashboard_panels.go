package validator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"reloader/internal/grafana/validation"
)

var ruleLibraryPanel = validation.NewRule("dashboard-library-panel")

// panel has the fields of a panel that matter here.
type panel struct {
	Library *struct {
		Name, UID string
	} `json:"libraryPanel"`
	// Panels are those of a row.
	Panels []panel
}

// libraryPanels reports panels that Grafana keeps in its database: files cannot create them.
func (c *dashboardCheck) libraryPanels(d *dashboard, panels, elements jsonField) {
	if bytes.Contains(panels.raw, []byte(`"libraryPanel"`)) {
		var list []panel
		if json.Unmarshal(panels.raw, &list) == nil {
			at := panels.offset
			c.reportLibraryPanels(d, list, &at)
		}
	}
	if !bytes.Contains(elements.raw, []byte(`"LibraryPanel"`)) {
		return
	}
	inner := elements.inside()
	for _, key := range slices.Sorted(maps.Keys(inner)) {
		var e struct {
			Kind string
			Spec panel
		}
		if json.Unmarshal(inner[key].raw, &e) == nil && e.Kind == "LibraryPanel" {
			name := key
			if e.Spec.Library != nil {
				name = cmp.Or(e.Spec.Library.Name, e.Spec.Library.UID)
			}
			c.libraryPanel(d.file.at(inner[key]), name)
		}
	}
}

func (c *dashboardCheck) reportLibraryPanels(d *dashboard, list []panel, at *int) {
	for _, p := range list {
		if p.Library != nil {
			if i := bytes.Index(d.file.bytes[*at:], []byte(`"libraryPanel"`)); i >= 0 {
				*at += i
			}
			line, column := lineColumn(d.file.bytes, *at)
			c.libraryPanel(validation.Place{Path: d.file.user, Line: line, Column: column}, cmp.Or(p.Library.Name, p.Library.UID))
			*at++
		}
		c.reportLibraryPanels(d, p.Panels, at)
	}
}

func (c *dashboardCheck) libraryPanel(at validation.Place, name string) {
	c.Infof(at, ruleLibraryPanel, "make sure that Grafana has it, or write the panel itself into the file", "the library panel %s must exist in Grafana: files cannot create it, and without it the panel stays empty", strconv.Quote(validation.Cut(name)))
}

// inputs reports a dashboard that was exported for sharing and uses a placeholder without a value. A template variable
// of the same name supplies one.
func (c *dashboardCheck) inputs(f jsonFile, inputs, templating jsonField) {
	var wanted []struct{ Name string }
	if json.Unmarshal(inputs.raw, &wanted) != nil {
		return
	}
	var variables struct{ List []struct{ Name string } }
	if len(templating.raw) > 0 {
		_ = json.Unmarshal(templating.raw, &variables)
	}
	for _, w := range wanted {
		filled := w.Name == "" || slices.ContainsFunc(variables.List, func(v struct{ Name string }) bool { return v.Name == w.Name })
		if !filled && bytes.Contains(f.bytes, []byte("${"+w.Name+"}")) {
			c.Warnf(f.at(inputs), ruleInputs, "export it without 'for sharing externally', or replace ${"+validation.Cut(w.Name)+"} with a uid", "the dashboard was exported for sharing: ${%s} is a placeholder that Grafana does not fill in", validation.Cut(w.Name))
			return
		}
	}
}
