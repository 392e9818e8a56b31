package alerting

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
	"reloader/internal/lazyregexp"
)

var (
	ruleMuteRange    = validation.NewRule("mute-timing-range")
	ruleMuteLocation = validation.NewRule("mute-timing-location")
	ruleMuteName     = validation.NewRule("mute-timing-name")
	ruleMuteEmpty    = validation.NewRule("mute-timing-empty")

	muteKeys     = []string{"orgId", "name", "time_intervals"}
	intervalKeys = []string{"times", "weekdays", "days_of_month", "months", "years", "location"}
)

func (a *reader) muteTime(m *provisioning.Map) *named {
	a.d.UnknownKeys(m, "a mute timing", muteKeys, "version", "provenance")
	mt := &named{at: a.f.At(m.Node), org: a.org(m), name: a.d.PlainText(m, "name"), fingerprint: validation.FingerprintMap(m)}
	if mt.name.Known && mt.name.Text == "" {
		a.p.Errorf(a.f.At(m.Key("name")), ruleMuteName, "write name", "a mute timing needs 'name': Grafana fails partway; contact points stay applied")
	}
	empty := true
	for _, i := range a.items(m, "time_intervals", true) {
		empty = false
		a.interval(i)
	}
	if empty {
		a.p.Warnf(mt.at, ruleMuteEmpty, "write time_intervals", "a mute timing without time intervals mutes nothing")
	}
	return mt
}

func (a *reader) interval(m *provisioning.Map) {
	a.d.UnknownKeys(m, "a time interval", intervalKeys)
	for _, t := range a.items(m, "times", true) {
		a.times(t)
	}
	for _, key := range []string{"weekdays", "days_of_month", "months", "years"} {
		nodes, _ := a.d.List(m.Get(key), "'"+key+"'")
		for _, n := range nodes {
			if a.d.IsNull(n) {
				continue
			}
			v, ok := a.plainNode(n, key)
			if !ok {
				continue
			}
			if problem := badRange(key, strings.ToLower(v)); problem != "" {
				a.p.Errorf(a.f.At(n), ruleMuteRange, "", "'%s' has %s: Grafana refuses all alerting files", key, problem)
			}
		}
	}
	a.location(m)
}

// plainNode returns a scalar's text, which Grafana does not expand here.
func (a *reader) plainNode(n *yaml.Node, key string) (string, bool) {
	r := a.d.Resolve(n)
	if r == nil {
		return "", false
	}
	if r.Kind != yaml.ScalarNode {
		a.p.Errorf(a.f.At(n), provisioning.RuleWrongType, "", "an item of '%s' must be a string: Grafana refuses all alerting files", key)
		return "", false
	}
	return r.Value, true
}

var clockTime = lazyregexp.New(`^((([01][0-9])|(2[0-3])):[0-5][0-9])$|(^24:00$)`)

func (a *reader) times(m *provisioning.Map) {
	a.d.UnknownKeys(m, "times", []string{"start_time", "end_time"})
	start, end := a.d.PlainText(m, "start_time"), a.d.PlainText(m, "end_time")
	if !start.Known || !end.Known {
		return
	}
	at := a.f.At(m.Node)
	const hint = "write {start_time: '08:00', end_time: '17:30'}; the end of the day is 24:00"
	switch {
	case start.Raw == "" || end.Raw == "":
		a.p.Errorf(at, ruleMuteRange, hint, "'times' needs start_time and end_time: Grafana refuses all alerting files")
	case !clockTime().MatchString(start.Raw) || !clockTime().MatchString(end.Raw):
		a.p.Errorf(at, ruleMuteRange, hint, "'times' has a time that is not HH:MM: Grafana refuses all alerting files")
	case start.Raw >= end.Raw:
		a.p.Errorf(at, ruleMuteRange, hint+"; split a range that crosses midnight", "'times' ends before it starts: Grafana refuses all alerting files")
	}
}

func (a *reader) location(m *provisioning.Map) {
	n := m.Get("location")
	if a.d.IsNull(n) {
		return
	}
	v, ok := a.plainNode(n, "location")
	if !ok {
		return
	}
	if _, err := time.LoadLocation(v); err == nil {
		return
	}
	// Without a time zone database on this machine, no zone can be looked up.
	if _, err := time.LoadLocation("Europe/Berlin"); err != nil {
		a.p.Warnf(a.f.At(n), ruleMuteLocation, "", "the time zone cannot be looked up here; if Grafana does not know it, it refuses all alerting files")
		return
	}
	a.p.Errorf(a.f.At(n), ruleMuteLocation, "write a name of the time zone database: Europe/Berlin, UTC", "the time zone is not known: Grafana refuses all alerting files")
}

var (
	weekdays   = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	monthNames = []string{"", "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
)

// badRange says what is wrong with a value or a range begin:end; empty when it is valid.
func badRange(key, text string) string {
	parts := strings.Split(text, ":")
	if len(parts) > 2 {
		return "a range with more than one colon"
	}
	begin, ok := rangeMember(key, parts[0])
	end, okEnd := rangeMember(key, parts[len(parts)-1])
	if !ok || !okEnd {
		return map[string]string{
			"weekdays": "a name that is not a weekday", "months": "something that is not a month", "days_of_month": "something that is not a number", "years": "something that is not a number",
		}[key]
	}
	if key == "days_of_month" {
		return badDays(begin, end)
	}
	if begin > end {
		return "a range that ends before it begins"
	}
	return ""
}

func rangeMember(key, text string) (int, bool) {
	names := map[string][]string{"weekdays": weekdays, "months": monthNames}[key]
	if i := slices.Index(names, text); i >= 0 && text != "" {
		return i, true
	}
	if key == "weekdays" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

func badDays(begin, end int) string {
	for _, d := range []int{begin, end} {
		if d == 0 || d < -31 || d > 31 {
			return "a day that no month has"
		}
	}
	if begin < 0 && end > 0 {
		return "a range from a negative day to a positive one"
	}
	// The shortest month has 28 days.
	least := func(d int) int {
		if d < 0 {
			return 28 + d
		}
		return d
	}
	if least(begin) > least(end) {
		return "a range that ends before it begins"
	}
	return ""
}
