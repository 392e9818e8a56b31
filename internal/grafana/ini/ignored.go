package ini

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"reloader/internal/finding"
)

// words are the keys for which Grafana silently uses its default if it does not know the value.
var words = []struct {
	section, key string
	known        []string
	fold         bool // case does not matter
}{
	{defaultSection, "app_mode", []string{"production", "development", "test"}, false},
	{"server", "protocol", []string{"http", "https", "h2", "socket"}, false},
	{"security", "cookie_samesite", []string{"lax", "strict", "none", "disabled"}, false},
	{"users", "auto_assign_org_role", []string{"None", "Viewer", "Editor", "Admin"}, false},
	{"auth.anonymous", "org_role", []string{"None", "Viewer", "Editor", "Admin"}, false},
	{"log", "level", []string{"trace", "debug", "info", "warn", "error", "critical"}, true},
	{"log.console", "level", []string{"trace", "debug", "info", "warn", "error", "critical"}, true},
	{"log.file", "level", []string{"trace", "debug", "info", "warn", "error", "critical"}, true},
	{"log.syslog", "level", []string{"trace", "debug", "info", "warn", "error", "critical"}, true},
	{"log.console", "format", []string{"console", "text", "json"}, false},
	{"log.file", "format", []string{"console", "text", "json"}, false},
	{"log.syslog", "format", []string{"console", "text", "json"}, false},
	{"external_image_storage", "provider", []string{"s3", "webdav", "gcs", "azure_blob", "local"}, false},
	{"smtp", "startTLS_policy", []string{"OpportunisticStartTLS", "MandatoryStartTLS", "NoStartTLS"}, false},
	{"database", "cache_mode", []string{"private", "shared"}, false},
}

// ignoredValues reports values that do not stop Grafana from starting, but that it does not use.
func (c *checker) ignoredValues() {
	for _, w := range words {
		text, ok := c.set.get(w.section, w.key)
		if w.fold {
			text = strings.ToLower(text)
		}
		if !ok || text == "" || slices.Contains(w.known, text) {
			continue
		}
		e := c.set.at(w.section, w.key)
		c.warn(e, RuleDefaultUsed, "write one of "+strings.Join(w.known, ", "), "Grafana does not know the value of %s and uses another one", e.name())
	}
	for section, keys := range c.set.keys {
		for key, v := range keys {
			c.kind(section, key, v)
		}
	}
	c.missingPaths()
	c.refresh()
}

// kind reports a value of the wrong kind, for which Grafana uses the default. Values with which it does not start were
// reported before.
func (c *checker) kind(section, key string, v *setting) {
	k, ok := c.known.key(section, key)
	text, resolved := c.set.resolve(section, v.text)
	if !ok || v.unknown || !resolved || text == "" || c.fatals[[2]int{v.entry.line, v.entry.col}] {
		return
	}
	var what, hint string
	switch k.kind {
	case kindBool:
		if _, ok := ParseBool(text); !ok {
			what, hint = "a boolean", "write true or false"
		}
	case kindInt:
		if _, ok := parseInt(text); !ok {
			what, hint = "a whole number", "write digits only"
		}
	case kindFloat:
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			what, hint = "a number", "write a number"
		}
	case kindDuration:
		if _, err := time.ParseDuration(text); err != nil && !sameAsDefault(section, key, text) {
			what, hint = "a duration that this key accepts", "write a number with ms, s, m or h: 90m, 24h"
		}
	case kindGrafana:
		if _, err := ParseDuration(text); err != nil {
			what, hint = "a duration", durationHint
		}
	}
	if what != "" {
		c.warn(v.entry, RuleDefaultUsed, hint, "%s is not %s, so Grafana uses its default", v.entry.name(), what)
	}
}

// sameAsDefault says that a value is not understood and means the default that is used instead: defaults.ini of Grafana 12
// has one such value itself, and copies of that file are common.
func sameAsDefault(section, key, text string) bool {
	return section == "unified_alerting" && key == "deleted_rule_retention" && text == "30d"
}

// missingPaths reports files and directories that Grafana needs but starts without.
func (c *checker) missingPaths() {
	if !c.opts.Env.Same {
		return
	}
	if path, ok := c.set.get("paths", "provisioning"); ok && filepath.IsAbs(path) {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			e := c.set.at("paths", "provisioning")
			c.warn(e, RuleNoEffect, "mount the directory, or correct the path", "%s is not a directory here: nothing is provisioned, and dashboards that were are deleted", e.name())
		}
	}
	if !c.isTrue("auth.ldap", "enabled", false) {
		return
	}
	if path, ok := c.set.get("auth.ldap", "config_file"); ok && filepath.IsAbs(path) {
		if _, err := c.opts.Env.File(path); err != nil {
			e := c.set.at("auth.ldap", "config_file")
			c.warn(e, RuleNoEffect, "mount the file, or correct the path", "%s cannot be read: no one can sign in through LDAP", e.name())
		}
	}
}

func (c *checker) refresh() {
	if text, ok := c.set.get("dashboards", "min_refresh_interval"); ok && text != "" {
		if _, err := ParseDuration(text); err != nil {
			e := c.set.at("dashboards", "min_refresh_interval")
			c.warn(e, RuleDefaultUsed, durationHint, "%s is not a duration: Grafana 12.4 skips each provisioned dashboard with a refresh", e.name())
		}
	}
}

// adminPassword reports a change that has no effect: after its first start Grafana uses the
// password in its database.
func (c *checker) adminPassword() {
	e := c.set.at("security", "admin_password")
	if e == nil || c.opts.Running == nil {
		return
	}
	for _, item := range c.opts.Running.Items {
		if item.Kind == ItemKind && item.Name == "security.admin_password" && item.Fingerprint != finding.Fingerprint(e.value) {
			c.warn(e, RuleAdminPassword, "run grafana cli admin reset-admin-password, or change it in Grafana", "changing %s has no effect after Grafana's first start: the password in its database counts", e.name())
		}
	}
}
