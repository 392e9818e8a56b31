package ini

import (
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"reloader/internal/grafana"
	"reloader/internal/lazyregexp"
)

// fatalRule is one key with the values at which Grafana refuses to start.
type fatalRule struct {
	section, key string
	// from is the first release to which the rule applies.
	from grafana.Version
	// liftable says that a newer release may accept more values.
	liftable bool
	// bad says what is wrong with a value, which is not empty, without quoting it.
	bad func(text string) string
	// hint says what to write instead.
	hint string
}

const durationHint = "write a number with a unit: 30s, 5m, 2h, 7d"

// The versions at which rules change.
var (
	v9  = grafana.Version{Major: 9}
	v10 = grafana.Version{Major: 10}
	v11 = grafana.Version{Major: 11}
	v12 = grafana.Version{Major: 12}
	v13 = grafana.Version{Major: 13}
)

// fatalRules are the keys that can be judged one by one. fatalPairs judges those that depend on each other.
var fatalRules = []fatalRule{
	{section: "server", key: "http_addr", bad: badAddress, hint: "write an IP address or a host name, without a port"},
	{section: "server", key: "root_url", bad: badURL, hint: "write a URL such as https://grafana.example.com/"},
	{section: "server", key: "cdn_url", bad: badURL, hint: "write a URL such as https://cdn.example.com/"},
	{section: "server", key: "min_tls_version", from: v10, bad: noneOf("TLS1.0", "TLS1.1"), liftable: true, hint: "write TLS1.2 or TLS1.3"},
	{section: "auth", key: "login_maximum_inactive_lifetime_duration", bad: badDuration, hint: durationHint},
	{section: "auth", key: "login_maximum_lifetime_duration", bad: badDuration, hint: durationHint},
	{section: "users", key: "user_invite_max_lifetime_duration", bad: badInvite, liftable: true, hint: "write at least 15m"},
	{section: "users", key: "last_seen_update_interval", from: v11, bad: badDuration, hint: durationHint},
	{section: "users", key: "verification_email_max_lifetime_duration", from: v11, bad: badDuration, hint: durationHint},
	{section: "explore", key: "defaultTimeOffset", from: v12, bad: badDuration, hint: durationHint},
	{section: "smtp", key: "from_address", bad: badEmail, hint: "write a plain address such as grafana@example.com"},
	{section: "remote_cache", key: "type", bad: notOneOf("database", "redis", "memcached"), liftable: true, hint: "write database, redis or memcached"},
	{section: "log", key: "mode", bad: badLogMode, liftable: true, hint: "write console, file or syslog, separated by spaces or commas"},
	{section: "live", key: "max_connections", bad: below(-1), liftable: true, hint: "write -1 for no limit, 0 for off, or a number"},
	{section: "live", key: "message_size_limit", from: v12, bad: below(-1), liftable: true, hint: "write -1 for no limit, or a number of bytes"},
	{section: "live", key: "client_queue_max_size", from: v12, bad: below(1), liftable: true, hint: "write a number of bytes above 0"},
	{section: "live", key: "ha_engine", bad: notOneOf("redis"), liftable: true, hint: "write redis, or remove the line"},
	{section: "live", key: "allowed_origins", bad: badGlobs, hint: "close every [ and {"},
	{section: "annotations", key: "tags_length", from: v9, bad: above(4096), liftable: true, hint: "write at most 4096"},
	{section: "time_picker", key: "quick_ranges", from: v12, bad: badQuickRanges, hint: `write a JSON list of {"display": ..., "from": ..., "to": ...}`},
	{section: "paths", key: "permitted_provisioning_paths", from: v12, bad: emptyItem, liftable: true, hint: "separate the paths with a single |"},
	{section: "provisioning", key: "repository_types", from: v12, bad: emptyItem, liftable: true, hint: "separate the types with a single |"},
	{section: "grpc_server", key: "network", from: v9, bad: notOneOf("tcp", "unix"), liftable: true, hint: "write tcp or unix"},
	{section: "tracing.opentelemetry", key: "custom_attributes", from: v9, bad: badAttributes, hint: "write key:value pairs separated by commas"},
	{section: "unified_alerting", key: "enabled", from: v9, bad: badBool, hint: "write true or false"},
	{section: "unified_alerting", key: "disabled_orgs", from: v9, bad: badIDs, hint: "write organization numbers separated by commas"},
	{section: "unified_alerting", key: "initialization_timeout", from: v12, bad: badDuration, hint: durationHint},
	{section: "unified_alerting", key: "admin_config_poll_interval", from: v9, bad: badDuration, hint: durationHint},
	{section: "unified_alerting", key: "alertmanager_config_poll_interval", from: v9, bad: badDuration, hint: durationHint},
	{section: "unified_alerting", key: "ha_peer_timeout", from: v9, bad: badDuration, hint: durationHint},
	{section: "unified_alerting", key: "ha_gossip_interval", from: v9, bad: badDuration, hint: durationHint},
	{section: "unified_alerting", key: "ha_push_pull_interval", from: v9, bad: badDuration, hint: durationHint},
	{section: "unified_alerting", key: "ha_reconnect_timeout", from: v12, bad: badDuration, hint: durationHint},
	{section: "unified_alerting", key: "min_interval", from: v9, bad: badMinInterval, liftable: true, hint: "write a multiple of 10s"},
	{section: "unified_alerting", key: "state_periodic_save_interval", from: v12, bad: badDuration, hint: durationHint},
	{section: "unified_alerting", key: "notification_log_retention", from: v12, bad: badDuration, hint: durationHint},
	{section: "unified_alerting", key: "resolved_alert_retention", from: v12, bad: badDuration, hint: durationHint},
	{section: "unified_alerting", key: "rule_version_record_limit", from: v12, bad: below(0), liftable: true, hint: "write 0 or more"},
	{section: "unified_alerting", key: "deleted_rule_retention", from: v12, bad: negativeDuration, liftable: true, hint: "write 0s or more"},
	{section: "unified_alerting", key: "alertmanager_max_template_output_bytes", from: v12, bad: below(0), liftable: true, hint: "write 0 or more"},
	{section: "unified_alerting.screenshots", key: "capture_timeout", from: v9, bad: longerThan(30 * time.Second), liftable: true, hint: "write at most 30s"},
	{section: "remote.alertmanager", key: "sync_interval", from: v12, bad: badDuration, hint: durationHint},
	{section: "remote.alertmanager", key: "timeout", from: v12, bad: badDuration, hint: durationHint},
}

// fatalValues reports every value with which Grafana does not start.
func (c *checker) fatalValues() {
	for _, r := range fatalRules {
		text, ok := c.set.get(r.section, r.key)
		if !ok || text == "" || c.version.Before(r.from) {
			continue
		}
		if problem := r.bad(text); problem != "" {
			e := c.set.at(r.section, r.key)
			if r.liftable {
				c.fatal(e, r.hint, "%s %s: Grafana does not start", e.name(), problem)
			} else {
				c.refused(e, r.hint, "%s %s: Grafana does not start", e.name(), problem)
			}
		}
	}
	c.fatalPairs()
}

func badURL(text string) string {
	if _, err := url.Parse(text); err != nil {
		return "is not a URL"
	}
	return ""
}

func badAddress(text string) string {
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if zone := strings.IndexByte(text, '%'); zone > 0 {
		text = text[:zone]
	}
	numeric := strings.Trim(text, "0123456789.") == ""
	if net.ParseIP(text) == nil && (numeric || strings.ContainsAny(text, ": /")) {
		return "is not an address to listen on"
	}
	return ""
}

func badDuration(text string) string {
	if _, err := ParseDuration(text); err != nil {
		return "is not a duration"
	}
	return ""
}

func negativeDuration(text string) string {
	if d, err := time.ParseDuration(text); err == nil && d < 0 {
		return "is negative"
	}
	return ""
}

func longerThan(limit time.Duration) func(string) string {
	return func(text string) string {
		if d, err := time.ParseDuration(text); err == nil && d > limit {
			return "is longer than " + limit.String()
		}
		return ""
	}
}

func badInvite(text string) string {
	d, err := ParseDuration(text)
	switch {
	case err != nil:
		return "is not a duration"
	case d < 15*time.Minute:
		return "is shorter than 15 minutes"
	}
	return ""
}

// badMinInterval accepts what is not a duration: Grafana then falls back to its default.
func badMinInterval(text string) string {
	const tick = 10 * time.Second
	switch d, err := ParseDuration(text); {
	case err != nil:
		return ""
	case d < tick:
		return "is shorter than 10 seconds"
	case d%tick != 0:
		return "is not a multiple of 10 seconds"
	}
	return ""
}

func badBool(text string) string {
	if _, ok := ParseBool(text); !ok {
		return "is not a boolean"
	}
	return ""
}

func below(least int64) func(string) string {
	return func(text string) string {
		if n, ok := parseInt(text); ok && n < least {
			return "is less than " + strconv.FormatInt(least, 10)
		}
		return ""
	}
}

func above(most int64) func(string) string {
	return func(text string) string {
		if n, ok := parseInt(text); ok && n > most {
			return "is more than " + strconv.FormatInt(most, 10)
		}
		return ""
	}
}

func notOneOf(words ...string) func(string) string {
	return func(text string) string {
		if slices.Contains(words, text) {
			return ""
		}
		return "is not a value that Grafana knows"
	}
}

func noneOf(words ...string) func(string) string {
	return func(text string) string {
		if slices.Contains(words, text) {
			return "is no longer allowed"
		}
		return ""
	}
}

// emailPattern accepts more before the @ than Grafana's own pattern.
var emailPattern = lazyregexp.New(`^[^\s@,<>()\[\]:;\\]+@([\p{L}\d]([\p{L}\d_~-]*[\p{L}\d])?\.)+[\p{L}]([\p{L}\d_~-]*[\p{L}])?\.?$`)

func badEmail(text string) string {
	local, _, _ := strings.Cut(text, "@")
	if !emailPattern().MatchString(strings.ToLower(text)) || strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return "is not a mail address"
	}
	return ""
}

func badLogMode(text string) string {
	modes := strings.Split(text, ",")
	if len(modes) == 1 {
		modes = strings.Split(text, " ")
	}
	for _, m := range modes {
		if !slices.Contains([]string{"console", "file", "syslog"}, strings.TrimSpace(m)) {
			return "names a mode that does not exist"
		}
	}
	return ""
}

func badGlobs(text string) string {
	for item := range strings.SplitSeq(text, ",") {
		item = strings.ReplaceAll(item, `\\`, "")
		for _, pair := range []string{"[]", "{}"} {
			if strings.Count(item, pair[:1]) != strings.Count(item, pair[1:]) {
				return "has a pattern with an unclosed bracket"
			}
		}
	}
	return ""
}

func badQuickRanges(text string) string {
	var ranges []struct{ Display, From, To string }
	if json.Unmarshal([]byte(text), &ranges) != nil {
		return "is not a JSON list of ranges"
	}
	for _, r := range ranges {
		if r.Display == "" || r.From == "" {
			return "has a range without display or from"
		}
	}
	return ""
}

func emptyItem(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || text == "|" {
		return ""
	}
	for item := range strings.SplitSeq(text, "|") {
		if strings.TrimSpace(item) == "" {
			return "has an empty item"
		}
	}
	return ""
}

func badAttributes(text string) string {
	for item := range strings.SplitSeq(text, ",") {
		if item != "" && !strings.Contains(item, ":") {
			return "has an item without a colon"
		}
	}
	return ""
}

func badIDs(text string) string {
	for _, item := range splitList(text) {
		if _, err := strconv.ParseInt(item, 10, 64); err != nil {
			return "has an item that is not a whole number"
		}
	}
	return ""
}

func labelName(name string) bool {
	for i, r := range name {
		if r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r)) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return name != ""
}
