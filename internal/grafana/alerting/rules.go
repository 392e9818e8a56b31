package alerting

import (
	"slices"
	"strings"
	"time"

	"reloader/internal/grafana"
	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
)

var (
	ruleDuration      = validation.NewRule("alerting-duration")
	ruleInterval      = validation.NewRule("alerting-group-interval")
	ruleLong          = validation.NewRule("alerting-name-long")
	ruleFolder        = validation.NewRule("alerting-folder")
	ruleState         = validation.NewRule("alert-rule-state")
	ruleData          = validation.NewRule("alert-rule-data")
	ruleTimeRange     = validation.NewRule("alert-rule-time-range")
	ruleModel         = validation.NewRule("alert-rule-model")
	ruleCondition     = validation.NewRule("alert-rule-condition")
	ruleUID           = validation.NewRule("alerting-uid")
	ruleLabel         = validation.NewRule("alert-rule-label")
	rulePanel         = validation.NewRule("alert-rule-panel")
	ruleEvals         = validation.NewRule("alert-rule-missing-evals")
	ruleKeyNotRead    = validation.NewRule("alert-rule-key-version")
	ruleRecordMetric  = validation.NewRule("alert-rule-record-metric")
	ruleGroupRules    = validation.NewRule("alerting-group-empty")
	ruleDashboardTypo = validation.NewRule("alert-rule-dashboard-uid")

	groupKeys  = []string{"orgId", "name", "folder", "interval", "rules"}
	queryKeys  = []string{"refId", "queryType", "relativeTimeRange", "datasourceUid", "model"}
	ruleKeys   = []string{"uid", "title", "condition", "data", "dashboardUid", "panelId", "noDataState", "execErrState", "for", "annotations", "labels"}
	ruleNewest = []struct {
		key   string
		since grafana.Version
	}{
		{"isPaused", validation.V94}, {"notification_settings", validation.V104}, {"record", validation.V112},
		{"keepFiringFor", validation.V121}, {"missing_series_evals_to_resolve", validation.V122},
	}
)

// group is a group of rules.
type group struct {
	file     validation.File
	node     *provisioning.Map
	at       validation.Place
	org      int64 // 0: not known
	name     provisioning.Value
	folder   provisioning.Value
	interval provisioning.Value
	rules    []*rule
}

// rule is one alert or recording rule.
type rule struct {
	at          validation.Place
	uid, title  provisioning.Value
	settings    *settings
	fingerprint uint64
}

// settings are a rule's own notification settings.
type settings struct {
	receiver  provisioning.Value
	intervals []provisioning.Value
}

func (a *reader) group(m *provisioning.Map) *group {
	a.d.UnknownKeys(m, "a rule group", groupKeys)
	g := &group{
		file: a.f, node: m, at: a.f.At(m.Node), org: a.org(m),
		name: a.required(m, "name", "a rule group"), folder: a.required(m, "folder", "a rule group"), interval: a.d.Text(m, "interval"),
	}
	switch {
	case !g.interval.Known:
	case g.interval.Text == "":
		a.missing(m, "interval", "a rule group")
	default:
		a.groupInterval(g)
	}
	if g.folder.Known && a.p.Version.AtLeast(validation.V11) && strings.TrimSpace(g.folder.Text) != "" && strings.Trim(g.folder.Text, "/") == "" {
		a.p.Errorf(a.f.At(g.folder.Node), ruleFolder, "write the folder's title", "the folder's path is empty: Grafana fails while writing the rules")
	}
	g.rules = readItems(a, m, "rules", a.rule)
	if len(g.rules) == 0 {
		a.p.Warnf(g.at, ruleGroupRules, "", "the group has no rules: the rules that it had stay in Grafana")
	} else if g.name.Known && len(g.name.Text) > validation.MaxNameBytes {
		a.p.Errorf(a.f.At(g.name.Node), ruleLong, "", "the group's name has %d bytes, at most %d are allowed: Grafana fails while writing the rules", len(g.name.Text), validation.MaxNameBytes)
	}
	return g
}

func (a *reader) groupInterval(g *group) {
	d, ok := a.duration(g.interval, "interval")
	if !ok {
		return
	}
	// Grafana drops fractions of a second.
	if s := int64(d / time.Second); s <= 0 || s%10 != 0 {
		a.p.Errorf(a.f.At(g.interval.Node), ruleInterval, "write a multiple of 10s", "the interval must be a multiple of 10 seconds and above 0: Grafana fails after writing the rules")
	}
}

const durationForm = "write a number with ms, s, m, h, d, w or y: 30s, 5m, 1h30m"

// duration parses a value and reports an invalid one; not ok when it is unknown, empty or invalid.
func (a *reader) duration(v provisioning.Value, key string) (time.Duration, bool) {
	if !v.Known || v.Text == "" {
		return 0, false
	}
	d, err := parseDuration(v.Text)
	if err != nil {
		a.p.Errorf(a.f.At(v.Node), ruleDuration, durationForm, "'%s' is not a duration: Grafana refuses all alerting files", key)
		return 0, false
	}
	return d, true
}

func (a *reader) rule(m *provisioning.Map) *rule {
	p := a.p
	known := ruleKeys
	for _, k := range ruleNewest {
		known = append(slices.Clip(known), k.key)
		if m.Has(k.key) && p.Version.Before(k.since) {
			p.Warnf(a.f.At(m.Key(k.key)), ruleKeyNotRead, "", "'%s' needs Grafana %s or later: this version ignores it", k.key, k.since)
		}
	}
	a.d.UnknownKeys(m, "a rule", known, "dasboardUid")
	r := &rule{at: a.f.At(m.Node), fingerprint: validation.FingerprintMap(m)}
	if m.Has("title") {
		r.at = a.f.At(m.Key("title"))
	}
	r.title = a.d.Text(m, "title")
	switch {
	case !r.title.Known:
	case r.title.Text == "":
		a.missing(m, "title", "a rule")
	case len(r.title.Text) > validation.MaxNameBytes:
		p.Errorf(a.f.At(r.title.Node), ruleLong, "", "the title has %d bytes, at most %d are allowed: Grafana fails while writing the rules", len(r.title.Text), validation.MaxNameBytes)
	}
	r.uid = a.d.Text(m, "uid")
	if r.uid.Known && r.uid.Text == "" {
		a.missing(m, "uid", "a rule")
	}
	a.uid(r.uid, "rules")
	recording, from := a.record(m)
	a.ruleTimes(m, recording)
	a.ruleStates(m)
	a.ruleTexts(m, recording)
	queries := a.ruleData(m)
	if m.Has("isPaused") && p.Version.AtLeast(validation.V94) {
		a.d.Bool(m, "isPaused")
	}
	if p.Version.AtLeast(validation.V104) {
		r.settings = a.ruleSettings(m)
	}
	result := a.d.Text(m, "condition")
	if result.Known && result.Text == "" && (!recording || p.Version.Before(validation.V123)) {
		a.missing(m, "condition", "a rule")
	}
	if recording {
		result = from // Grafana ignores the condition
	}
	a.expressions(queries, result, recording)
	return r
}

// uid reports a uid with which Grafana cannot create the object.
func (a *reader) uid(v provisioning.Value, what string) {
	if !v.Known || v.Text == "" || validation.UidFits(v.Text) {
		return
	}
	a.p.Since(validation.V10, a.f.At(v.Node), ruleUID, "", "a uid has letters, digits, - and _, at most 40", "Grafana fails while writing the "+what, "newer versions of Grafana refuse it")
}

func (a *reader) ruleTimes(m *provisioning.Map, recording bool) {
	v := a.d.Text(m, "for")
	if v.Known && v.Text == "" && a.p.Version.Before(validation.V115) {
		a.missing(m, "for", "a rule")
	}
	a.duration(v, "for")
	if a.p.Version.Before(validation.V122) {
		return // some releases of 12.1 read keepFiringFor
	}
	a.duration(a.d.Text(m, "keepFiringFor"), "keepFiringFor")
	evals := a.d.Int(m, "missing_series_evals_to_resolve")
	if text := a.d.PlainText(m, "missing_series_evals_to_resolve"); !evals.Known || text.Raw == "" {
		return
	}
	at := a.f.At(evals.Node)
	switch {
	case evals.Value < 0:
		a.p.Errorf(at, ruleEvals, "write a number above 0", "'missing_series_evals_to_resolve' must not be negative: Grafana refuses all alerting files")
	case evals.Value == 0 && !recording:
		a.p.Errorf(at, ruleEvals, "write a number above 0", "'missing_series_evals_to_resolve' must be above 0: Grafana fails while writing the rules")
	}
}

func (a *reader) ruleStates(m *provisioning.Map) {
	for _, s := range []struct {
		key   string
		known []string
	}{
		{"noDataState", []string{"Alerting", "NoData", "OK"}},
		{"execErrState", []string{"Alerting", "Error", "OK"}},
	} {
		if a.p.Version.AtLeast(validation.V11) {
			s.known = append(s.known, "KeepLast")
		}
		v := a.d.Text(m, s.key)
		text := strings.TrimSpace(v.Text)
		if v.Known && text != "" && !slices.Contains(s.known, text) {
			a.p.Errorf(a.f.At(v.Node), ruleState, "write one of "+strings.Join(s.known, ", "), "'%s' is not a state that Grafana knows: it refuses all alerting files", s.key)
		}
	}
}

// reservedLabels are the labels that only Grafana itself may set.
var reservedLabels = []string{"__grafana_autogenerated__", "__grafana_receiver__", "__grafana_route_settings_hash__"}

func (a *reader) ruleTexts(m *provisioning.Map, recording bool) {
	p := a.p
	labels, _ := a.d.TextMap(m.Get("labels"), "labels", false)
	for _, name := range reservedLabels {
		if v, there := labels[name]; there && p.Version.AtLeast(validation.V11) {
			p.Errorf(a.f.At(v.Node), ruleLabel, "use another label", "the label %s is reserved by Grafana: it fails while writing the rules", name)
		}
	}
	var notes map[string]provisioning.Value
	a.raw(func() { notes, _ = a.d.TextMap(m.Get("annotations"), "annotations", false) })
	if !recording { // Grafana writes the labels of a recording rule as they are
		for name, v := range labels {
			if v.Known {
				a.textTemplate("label", name, v, v.Text)
			}
		}
		for name, v := range notes {
			a.textTemplate("annotation", name, v, v.Raw)
		}
	}
	dash, panel := notes["__dashboardUid__"].Raw, notes["__panelId__"].Raw
	at := a.f.At(m.Key("annotations"))
	problem := ""
	switch {
	case (dash == "") != (panel == ""):
		problem = "the annotations __dashboardUid__ and __panelId__ go together"
	case panel != "" && !isWhole(panel):
		problem = "the annotation __panelId__ must be a whole number"
	}
	if problem != "" {
		p.Since(validation.V10, at, rulePanel, "", problem, "Grafana fails while writing the rules", "newer versions of Grafana refuse the rule")
	}
	a.d.Text(m, "dashboardUid")
	if m.Has("dasboardUid") {
		a.d.Text(m, "dasboardUid")
		p.Warnf(a.f.At(m.Key("dasboardUid")), ruleDashboardTypo, "write dashboardUid", "'dasboardUid' is an old misspelling that Grafana still reads")
	}
	if panelID := a.d.Int(m, "panelId"); panelID.Set && !m.Has("dashboardUid") && !m.Has("dasboardUid") {
		p.Warnf(a.f.At(panelID.Node), rulePanel, "write dashboardUid too", "'panelId' without 'dashboardUid' does nothing")
	}
}

func isWhole(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-")
	return s != "" && len(s) < 19 && strings.Trim(s, "0123456789") == ""
}

// record reads the settings of a recording rule, and reports whether the rule is one, and the query whose result it records.
func (a *reader) record(m *provisioning.Map) (recording bool, from provisioning.Value) {
	n := m.Get("record")
	if a.p.Version.Before(validation.V112) || a.d.IsNull(n) {
		return false, from
	}
	rec, ok := a.d.Map(n, "'record'")
	if !ok {
		return true, from
	}
	a.d.UnknownKeys(rec, "record", []string{"metric", "from", "targetDatasourceUid"})
	if metric := a.d.Text(rec, "metric"); metric.Known && metric.Text == "" {
		a.p.Errorf(a.f.At(rec.Key("metric")), ruleRecordMetric, "write the metric's name", "a recording rule needs record.metric: Grafana fails while writing the rules")
	}
	from = a.d.Text(rec, "from")
	a.d.Text(rec, "targetDatasourceUid")
	if from.Empty() {
		a.p.Warnf(a.f.At(rec.Key("from")), ruleCondition, "write from and the refId of one of the queries", "a recording rule needs record.from: Grafana accepts the rule, but every evaluation fails")
	}
	return true, from
}
