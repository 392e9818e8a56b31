package grafanatest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// builtIn is the contact point of a new server.
func (s *Server) builtIn() string {
	if s.newer(12, 4) {
		return "empty"
	}
	return "grafana-default-email"
}

// alertingFiles has the items of all files, by the key of their list.
type alertingFiles struct {
	lists  map[string][]map[string]any
	files  []map[string]any
	resets int
}

// provisionAlerting checks what the real server checks while reading, then writes in the order of
// 11.5 and later: contact points, mute times, templates, policies, deletes, rules, contact point deletes.
func (s *Server) provisionAlerting(ctx context.Context, files []map[string]any) error {
	a, err := readAlerting(files)
	if err != nil {
		return err
	}
	steps := []func(context.Context, alertingFiles) error{s.writeContacts, s.writeMutes, s.writePolicies, s.deleteMutes, s.writeRules, s.deleteContacts}
	for _, step := range steps {
		if err := step(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func readAlerting(files []map[string]any) (alertingFiles, error) {
	a := alertingFiles{lists: map[string][]map[string]any{}, files: files}
	for _, doc := range files {
		for _, key := range []string{"contactPoints", "muteTimes", "templates", "policies", "deleteContactPoints", "deleteMuteTimes", "deleteTemplates"} {
			items, err := list(doc, key)
			if err != nil {
				return a, err
			}
			a.lists[key] = append(a.lists[key], items...)
		}
		if resets, ok := doc["resetPolicies"].([]any); ok {
			a.resets += len(resets)
		}
		groups, err := list(doc, "groups")
		if err != nil {
			return a, err
		}
		for _, g := range groups {
			rules, err := list(g, "rules")
			if err != nil {
				return a, err
			}
			for _, r := range rules {
				if text(r, "uid") == "" || text(r, "title") == "" {
					return a, errors.New("rule without uid or title")
				}
			}
		}
	}
	return a, nil
}

// secretSettings are the settings of contact points that the API redacts.
var secretSettings = []string{"password", "authorization_credentials", "token", "integrationKey", "apikey"}

// redact replaces the secrets of a webhook as the API shows them. They are found in any case, and shown under their own names;
// what has another case stays, unless only the map around it has.
func redact(settings map[string]any) {
	for key, v := range settings {
		if m, ok := v.(map[string]any); ok && strings.EqualFold(key, "hmacConfig") && m["secret"] != nil {
			delete(m, "secret")
			own, _ := settings["hmacConfig"].(map[string]any)
			if own == nil {
				own = map[string]any{}
			}
			own["secret"] = "[REDACTED]"
			defer func() { settings["hmacConfig"] = own }()
		}
		for _, name := range secretSettings {
			if v != nil && strings.EqualFold(key, name) {
				defer func() { settings[name] = "[REDACTED]" }()
			}
		}
	}
}

func (s *Server) writeContacts(ctx context.Context, a alertingFiles) error {
	for _, c := range a.lists["contactPoints"] {
		receivers, err := list(c, "receivers")
		if err != nil {
			return err
		}
		for _, r := range receivers {
			uid := text(r, "uid")
			settings, _ := expanded(r["settings"]).(map[string]any)
			redact(settings)
			shown := map[string]any{"uid": uid, "name": text(c, "name"), "type": text(r, "type"), "settings": settings,
				"disableResolveMessage": boolean(r, "disableResolveMessage"), "provenance": "file"}
			if err := s.write(ctx, func(st *state) { st.contacts[uid] = shown }); err != nil {
				return err
			}
		}
	}
	return nil
}

var defines = regexp.MustCompile(`\{\{\s*define`)

func (s *Server) writeMutes(ctx context.Context, a alertingFiles) error {
	for _, m := range a.lists["muteTimes"] {
		if err := s.write(ctx, func(st *state) { st.mutes[text(m, "name")] = m }); err != nil {
			return err
		}
	}
	for _, t := range a.lists["templates"] {
		name, content := text(t, "name"), strings.TrimSpace(fmt.Sprint(t["template"]))
		if !defines.MatchString(content) {
			content = "{{ define \"" + name + "\" }}\n  " + strings.ReplaceAll(content, "\n", "\n  ") + "\n{{ end }}"
		}
		if err := s.write(ctx, func(st *state) {
			st.templates[name] = map[string]any{"name": name, "template": content, "provenance": "file"}
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) writePolicies(ctx context.Context, a alertingFiles) error {
	for _, p := range a.lists["policies"] {
		receiver := text(p, "receiver")
		if !s.hasContact(receiver) {
			return fmt.Errorf("receiver %q does not exist", receiver)
		}
		if err := s.write(ctx, func(st *state) { st.policy = expanded(p).(map[string]any) }); err != nil {
			return err
		}
	}
	if a.resets > 0 {
		return s.write(ctx, func(st *state) { st.policy = nil })
	}
	return nil
}

func (s *Server) hasContact(name string) bool {
	if name == s.builtIn() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.state.contacts {
		if c["name"] == name {
			return true
		}
	}
	return false
}

func (s *Server) deleteMutes(ctx context.Context, a alertingFiles) error {
	return s.write(ctx, func(st *state) {
		for _, m := range a.lists["deleteMuteTimes"] {
			delete(st.mutes, text(m, "name"))
		}
		for _, t := range a.lists["deleteTemplates"] {
			delete(st.templates, text(t, "name"))
		}
	})
}

// writeRules writes the rules of each file, and then deletes the rules that the file deletes.
func (s *Server) writeRules(ctx context.Context, a alertingFiles) error {
	for _, doc := range a.files {
		groups, _ := list(doc, "groups")
		for _, g := range groups {
			rules, _ := list(g, "rules")
			for _, r := range rules {
				if err := s.write(ctx, func(st *state) {
					st.rules[text(r, "uid")] = rule{folder: folderPath(text(g, "folder")), group: text(g, "name"), interval: text(g, "interval"), shown: shownRule(r)}
				}); err != nil {
					return err
				}
			}
			// The interval applies to all rules of the group, also those of other files.
			if err := s.write(ctx, func(st *state) {
				for uid, r := range st.rules {
					if r.folder == folderPath(text(g, "folder")) && r.group == text(g, "name") {
						r.interval = text(g, "interval")
						st.rules[uid] = r
					}
				}
			}); err != nil {
				return err
			}
		}
		deletes, err := list(doc, "deleteRules")
		if err != nil {
			return err
		}
		if err := s.write(ctx, func(st *state) {
			for _, r := range deletes {
				delete(st.rules, text(r, "uid"))
			}
		}); err != nil {
			return err
		}
	}
	return nil
}

// folderPath is the path in which the real one stores a rule: without empty titles.
func folderPath(text string) string {
	const kept = "\x00" // stands for a slash in a title
	var titles []string
	for title := range strings.SplitSeq(strings.ReplaceAll(text, `\/`, kept), "/") {
		if title = strings.TrimSpace(title); title != "" {
			titles = append(titles, strings.ReplaceAll(title, kept, "/"))
		}
	}
	return strings.Join(titles, "/")
}

// shownRule returns a rule as the ruler API shows it.
func shownRule(r map[string]any) map[string]any {
	alert := map[string]any{
		"uid": text(r, "uid"), "title": text(r, "title"), "condition": text(r, "condition"), "is_paused": boolean(r, "isPaused"),
		"no_data_state": cmp.Or(text(r, "noDataState"), "NoData"), "exec_err_state": cmp.Or(text(r, "execErrState"), "Alerting"),
		"notification_settings": expanded(r["notification_settings"]), "provenance": "file",
	}
	if rec, ok := r["record"].(map[string]any); ok {
		alert["record"] = map[string]any{"metric": text(rec, "metric"), "from": text(rec, "from"), "target_datasource_uid": text(rec, "targetDatasourceUid")}
	}
	if n, ok := r["missing_series_evals_to_resolve"]; ok {
		alert["missing_series_evals_to_resolve"] = n
	}
	var data []map[string]any
	queries, _ := list(r, "data")
	for _, q := range queries {
		model := map[string]any{"intervalMs": 1000, "maxDataPoints": 43200}
		given, _ := q["model"].(map[string]any)
		maps.Copy(model, given)
		model["refId"] = text(q, "refId")
		data = append(data, map[string]any{"refId": text(q, "refId"), "queryType": text(q, "queryType"), "datasourceUid": text(q, "datasourceUid"),
			"relativeTimeRange": q["relativeTimeRange"], "model": model})
	}
	alert["data"] = data
	return map[string]any{"expr": "", "for": cmp.Or(text(r, "for"), "0s"), "keep_firing_for": cmp.Or(text(r, "keepFiringFor"), "0s"),
		"labels": textsOf(expanded(r["labels"])), "annotations": textsOf(r["annotations"]), "grafana_alert": alert}
}

// deleteContacts refuses to delete the last receiver of a contact point that the policy uses.
func (s *Server) deleteContacts(ctx context.Context, a alertingFiles) error {
	for _, d := range a.lists["deleteContactPoints"] {
		inUse := false
		if err := s.write(ctx, func(st *state) {
			c := st.contacts[text(d, "uid")]
			if c != nil && st.policy != nil && text(st.policy, "receiver") == c["name"] {
				same := 0
				for _, other := range st.contacts {
					if other["name"] == c["name"] {
						same++
					}
				}
				if inUse = same == 1; inUse {
					return
				}
			}
			delete(st.contacts, text(d, "uid"))
		}); err != nil {
			return err
		}
		if inUse {
			return errors.New("contact point is in use")
		}
	}
	return nil
}

// textsOf turns the values of a map into strings.
func textsOf(v any) map[string]string {
	out := map[string]string{}
	m, _ := v.(map[string]any)
	for k, item := range m {
		out[k] = fmt.Sprint(item)
	}
	return out
}
