package driver

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/lazyregexp"
)

// This file brings alerting objects from files and from Grafana's answers into the same form, so that the two can be
// compared. The form is what Grafana 12.4 stores (pkg/services/provisioning/alerting and pkg/services/ngalert/models).

var durationPart = lazyregexp.New(`^(\d+)(ms|y|w|d|h|m|s)`)

var durationUnits = map[string]float64{"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}

// seconds is the length of a duration in Prometheus' form. It is nil for zero and for an empty string. A value that
// is not a duration stays as it is.
func seconds(v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	total := 0.0
	for rest := text; rest != "" && rest != "0"; {
		m := durationPart().FindStringSubmatch(rest)
		if m == nil {
			return text
		}
		n, _ := strconv.ParseFloat(m[1], 64)
		total += n * durationUnits[m[2]]
		rest = rest[len(m[0]):]
	}
	if total == 0 {
		return nil
	}
	return total
}

// folderForm is the path of a rule's folder without the slashes and spaces that Grafana drops. A slash within a title
// is escaped in files, but not in Grafana's answer.
func folderForm(v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	var titles []string
	for title := range strings.SplitSeq(strings.ReplaceAll(text, `\/`, "/"), "/") {
		if title = strings.TrimSpace(title); title != "" {
			titles = append(titles, title)
		}
	}
	return strings.Join(titles, "/")
}

// orDefault is v, or Grafana's default when v is missing or blank.
func orDefault(v any, otherwise string) any {
	if text, ok := v.(string); ok {
		if text = strings.TrimSpace(text); text == "" {
			return otherwise
		}
		return text
	}
	if v == nil {
		return otherwise
	}
	return v
}

// queryForm is one query or expression of a rule.
func queryForm(refID, queryType, datasource any, timeRange, model map[string]any) map[string]any {
	model = storedModel(model, refID)
	if t, ok := model["queryType"].(string); ok {
		queryType = t // the one in the model counts
	}
	form := map[string]any{"queryType": queryType, "datasourceUid": datasource, "model": model}
	for _, key := range []string{"from", "to"} {
		if v := normal(timeRange[key]); v != nil && v != 0.0 {
			form[key] = v
		}
	}
	return form
}

// storedModel adds the fields that Grafana adds to a query's model when it saves the rule.
func storedModel(model map[string]any, refID any) map[string]any {
	out := make(map[string]any, len(model)+3)
	maps.Copy(out, model)
	for key, value := range map[string]float64{"maxDataPoints": 43200, "intervalMs": 1000} {
		if n, ok := normal(out[key]).(float64); !ok || n == 0 {
			out[key] = value
		}
	}
	out["refId"] = refID
	return out
}

// addQueries adds a field for each query, named after its refId.
func addQueries(fields map[string]any, refs []any, forms []map[string]any) {
	for i, form := range forms {
		name := fmt.Sprintf("query %d", i+1)
		if ref, ok := refs[i].(string); ok && ref != "" {
			name = "query " + ref
		}
		for n := 2; fields[name] != nil; n++ {
			name = fmt.Sprintf("query %v (%d)", refs[i], n)
		}
		fields[name] = form
	}
}

// settingsForm is the notification_settings of a rule.
func settingsForm(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	out := map[string]any{}
	for _, key := range []string{"receiver", "group_by", "mute_time_intervals", "active_time_intervals"} {
		out[key] = m[key]
	}
	for _, key := range []string{"group_wait", "group_interval", "repeat_interval"} {
		out[key] = seconds(m[key])
	}
	return out
}

// routeForm is a notification policy with its child policies.
func routeForm(m map[string]any) map[string]any {
	out := map[string]any{}
	for _, key := range []string{"receiver", "group_by", "mute_time_intervals", "active_time_intervals"} {
		out[key] = m[key]
	}
	for _, key := range []string{"group_wait", "group_interval", "repeat_interval"} {
		if m[key] != nil {
			out[key] = fmt.Sprint(seconds(m[key])) // here zero differs from a missing value
		}
		if _, unknown := m[key].(provisioning.Unknown); unknown {
			out[key] = m[key]
		}
	}
	if m["continue"] == true {
		out["continue"] = true
	}
	out["matchers"] = matchersOf(m)
	if routes, ok := m["routes"].([]any); ok {
		var forms []any
		for _, r := range routes {
			if child, ok := r.(map[string]any); ok {
				forms = append(forms, routeForm(child))
			} else {
				forms = append(forms, provisioning.Unknown{})
			}
		}
		out["routes"] = forms
	}
	return out
}

// policyFields is the root policy, with a field for each of its child policies.
func policyFields(m map[string]any) map[string]any {
	fields := routeForm(m)
	routes, _ := fields["routes"].([]any)
	delete(fields, "routes")
	for i, r := range routes {
		fields[fmt.Sprintf("child policy %d", i+1)] = r
	}
	return fields
}

// matchersOf combines the four ways to write matchers.
func matchersOf(m map[string]any) any {
	var all []string
	take := func(name, op, value string) { all = append(all, fmt.Sprintf("%q %s %q", name, op, value)) }
	for key, op := range map[string]string{"match": "=", "match_re": "=~"} {
		labels, _ := m[key].(map[string]any)
		for name, v := range labels {
			value, ok := v.(string)
			if !ok {
				return provisioning.Unknown{}
			}
			take(name, op, value)
		}
	}
	objects, _ := m["object_matchers"].([]any)
	for _, o := range objects {
		parts, ok := o.([]any)
		if !ok || len(parts) != 3 {
			return provisioning.Unknown{}
		}
		var texts [3]string
		for i, p := range parts {
			if texts[i], ok = p.(string); !ok {
				return provisioning.Unknown{}
			}
		}
		take(texts[0], texts[1], strings.TrimSuffix(strings.TrimPrefix(texts[2], `"`), `"`)) // Grafana strips these quotes too
	}
	lines, _ := m["matchers"].([]any)
	for _, l := range lines {
		line, ok := l.(string)
		parts := matcherLine().FindStringSubmatch(line)
		if !ok || parts == nil {
			return provisioning.Unknown{}
		}
		value := parts[3]
		if strings.HasPrefix(value, `"`) {
			var err error
			if value, err = strconv.Unquote(value); err != nil {
				return provisioning.Unknown{}
			}
		}
		take(strings.Trim(parts[1], `"`), parts[2], value)
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

var matcherLine = lazyregexp.New(`^\s*("[^"\\]*"|[a-zA-Z_:][a-zA-Z0-9_:.-]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^",{}\s]*)\s*$`)

var (
	weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	months   = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
)

// intervalsForm is the time_intervals of a mute timing, written as Alertmanager writes them.
func intervalsForm(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			return provisioning.Unknown{}
		}
		form := map[string]any{"times": m["times"], "location": m["location"]}
		for _, key := range []string{"weekdays", "days_of_month", "months", "years"} {
			if ranges, ok := m[key].([]any); ok {
				form[key] = rangesForm(ranges, key)
			}
		}
		out = append(out, form)
	}
	return out
}

func rangesForm(ranges []any, key string) any {
	var out []any
	for _, r := range ranges {
		begin, end, isRange := strings.Cut(strings.ToLower(fmt.Sprint(normal(r))), ":")
		begin = rangeEnd(begin, key)
		if isRange {
			if end = rangeEnd(end, key); end != begin {
				begin += ":" + end
			}
		}
		out = append(out, begin)
	}
	return out
}

func rangeEnd(text, key string) string {
	text = strings.TrimSpace(text)
	if key == "months" {
		if i := slices.Index(months, text); i >= 0 {
			return strconv.Itoa(i + 1)
		}
	}
	if key == "weekdays" && slices.Contains(weekdays, text) {
		return text
	}
	if n, err := strconv.Atoi(text); err == nil {
		return strconv.Itoa(n)
	}
	return text
}

var defines = lazyregexp.New(`\{\{\s*define`)

// templateForm is the text of a template as Grafana stores it: wrapped in a definition if it has none.
func templateForm(name, text string) string {
	text = strings.TrimSpace(text)
	if defines().MatchString(text) {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = "  " + l
	}
	return fmt.Sprintf("{{ define \"%s\" }}\n%s\n{{ end }}", name, strings.Join(lines, "\n"))
}
