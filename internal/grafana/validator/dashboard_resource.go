package validator

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"reloader/internal/grafana/validation"
)

var (
	ruleResourceForm    = validation.NewRule("dashboard-resource-form")
	ruleResourceVersion = validation.NewRule("dashboard-resource-version")
	ruleResourceFolder  = validation.NewRule("dashboard-resource-folder")
	ruleResourceOrg     = validation.NewRule("dashboard-resource-organization")
	ruleBareV2          = validation.NewRule("dashboard-v2-bare")
	ruleV2Datasource    = validation.NewRule("dashboard-v2-datasource")
)

const resourceGroup = "dashboard.grafana.app/"

// resourceVersions are the dashboard API versions of Grafana 12; Grafana 13 adds resourceVersions13.
var (
	resourceVersions   = []string{"v0alpha1", "v1beta1", "v2alpha1", "v2beta1"}
	resourceVersions13 = []string{"v1", "v2"}
)

// autoRefresh is where unwrap puts the refresh of a v2 resource; no classic dashboard has a field of this name.
const autoRefresh = "spec.timeSettings.autoRefresh"

// inside are the fields of a value that is an object.
func (f jsonField) inside() map[string]jsonField {
	if f.kind() != '{' {
		return nil
	}
	o, err := scanJSON(f.raw)
	if err != nil {
		return nil
	}
	for k, inner := range o.fields {
		inner.offset += f.offset
		o.fields[k] = inner
	}
	return o.fields
}

// unwrap returns the fields of the dashboard itself: a resource has them one level deeper, and its name is the uid. Any
// non-empty string as apiVersion makes a file a resource. unwrap judges the other fields of a resource, and v2
// dashboards without the resource around them.
func (c *dashboardCheck) unwrap(v *providerView, d *dashboard, fields map[string]jsonField, at validation.Place) map[string]jsonField {
	if apiVersion, _ := fields["apiVersion"].text(); apiVersion == "" || c.Version.Before(validation.V12) && fields["spec"].kind() != '{' {
		c.bareV2(d, fields)
		return fields
	}
	if c.Version.Before(validation.V12) {
		c.skip(d, at, ruleResourceForm, "export the dashboard in the classic format", "this Grafana (%s) does not read dashboards in the resource format: it skips the file", c.Version)
		return fields
	}
	d.resource = true
	spec, meta := fields["spec"].inside(), fields["metadata"].inside()
	out := map[string]jsonField{}
	for _, k := range []string{"title", "refresh", "tags", "panels", "schemaVersion", "__inputs", "templating"} {
		if f, ok := spec[k]; ok {
			out[k] = f
		}
	}
	if name, ok := meta["name"]; ok {
		out["uid"] = name
	}
	if version, _ := fields["apiVersion"].text(); strings.HasPrefix(version, resourceGroup+"v2") {
		delete(out, "refresh") // a v2 dashboard has another
		if f, ok := spec["timeSettings"].inside()["autoRefresh"]; ok {
			out[autoRefresh] = f
		}
	}
	c.resourceVersion(d, fields["apiVersion"])
	c.resourceFolder(v, d, meta["annotations"].inside()["grafana.app/folder"])
	c.resourceOrg(v, d, meta["namespace"])
	c.v2Datasources(d, fields["apiVersion"], fields["spec"])
	return out
}

// bareV2 reports top-level fields of a v2 dashboard without the resource around them.
func (c *dashboardCheck) bareV2(d *dashboard, fields map[string]jsonField) {
	key := "elements"
	if _, ok := fields[key]; !ok {
		key = "layout"
	}
	field, ok := fields[key]
	_, classic := fields["panels"]
	switch {
	case !ok:
	case c.Version.AtLeast(validation.V13) && !classic:
		c.skip(d, d.file.at(field), ruleBareV2, "export it as a resource: apiVersion, kind, metadata, and this under spec", "%q belongs to v2 dashboards, which Grafana 13 reads in the resource format only: it skips the file and keeps the dashboard as it was", key)
	case c.Version.AtLeast(validation.V13):
		c.skip(d, d.file.at(field), ruleBareV2, "remove "+strconv.Quote(key), "a classic dashboard with %q at its top level is read as v2: Grafana 13 skips the file and keeps the dashboard as it was", key)
	case !classic:
		c.Warnf(d.file.at(field), ruleBareV2, "export it in the classic format, or as a resource: apiVersion, kind, metadata, and this under spec", "a v2 dashboard without the resource around it: Grafana stores it and shows it empty; Grafana 13 skips the file")
	}
}

// skip warns that Grafana skips the file.
func (c *dashboardCheck) skip(d *dashboard, at validation.Place, rule, hint, format string, args ...any) {
	d.why = rule
	c.Skipped[d.file.server] = rule
	c.Warnf(at, rule, hint, format, args...)
}

func (c *dashboardCheck) resourceVersion(d *dashboard, f jsonField) {
	text, _ := f.text()
	version, ours := strings.CutPrefix(text, resourceGroup)
	switch {
	case !ours:
		c.skip(d, d.file.at(f), ruleResourceVersion, "write "+resourceGroup+"v1beta1, or remove apiVersion from a classic dashboard", "with this apiVersion Grafana does not recognize the file as a dashboard and skips it")
	case slices.Contains(resourceVersions, version):
	case slices.Contains(resourceVersions13, version):
		if c.Version.Before(validation.V13) {
			c.skip(d, d.file.at(f), ruleResourceVersion, "write "+version+"beta1 if it uses nothing newer", "the dashboard version %s needs Grafana 13 or later: this version (%s) skips the file", version, c.Version)
		}
	case c.Version.AtLeast(validation.V13):
		c.Warnf(d.file.at(f), ruleResourceVersion, "", "reloader does not know this dashboard version; a Grafana that does not know it either skips the file")
	default:
		c.skip(d, d.file.at(f), ruleResourceVersion, "write one of "+strings.Join(resourceVersions, ", "), "this Grafana (%s) does not know this dashboard version: it skips the file", c.Version)
	}
}

// resourceFolder compares the folder in the file, if it has one, with the provider's: they must be the same.
func (c *dashboardCheck) resourceFolder(v *providerView, d *dashboard, f jsonField) {
	wanted, isText := f.text()
	if !isText || wanted == "" || !v.folder.Known || !v.folderUID.Known {
		return
	}
	uid := v.folderUID.Text
	if v.folder.Text == "" && !v.fromFiles {
		uid = ""
	}
	if uid == "" && v.folder.Text != "" && c.Live != nil {
		for _, l := range c.Live.Folders {
			if l.OrgID == v.org && l.Title == v.folder.Text {
				uid = l.UID
			}
		}
	}
	if wanted != uid {
		c.skip(d, d.file.at(f), ruleResourceFolder, "remove the annotation, or give the provider this folderUid", "the annotation grafana.app/folder is not the folderUid of the provider: Grafana skips the file and keeps the dashboard as it was")
	}
}

func (c *dashboardCheck) resourceOrg(v *providerView, d *dashboard, f jsonField) {
	namespace, isText := f.text()
	if !isText || v.org == 0 {
		return
	}
	id := int64(1)
	if n, isOrg := strings.CutPrefix(namespace, "org-"); isOrg {
		var err error
		if id, err = strconv.ParseInt(n, 10, 64); err != nil {
			return
		}
	} else if namespace != "default" {
		return
	}
	if id != v.org {
		c.skip(d, d.file.at(f), ruleResourceOrg, "remove metadata.namespace, or write the orgId of the provider", "the file belongs to organization %d and the provider to %d: Grafana skips the file", id, v.org)
	}
}

// v2Datasources reports data sources that are strings where Grafana 13 requires an object.
func (c *dashboardCheck) v2Datasources(d *dashboard, apiVersion, spec jsonField) {
	version, _ := apiVersion.text()
	if c.Version.Before(validation.V13) || !strings.HasPrefix(version, resourceGroup+"v2") || spec.kind() != '{' || !textDatasource(decoded(spec)) {
		return
	}
	at := spec
	for _, key := range []string{"elements", "variables", "annotations"} {
		if f, ok := spec.inside()[key]; ok && textDatasource(decoded(f)) {
			at = f
			break
		}
	}
	c.skip(d, d.file.at(at), ruleV2Datasource, `write "datasource": {"name": "uid of the data source"}`, "a query names its data source by a string: Grafana 13 needs an object and skips the file")
}

func decoded(f jsonField) any {
	var v any
	if json.Unmarshal(f.raw, &v) != nil {
		return nil // not what was read before an error, such as a number that is too large
	}
	return v
}

// textDatasource searches the queries of a dashboard, but not their specs, which belong to the query languages.
func textDatasource(v any) bool {
	switch t := v.(type) {
	case []any:
		return slices.ContainsFunc(t, func(item any) bool { return textDatasource(item) })
	case map[string]any:
		query := t["kind"] == "DataQuery"
		_, hasQuery := t["query"].(map[string]any)
		if _, isText := t["datasource"].(string); isText && (query || hasQuery) {
			return true
		}
		for k, item := range t {
			if (!query || k != "spec") && textDatasource(item) {
				return true
			}
		}
	}
	return false
}
