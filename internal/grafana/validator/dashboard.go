package validator

import (
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"reloader/internal/grafana/ini"
	"reloader/internal/grafana/validation"
)

var (
	ruleJSON          = validation.NewRule("dashboard-json")
	ruleJSONTrailing  = validation.NewRule("dashboard-json-trailing")
	ruleNotObject     = validation.NewRule("dashboard-not-object")
	ruleAPIForm       = validation.NewRule("dashboard-api-form")
	ruleTitle         = validation.NewRule("dashboard-title")
	ruleTitleFolder   = validation.NewRule("dashboard-title-folder")
	ruleTitleDup      = validation.NewRule("dashboard-title-duplicate")
	ruleTag           = validation.NewRule("dashboard-tag")
	ruleUIDBad        = validation.NewRule("dashboard-uid")
	ruleUIDMissing    = validation.NewRule("dashboard-uid-missing")
	ruleUIDDup        = validation.NewRule("dashboard-uid-duplicate")
	ruleDashboardType = validation.NewRule("dashboard-wrong-type")
	ruleInputs        = validation.NewRule("dashboard-inputs")
	ruleRefresh       = validation.NewRule("dashboard-refresh")
	ruleLegacyAlert   = validation.NewRule("dashboard-legacy-alert")
)

// dashboard is one JSON file as Grafana would store it.
type dashboard struct {
	file       jsonFile
	uid, title string
	// folder is the title of its folder; empty for General.
	folder string
	// why is the rule that makes Grafana skip the file; empty if Grafana stores it.
	why string
	// resource says that it is in the resource format.
	resource bool
}

func (d *dashboard) stored() bool { return d.why == "" }

// dashboardCheck checks the dashboards of all providers.
type dashboardCheck struct {
	*validation.Pass
	byUID      map[orgKey]*dashboard
	byTitle    map[string]*dashboard
	done       map[string]*dashboard
	minRefresh time.Duration
	// noRefresh says that min_refresh_interval is not a duration: then Grafana refuses every refresh.
	noRefresh bool
	// theirUIDs and theirTitles are those of dashboards in the server that do not come from its files.
	theirUIDs, theirTitles map[orgKey]bool
}

// dashboard judges one file for one provider.
func (c *dashboardCheck) dashboard(v *providerView, f jsonFile) *dashboard {
	if d := c.done[f.user]; d != nil {
		again := *d
		again.folder = folderOf(c.Pass, v, f)
		return &again // already judged, for another provider
	}
	d := &dashboard{file: f, folder: folderOf(c.Pass, v, f)}
	c.done[f.user] = d
	o, err := scanJSON(f.bytes)
	if err != nil {
		var at *jsonError
		errors.As(err, &at)
		line, column := lineColumn(f.bytes, at.offset)
		c.skip(d, validation.Place{Path: f.user, Line: line, Column: column}, ruleJSON, jsonHint(f.bytes, at), "not valid JSON (%s): Grafana skips the file and keeps the dashboard as it was", at.what)
		return d
	}
	at := validation.Place{Path: f.user, Line: 1, Column: 1}
	if o.trailing {
		c.Warnf(at, ruleJSONTrailing, "", "Grafana ignores what follows the dashboard")
	}
	if !o.isObject {
		c.skip(d, at, ruleNotObject, "", "not a JSON object: Grafana skips the file")
		return d
	}
	fields := c.unwrap(v, d, o.fields, at)
	if _, titled := fields["title"]; d.why == ruleResourceForm && !titled {
		return d // anything else that is missing has the same cause
	}
	c.checkTitle(d, fields, at)
	c.checkUID(d, fields, at)
	c.checkTags(d, fields["tags"])
	c.checkRefresh(d, fields["refresh"], false)
	c.checkRefresh(d, fields[autoRefresh], true)
	if d.stored() {
		c.unique(v, d, at)
		c.dashboardTakeover(v, d, at)
		c.checkFields(f, fields)
		c.libraryPanels(d, fields["panels"], o.fields["spec"].inside()["elements"])
	}
	return d
}

// folderOf is the title of a file's folder; since Grafana 13 it is a path of titles.
func folderOf(p *validation.Pass, v *providerView, f jsonFile) string {
	if !v.fromFiles {
		return validation.Label(v.folder)
	}
	dir := path.Dir(f.rel)
	switch {
	case dir == ".":
		return ""
	case p.Version.AtLeast(validation.V13):
		return dir
	}
	return path.Base(dir)
}

func (f jsonFile) at(field jsonField) validation.Place {
	line, column := lineColumn(f.bytes, field.offset)
	return validation.Place{Path: f.user, Line: line, Column: column}
}

func (c *dashboardCheck) checkTitle(d *dashboard, fields map[string]jsonField, at validation.Place) {
	field, has := fields["title"]
	if has {
		at = d.file.at(field)
	}
	title, isText := field.text()
	d.title = title
	switch {
	case !has && fields["dashboard"].kind() == '{':
		c.skip(d, at, ruleAPIForm, "write only what is under \"dashboard\" into the file", "this is the format of the HTTP API: Grafana finds no title and skips the file")
	case !isText || strings.TrimSpace(title) == "":
		hint := "write \"title\": and a string"
		if d.resource {
			hint = "write \"title\": and a string under spec"
		}
		c.skip(d, at, ruleTitle, hint, "a dashboard needs a title: Grafana skips the file")
	case c.Version.AtLeast(validation.V124) && len(title) > maxTitle:
		c.skip(d, at, ruleTitle, "shorten it", "the title has %d bytes, more than %d: Grafana skips the file and keeps the dashboard as it was", len(title), maxTitle)
	case c.Version.Before(validation.V12) && d.folder != "" && strings.EqualFold(title, d.folder):
		c.skip(d, at, ruleTitleFolder, "use another title", "the dashboard has the same title as its folder: Grafana skips the file")
	}
}

// Bounds in bytes, measured on 12.4; an ä counts twice.
const (
	maxTitle = 5000
	maxTag   = 50
)

// checkTags looks for tags that are too long. A list with anything but strings has none to Grafana.
func (c *dashboardCheck) checkTags(d *dashboard, f jsonField) {
	var tags []*string
	if c.Version.Before(validation.V124) || f.kind() != '[' || json.Unmarshal(f.raw, &tags) != nil || slices.Contains(tags, nil) {
		return
	}
	for _, tag := range tags {
		if len(*tag) > maxTag {
			c.skip(d, d.file.at(f), ruleTag, "shorten it", "a tag has %d bytes, more than %d: Grafana skips the file and keeps the dashboard as it was", len(*tag), maxTag)
			return
		}
	}
}

func (c *dashboardCheck) checkUID(d *dashboard, fields map[string]jsonField, at validation.Place) {
	field, has := fields["uid"]
	if has {
		at = d.file.at(field)
	}
	uid, isText := field.text()
	switch {
	case d.why == ruleAPIForm: // its uid is one level deeper
	case !has || field.kind() == 'n' || isText && uid == "":
		hint := "write \"uid\": and a short string"
		if d.resource {
			hint = "write metadata.name: it becomes the uid"
		}
		c.Infof(at, ruleUIDMissing, hint, "without a uid the dashboard gets a random one, and a new one when the file is renamed")
	case !isText:
		c.Warnf(at, ruleUIDBad, "put the uid in double quotes", "a uid that is not a string is ignored: the dashboard gets a random one")
	case !validation.UidFits(uid):
		c.skip(d, at, ruleUIDBad, "use letters, digits, - and _, at most 40", "this uid is not allowed: Grafana skips the file")
	default:
		d.uid = uid
	}
}

// unique compares a dashboard with the previous ones.
func (c *dashboardCheck) unique(v *providerView, d *dashboard, at validation.Place) {
	titleKey := strconv.FormatInt(v.org, 10) + "\x00" + d.folder + "\x00" + d.title
	if d.uid != "" {
		key := orgKey{v.org, d.uid}
		if other := c.byUID[key]; other != nil {
			c.Warnf(at, ruleUIDDup, "use another uid", "%s has this uid too: Grafana shows one of the two, not always the same one, and may not store new dashboards of the provider", other.file.user)
			return
		}
		c.byUID[key] = d
	}
	other := c.byTitle[titleKey]
	if other == nil {
		c.byTitle[titleKey] = d
		return
	}
	if c.Version.Before(validation.V12) {
		c.Warnf(at, ruleTitleDup, "use another title", "%s has this title in the same folder: only one of the two is stored", other.file.user)
	} else {
		c.Infof(at, ruleTitleDup, "", "%s has this title in the same folder: both are stored", other.file.user)
	}
}

// fieldKinds are the fields that must have a certain type. Grafana stores any type.
var fieldKinds = map[string]struct{ kinds, what string }{
	"panels": {"[", "a list"}, "tags": {"[", "a list"}, "version": {"-0123456789", "a number"}, "schemaVersion": {"-0123456789", "a number"},
	"templating": {"{", "an object"}, "time": {"{", "an object"}, "annotations": {"{", "an object"},
}

func (c *dashboardCheck) checkFields(f jsonFile, fields map[string]jsonField) {
	for key, want := range fieldKinds {
		v, has := fields[key]
		if has && v.kind() != 'n' && !strings.Contains(want.kinds, string(v.kind())) {
			c.Warnf(f.at(v), ruleDashboardType, "", "%q must be %s: Grafana stores it as it is, and the dashboard may not open", key, want.what)
		}
	}
	if in, has := fields["__inputs"]; has && in.kind() == '[' {
		c.inputs(f, in, fields["templating"])
	}
	if c.Version.Before(validation.V9) {
		c.checkLegacyAlerts(f, fields["panels"])
	}
}

// minRefresh is [dashboards] min_refresh_interval; 0 if it depends on Grafana's environment or is bad, which is not a duration.
func minRefresh(p *validation.Pass) (least time.Duration, bad bool) {
	text, set, known := p.Setting("dashboards", "min_refresh_interval")
	if !set || known && text == "" {
		return 5 * time.Second, false
	}
	if !known {
		return 0, false
	}
	least, err := ini.ParseDuration(text)
	return least, err != nil
}

// checkRefresh judges a dashboard's refresh. In a classic dashboard and a v1 resource Grafana replaces a bad one; it refuses
// the autoRefresh of a v2 resource, and every refresh when the minimum is not a duration (measured on 12.4).
func (c *dashboardCheck) checkRefresh(d *dashboard, f jsonField, v2 bool) {
	text, isText := f.text()
	if !isText || text == "" || text == "auto" || !d.stored() {
		return
	}
	at := d.file.at(f)
	refuses := c.Version.AtLeast(validation.V124)
	refresh, err := ini.ParseDuration(text)
	switch bad := err != nil || refresh < c.minRefresh; {
	case c.noRefresh && refuses:
		c.skip(d, at, ruleRefresh, "write a duration in grafana.ini, such as 5s", "[dashboards] min_refresh_interval is not a duration: Grafana skips each file with a refresh and keeps the dashboard as it was")
	case bad && v2 && refuses:
		c.skip(d, at, ruleRefresh, "", "autoRefresh must be a duration of at least [dashboards] min_refresh_interval (5s by default): Grafana skips the file and keeps the dashboard as it was")
	case bad && !v2:
		c.Warnf(at, ruleRefresh, "", "refresh must be a duration of at least [dashboards] min_refresh_interval (5s by default): Grafana uses that minimum")
	}
}

// checkLegacyAlerts reports alerts in panels: before Grafana 9, an invalid one makes Grafana skip the whole dashboard.
func (c *dashboardCheck) checkLegacyAlerts(f jsonFile, panels jsonField) {
	var list []struct {
		Alert json.RawMessage `json:"alert"`
	}
	if len(panels.raw) == 0 || json.Unmarshal(panels.raw, &list) != nil {
		return
	}
	for _, panel := range list {
		if len(panel.Alert) > 0 && panel.Alert[0] == '{' {
			c.Infof(f.at(panels), ruleLegacyAlert, "", "a panel has a legacy alert: this Grafana skips the file if the alert is invalid, which reloader does not check")
			return
		}
	}
}
