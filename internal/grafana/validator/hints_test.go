package validator

import (
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana/validation"
)

// Each of the most common mistakes is one finding, and its hint says what to write.
func TestHintsForCommonSlips(t *testing.T) {
	t.Parallel()
	const provider = "apiVersion: 1\nproviders:\n- name: a\n  type: file\n  updateIntervalSeconds: 60\n  options: {path: /d}\n"
	for _, c := range []struct {
		name, file, text, rule, hint string
		// count is how many findings of the rule there are.
		count int
	}{
		{"slack by Alertmanager's name", "alerting/a.yaml", point("slack", "webhook_url: 'http://x'"), "contact-point-settings", "did you mean url?", 1},
		{"slack without anything", "alerting/a.yaml", point("slack", "title: x"), "contact-point-required", "write url, or recipient and token", 1},
		{"slack without token", "alerting/a.yaml", point("slack", "recipient: x"), "contact-point-required", "write url, or recipient and token", 1},
		{"email by Alertmanager's name", "alerting/a.yaml", point("email", "to: a"), "contact-point-settings", "did you mean addresses?", 1},
		{"mute timings", "alerting/a.yaml", route("receiver: empty, mute_timings: [a]"), "policy-unknown-key", "did you mean mute_time_intervals?", 1},
		{"apiVersion of Kubernetes", "datasources/a.yaml", "apiVersion: v1\ndatasources: []\n", "yaml-bad-integer", "write apiVersion: 1", 1},
		{"providers by another name", "dashboards/a.yaml", "apiVersion: 1\ndashboards: []\n", "yaml-unknown-key", "did you mean providers?", 1},
		{"data sources without a dash", "datasources/a.yaml", "apiVersion: 1\ndatasources:\n  name: a\n", "datasource-file-empty", "", 0},
		{"providers without a dash", "dashboards/a.yaml", "apiVersion: 1\nproviders:\n  name: a\n", "provider-file-empty", "", 0},
		{"comma at the end", "d/a.json", `{"title": "x", "panels": [1,]}`, "dashboard-json", "remove the comma before it", 1},
		{"comma at the end of an object", "d/a.json", `{"title": "x", }`, "dashboard-json", "remove the comma before it", 1},
		{"comma missing", "d/a.json", "{\"title\": \"x\"\n\"uid\": \"y\"}", "dashboard-json", "a comma is missing before it", 1},
		{"comment", "d/a.json", "{\"title\": \"x\", // a\n\"uid\": \"y\"}", "dashboard-json", "JSON has no comments: remove it", 1},
		{"single quotes", "d/a.json", `{'title': "x"}`, "dashboard-json", `write plain double quotes: "`, 1},
		{"template as a value", "d/a.json", `{"title": {{ .Values.title }}}`, "dashboard-json", "this is an unrendered template: render it first (helm template, for example)", 1},
		{"template at the beginning", "d/a.json", "{{ if .Values.on }}\n{}", "dashboard-json", "this is an unrendered template: render it first (helm template, for example)", 1},
		{"template as a key", "d/a.json", `{"title": "x", {{ .Values.more }}}`, "dashboard-json", "this is an unrendered template: render it first (helm template, for example)", 1},
		{"web page", "d/a.json", "\n<!DOCTYPE html>", "dashboard-json", "this is a web page: download the dashboard itself", 1},
		{"byte order mark", "d/a.json", "\ufeff{}", "dashboard-json", "remove the byte order mark (U+FEFF) at the beginning", 1},
		{"cut short", "d/a.json", `{"title": "x"`, "dashboard-json", "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			set := alertingSet(c.text)
			switch {
			case strings.HasPrefix(c.file, "d/"):
				set = dashboardSet(provider, map[string]string{strings.TrimPrefix(c.file, "d/"): c.text})
			case !strings.HasPrefix(c.file, "alerting/"):
				set = docSet(map[string]string{c.file: c.text})
			}
			r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set})
			if err != nil {
				t.Fatal(err)
			}
			found := slices.DeleteFunc(slices.Clone(r.Findings), func(f finding.Finding) bool { return f.Rule != c.rule })
			if len(found) != c.count || c.count > 0 && found[0].Hint != c.hint {
				t.Errorf("want %d findings of %s with the hint %q\n%s", c.count, c.rule, c.hint, listed(r.Findings))
			}
		})
	}
}
