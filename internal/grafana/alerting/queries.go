package alerting

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
)

// ruleData reads the queries of a rule.
func (a *reader) ruleData(m *provisioning.Map) []*query {
	queries := readItems(a, m, "data", a.query)
	if nodes, ok := a.d.List(m.Get("data"), "'data'"); ok && len(queries) == 0 && (len(nodes) == 0 || a.d.Dialect == provisioning.V3) {
		a.p.Errorf(a.f.At(m.Key("data")), ruleData, "write at least one query", "a rule needs 'data': Grafana refuses all alerting files")
	}
	return queries
}

func (a *reader) query(m *provisioning.Map) *query {
	p := a.p
	a.d.UnknownKeys(m, "a query", queryKeys)
	q := &query{node: m, ref: a.d.Text(m, "refId")}
	a.d.Text(m, "queryType")
	q.dataSource = a.d.Text(m, "datasourceUid")
	from, to, ok := a.timeRange(m)
	q.seconds = from - to
	q.expression = q.dataSource.Text == "-100" || q.dataSource.Text == "__expr__"
	if ok && q.dataSource.Known && !q.expression && from <= to {
		p.Errorf(a.f.At(m.Key("relativeTimeRange")), ruleTimeRange, "write relativeTimeRange: {from: 600, to: 0}", "a data source query needs a relativeTimeRange in which from is above to: Grafana fails while writing the rules")
	}
	n := m.Get("model")
	if a.d.IsNull(n) {
		p.Errorf(a.f.At(m.Key("model")), ruleModel, "write model: {}", "a query needs 'model': without it Grafana panics while writing the rules")
		return q
	}
	a.raw(func() { a.d.FreeMap(n, "model") })
	a.quietly(func() { a.model(q, n) })
	return q
}

// model reads the model as Grafana stores it, without variables. What has the wrong form was reported.
func (a *reader) model(q *query, n *yaml.Node) {
	m, ok := a.d.Map(n, "model")
	if !ok {
		return
	}
	if r := a.d.Resolve(m.Get("queryType")); r != nil && slices.Contains([]string{"!!null", "!!bool", "!!int", "!!float", "!!map", "!!seq"}, r.ShortTag()) {
		a.p.Errorf(a.f.At(m.Get("queryType")), ruleModel, "remove it, or put it in quotes", "'queryType' in a model must be a string: Grafana fails while writing the rules")
	}
	if q.expression {
		q.model, _ = a.d.PlainMap(n, "model")
	}
}

// timeRange reads from and to, which must be plain numbers; not ok when they were reported.
func (a *reader) timeRange(m *provisioning.Map) (from, to int64, ok bool) {
	rng, ok := a.d.Map(m.Get("relativeTimeRange"), "'relativeTimeRange'")
	if !ok {
		return 0, 0, false
	}
	a.d.UnknownKeys(rng, "relativeTimeRange", []string{"from", "to"})
	read := func(key string) int64 {
		n := rng.Get(key)
		if a.d.IsNull(n) {
			return 0
		}
		var v int
		r := a.d.Resolve(n)
		if r == nil || r.Kind != yaml.ScalarNode || r.ShortTag() != "!!int" || r.Decode(&v) != nil {
			a.p.Errorf(a.f.At(n), ruleTimeRange, "write seconds as a number without quotes: 600", "'%s' must be a number of seconds: Grafana refuses all alerting files", key)
			ok = false
		}
		return int64(v)
	}
	from, to = read("from"), read("to")
	return from, to, ok
}

var rulePolicyName = validation.NewRule("alert-rule-policy-name")

var settingsKeys = []string{"receiver", "group_by", "group_wait", "group_interval", "repeat_interval", "mute_time_intervals", "active_time_intervals"}

func (a *reader) ruleSettings(m *provisioning.Map) *settings {
	n := m.Get("notification_settings")
	if a.d.IsNull(n) {
		return nil
	}
	ns, ok := a.d.Map(n, "'notification_settings'")
	if !ok {
		return nil
	}
	known := settingsKeys
	if a.p.Version.AtLeast(validation.V13) {
		known = append(slices.Clip(known), "policy")
	}
	a.d.UnknownKeys(ns, "notification_settings", known)
	s := &settings{receiver: a.d.Text(ns, "receiver")}
	switch {
	case !s.receiver.Known || s.receiver.Text != "":
	case a.p.Version.AtLeast(validation.V13) && ns.Has("policy"):
		a.d.Text(ns, "policy")
		a.p.Warnf(a.f.At(ns.Key("policy")), rulePolicyName, "write receiver, or test it first", "Grafana 13's API knows 'policy' instead of 'receiver'; whether it works in files is not documented")
	default:
		a.missing(ns, "receiver", "notification_settings")
	}
	a.texts(ns, "group_by")
	a.duration(a.d.Text(ns, "group_wait"), "group_wait")
	for _, key := range []string{"group_interval", "repeat_interval"} {
		if d, ok := a.duration(a.d.Text(ns, key), key); ok && d == 0 {
			a.p.Errorf(a.f.At(ns.Get(key)), ruleDuration, "write a duration above 0", "'%s' must not be 0: Grafana fails while writing the rules", key)
		}
	}
	s.intervals = a.texts(ns, "mute_time_intervals")
	if a.p.Version.AtLeast(validation.V12) {
		s.intervals = append(s.intervals, a.texts(ns, "active_time_intervals")...)
	}
	if a.p.Version.Before(validation.V121) && ns.Has("active_time_intervals") {
		a.p.Warnf(a.f.At(ns.Key("active_time_intervals")), ruleKeyNotRead, "", "'active_time_intervals' needs Grafana 12.1 or later: this version ignores it")
	}
	return s
}

// texts reads a list of strings and leaves out empty ones.
func (a *reader) texts(m *provisioning.Map, key string) []provisioning.Value {
	nodes, _ := a.d.List(m.Get(key), "'"+key+"'")
	var out []provisioning.Value
	for _, n := range nodes {
		if a.d.IsNull(n) {
			continue
		}
		if v := a.d.TextNode(n, "an item of "+key); !v.Known || v.Text != "" {
			out = append(out, v)
		}
	}
	return out
}
