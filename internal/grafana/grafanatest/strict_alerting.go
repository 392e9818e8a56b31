package grafanatest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// receiverNeeds are the settings that a contact point type requires: one of each list.
var receiverNeeds = map[string][][]string{
	"webhook": {{"url"}}, "email": {{"addresses"}}, "slack": {{"url", "recipient"}}, "telegram": {{"bottoken"}, {"chatid"}},
	"pagerduty": {{"integrationKey"}}, "discord": {{"url"}}, "teams": {{"url"}}, "opsgenie": {{"apiKey"}}, "prometheus-alertmanager": {{"url"}},
}

func (s *Server) refusesAlerting(doc map[string]any, files []map[string]any) error {
	if err := lists(doc, "groups", "contactPoints", "policies", "muteTimes", "templates"); err != nil {
		return err
	}
	for _, check := range []func(map[string]any, []map[string]any) error{s.refusesContacts, s.refusesMutes, s.refusesTemplates, s.refusesPolicies, s.refusesGroups} {
		if err := check(doc, files); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) refusesContacts(doc map[string]any, files []map[string]any) error {
	points, err := list(doc, "contactPoints")
	for _, c := range points {
		if !s.hasOrg(org(c)) {
			return refusedBecause("there is no organization %d", org(c))
		}
		receivers, err := list(c, "receivers")
		if err != nil {
			return err
		}
		for _, r := range receivers {
			kind := strings.ToLower(strings.TrimSpace(text(r, "type")))
			needs, known := receiverNeeds[kind]
			settings := asMap(r["settings"])
			switch {
			case text(r, "uid") == "":
				return refusedBecause("a receiver has no uid")
			case !known && !slices.Contains([]string{"kafka", "pushover", "sensugo", "threema", "victorops", "wecom", "webex", "line", "oncall", "mqtt", "sns", "dingding", "googlechat", "jira"}, kind):
				return refusedBecause("there is no type %s", kind)
			case contactsWith(files, text(r, "uid")) > 1:
				return refusedBecause("the uid %s is used twice", text(r, "uid"))
			}
			for _, one := range needs {
				if !slices.ContainsFunc(one, func(key string) bool { return settings[key] != nil && settings[key] != "" }) {
					return refusedBecause("%s has no %s", kind, one[0])
				}
				for _, key := range one {
					if _, isText := settings[key].(string); settings[key] != nil && !isText {
						return refusedBecause("%s is not a string", key)
					}
				}
			}
		}
	}
	return err
}

func contactsWith(files []map[string]any, uid string) int {
	n := 0
	for _, doc := range files {
		points, _ := list(doc, "contactPoints")
		for _, c := range points {
			receivers, _ := list(c, "receivers")
			for _, r := range receivers {
				if text(r, "uid") == uid {
					n++
				}
			}
		}
	}
	return n
}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func (s *Server) refusesMutes(doc map[string]any, _ []map[string]any) error {
	mutes, err := list(doc, "muteTimes")
	for _, m := range mutes {
		for _, interval := range asList(m["time_intervals"]) {
			for _, t := range asList(asMap(interval)["times"]) {
				start, end := fmt.Sprint(asMap(t)["start_time"]), fmt.Sprint(asMap(t)["end_time"])
				_, err1 := time.Parse("15:04", start)
				_, err2 := time.Parse("15:04", strings.Replace(end, "24:00", "23:59", 1))
				if err1 != nil || err2 != nil || start >= end {
					return refusedBecause("%s to %s is not a valid time range", start, end)
				}
			}
			for _, d := range asList(asMap(interval)["weekdays"]) {
				for word := range strings.SplitSeq(fmt.Sprint(d), ":") {
					if !slices.Contains(weekdays, strings.ToLower(word)) {
						return refusedBecause("%s is not a weekday", word)
					}
				}
			}
		}
	}
	return err
}

func (s *Server) refusesTemplates(doc map[string]any, _ []map[string]any) error {
	templates, err := list(doc, "templates")
	for _, t := range templates {
		words, _ := t["template"].(string)
		if words == "" || !parses(words) {
			return refusedBecause("the template %s cannot be parsed", text(t, "name"))
		}
	}
	return err
}

func (s *Server) refusesPolicies(doc map[string]any, files []map[string]any) error {
	policies, err := list(doc, "policies")
	for _, p := range policies {
		if err := s.refusesRoute(p, files, true); err != nil {
			return err
		}
	}
	return err
}

func (s *Server) refusesRoute(r map[string]any, files []map[string]any, root bool) error {
	receiver := text(r, "receiver")
	if (root || receiver != "") && !s.hasContact(receiver) && !named(files, "contactPoints", receiver) {
		return refusedBecause("there is no receiver %q", receiver)
	}
	for _, key := range []string{"group_wait", "group_interval", "repeat_interval"} {
		if !duration(r[key]) {
			return refusedBecause("%s is not a duration", key)
		}
	}
	for _, m := range asList(r["matchers"]) {
		if !matcherForm.MatchString(fmt.Sprint(m)) {
			return refusedBecause("a matcher is invalid")
		}
	}
	for _, m := range asList(r["object_matchers"]) {
		if parts := asList(m); len(parts) < 2 || !slices.Contains([]any{"=", "!=", "=~", "!~"}, parts[1]) {
			return refusedBecause("an object matcher is invalid")
		}
	}
	for _, m := range asList(r["mute_time_intervals"]) {
		if name := fmt.Sprint(m); !s.hasMute(name) && !named(files, "muteTimes", name) {
			return refusedBecause("there is no mute timing %s", name)
		}
	}
	for _, child := range asList(r["routes"]) {
		if err := s.refusesRoute(asMap(child), files, false); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) hasMute(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.mutes[name] != nil
}

// named reports whether a list in the files has an item with a name.
func named(files []map[string]any, key, name string) bool {
	for _, doc := range files {
		items, _ := list(doc, key)
		if slices.ContainsFunc(items, func(item map[string]any) bool { return text(item, "name") == name }) {
			return true
		}
	}
	return false
}

func (s *Server) refusesGroups(doc map[string]any, files []map[string]any) error {
	groups, err := list(doc, "groups")
	if most, bad := strconv.Atoi(s.setting("quota", "org_alert_rule")); bad == nil && s.setting("quota", "enabled") == "true" && rulesIn(files) >= most {
		return refusedBecause("the quota is reached")
	}
	for _, g := range groups {
		interval, bad := time.ParseDuration(fmt.Sprint(g["interval"]))
		rules, err := list(g, "rules")
		if err != nil {
			return err
		}
		if text(g, "name") == "" || text(g, "folder") == "" || !duration(g["interval"]) || bad == nil && (interval <= 0 || interval%(10*time.Second) != 0) {
			return refusedBecause("a group has no name, folder or interval")
		}
		for _, r := range rules {
			if err := s.refusesRule(r, files); err != nil {
				return err
			}
		}
	}
	return err
}

func rulesIn(files []map[string]any) int {
	n := 0
	for _, doc := range files {
		groups, _ := list(doc, "groups")
		for _, g := range groups {
			rules, _ := list(g, "rules")
			n += len(rules)
		}
	}
	return n
}

func (s *Server) refusesRule(r map[string]any, files []map[string]any) error {
	queries, err := list(r, "data")
	switch {
	case err != nil:
		return err
	case text(r, "uid") == "" || text(r, "title") == "" || len(queries) == 0 || r["condition"] == nil && r["record"] == nil:
		return refusedBecause("a rule has no uid, title, condition or data")
	case !duration(r["for"]) || !duration(r["keepFiringFor"]):
		return refusedBecause("for or keepFiringFor is not a duration")
	case r["execErrState"] != nil && !slices.Contains([]any{"Alerting", "Error", "OK", "KeepLast"}, r["execErrState"]):
		return refusedBecause("execErrState is invalid")
	case r["noDataState"] != nil && !slices.Contains([]any{"Alerting", "NoData", "OK", "KeepLast"}, r["noDataState"]):
		return refusedBecause("noDataState is invalid")
	}
	for _, q := range queries {
		span := asMap(q["relativeTimeRange"])
		from, _ := span["from"].(int)
		to, _ := span["to"].(int)
		if q["datasourceUid"] != "__expr__" && q["datasourceUid"] != "-100" && from <= to {
			return refusedBecause("a query has no time range")
		}
	}
	if n := asMap(r["notification_settings"]); n != nil {
		if name := text(n, "receiver"); !s.hasContact(name) && !named(files, "contactPoints", name) {
			return refusedBecause("there is no receiver %q", name)
		}
	}
	return nil
}
