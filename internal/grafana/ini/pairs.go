package ini

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"reloader/internal/lazyregexp"
)

// fatalPairs reports what stops Grafana from starting and depends on more than one key.
func (c *checker) fatalPairs() {
	c.port()
	c.protocol()
	c.database()
	c.cache()
	c.tracing()
	c.jwt()
	c.alerting()
	c.history()
	c.freeKeys()
	c.encryption()
	c.embedding()
}

func (c *checker) isTrue(section, key string, fallback bool) bool {
	text, ok := c.set.value(section, key, strconv.FormatBool(fallback))
	if !ok {
		return false
	}
	v, ok := ParseBool(text)
	if !ok {
		return fallback
	}
	return v
}

func (c *checker) port() {
	text, ok := c.set.get("server", "http_port")
	e := c.set.at("server", "http_port")
	if !ok || text == "" {
		return
	}
	hint := "write a number from 1 to 65535"
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 0:
		c.refused(e, hint, "%s is not a port: Grafana does not start", e.name())
	case n > 65535:
		c.refused(e, hint, "%s is more than 65535: Grafana does not start", e.name())
	}
}

func (c *checker) protocol() {
	text, ok := c.set.value("server", "protocol", "http")
	if !ok {
		return
	}
	switch text {
	case "https", "h2":
		c.certificate(text)
	case "socket":
		path, ok := c.set.get("server", "socket")
		if !ok || !c.opts.Env.Same || !filepath.IsAbs(path) {
			return
		}
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			e := c.set.at("server", "socket")
			c.refused(e, "create the directory, or correct the path", "%s is in a directory that does not exist: Grafana does not start", e.name())
		}
	}
}

func (c *checker) certificate(protocol string) {
	cert, certKnown := c.set.value("server", "cert_file", "")
	key, keyKnown := c.set.value("server", "cert_key", "")
	at := c.set.at("server", "protocol")
	if !certKnown || !keyKnown || at == nil {
		return
	}
	switch {
	case cert == "" && key == "" && c.version.AtLeast(v12):
		c.warn(at, RuleNoEffect, "set cert_file and cert_key", "%s without a certificate: Grafana creates one itself, which no client trusts", at.name())
	case (cert == "" || key == "") && (c.version.Before(v10) || c.version.AtLeast(v12)):
		c.fatal(at, "set cert_file and cert_key", "%s needs both a certificate and its key: Grafana does not start", at.name())
	default:
		c.readable("server", "cert_file")
		c.readable("server", "cert_key")
	}
	if tls, ok := c.set.get("server", "min_tls_version"); ok && c.version.AtLeast(v10) && !slices.Contains([]string{"", "TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3"}, tls) {
		e := c.set.at("server", "min_tls_version")
		c.fatal(e, "write TLS1.2 or TLS1.3", "%s is not a version that Grafana knows: with %s it does not start", e.name(), protocol)
	}
}

// readable reports a file that Grafana needs in order to start and that cannot be read.
func (c *checker) readable(section, key string) {
	path, ok := c.set.get(section, key)
	if !ok || path == "" || !filepath.IsAbs(path) {
		return
	}
	if _, err := c.opts.Env.File(path); err == nil {
		return
	}
	e := c.set.at(section, key)
	if c.opts.Env.Same {
		c.refused(e, "mount the file, or correct the path", "%s names a file that cannot be read: Grafana does not start", e.name())
		return
	}
	c.warn(e, RuleMissingFile, "Grafana does not start if its container does not have it either", "%s names a file that cannot be read here", e.name())
}

var databaseTypes = []string{"sqlite3", "mysql", "postgres"}

func (c *checker) database() {
	hint := "write sqlite3, mysql or postgres"
	if text, ok := c.set.get("database", "url"); ok && text != "" {
		e := c.set.at("database", "url")
		u, err := url.Parse(text)
		switch {
		case err != nil:
			c.refused(e, "write mysql://user:password@host:port/name; encode special characters of the password", "%s is not a URL: Grafana does not start", e.name())
		case !slices.Contains(databaseTypes, u.Scheme):
			c.fatal(e, "begin it with mysql://, postgres:// or sqlite3://", "%s does not begin with a database type that Grafana knows: Grafana does not start", e.name())
		}
		return
	}
	if text, ok := c.set.get("database", "connection_string"); ok && text != "" {
		return
	}
	if text, ok := c.set.get("database", "type"); ok && text != "" && !slices.Contains(databaseTypes, text) {
		e := c.set.at("database", "type")
		c.fatal(e, hint, "%s is not a type that Grafana knows: Grafana does not start", e.name())
	}
}

func (c *checker) alerting() {
	if e := c.set.at("alerting", "enabled"); e != nil && c.isTrue("alerting", "enabled", false) {
		switch {
		case c.version.AtLeast(v11):
			c.fatal(e, "remove the line and use [unified_alerting]", "%s cannot be true since Grafana 11: Grafana does not start", e.name())
		case c.version.AtLeast(v9) && c.isTrue("unified_alerting", "enabled", false):
			c.fatal(e, "remove one of them", "%s and [unified_alerting] enabled cannot both be true: Grafana does not start", e.name())
		}
	}
	if e := c.set.at("unified_alerting", "enabled"); e != nil && c.version.AtLeast(v9) && c.version.Before(v11) {
		if text, ok := c.set.get("unified_alerting", "enabled"); ok {
			if v, isBool := ParseBool(text); isBool && !v {
				c.warn(e, RuleNoEffect, "set force_migration = true if the alert rules may be lost", "%s = false makes Grafana exit at once if unified alerting ran before", e.name())
			}
		}
	}
	if c.version.AtLeast(v9) && c.isTrue("unified_alerting", "ha_redis_cluster_mode_enabled", false) && c.isTrue("unified_alerting", "ha_redis_sentinel_mode_enabled", false) {
		e := c.set.at("unified_alerting", "ha_redis_sentinel_mode_enabled")
		c.fatal(e, "remove one of them", "%s and ha_redis_cluster_mode_enabled cannot both be true: Grafana does not start", e.name())
		return
	}
	if c.version.AtLeast(v12) && c.isTrue("unified_alerting", "ha_redis_sentinel_mode_enabled", false) {
		if name, ok := c.set.value("unified_alerting", "ha_redis_sentinel_master_name", ""); ok && name == "" {
			e := c.set.at("unified_alerting", "ha_redis_sentinel_mode_enabled")
			c.fatal(e, "set ha_redis_sentinel_master_name", "%s needs ha_redis_sentinel_master_name: Grafana does not start", e.name())
		}
	}
}

// history judges where the history of alert states is stored. Grafana refuses unknown backends since 10.
func (c *checker) history() {
	const section = "unified_alerting.state_history"
	if c.version.Before(v10) || !c.isTrue(section, "enabled", true) {
		return
	}
	known := []string{"annotations", "loki", "multiple", "prometheus", "noop"}
	bad := func(text string) bool { return !slices.Contains(known, strings.ToLower(strings.TrimSpace(text))) }
	hint := "write annotations, loki, prometheus or multiple"
	backend, ok := c.set.value(section, "backend", "annotations")
	if !ok {
		return
	}
	if bad(backend) {
		e := c.set.at(section, "backend")
		c.fatal(e, hint, "%s is not a backend that Grafana knows: Grafana does not start", e.name())
	}
	if strings.ToLower(strings.TrimSpace(backend)) != "multiple" {
		return
	}
	for _, key := range []string{"primary", "secondaries"} {
		text, ok := c.set.value(section, key, "")
		e := c.set.at(section, key)
		if e == nil {
			e = c.set.at(section, "backend")
		}
		if ok && slices.ContainsFunc(strings.Split(text, ","), bad) {
			c.fatal(e, hint, "[%s] %s names a backend that Grafana does not know: Grafana does not start", section, key)
		}
	}
}

var mailHeader = lazyregexp.New(`^[A-Z][A-Za-z0-9]*(-[A-Z][A-Za-z0-9]*)*$`)

// freeKeys judges the sections whose keys the user chooses.
func (c *checker) freeKeys() {
	for i := range c.doc.entries {
		e := &c.doc.entries[i]
		if e.value == "" {
			continue
		}
		switch e.section {
		case "metrics.environment_info":
			// Grafana 11 and later accept any UTF-8 text as a label name.
			if c.version.Before(v11) && !labelName(e.key) {
				c.refused(e, "use letters, digits and _, and begin with a letter", "a key of [metrics.environment_info] is not a label name: Grafana does not start")
			}
		case "smtp.static_headers":
			if c.version.AtLeast(v10) && !mailHeader().MatchString(e.key) {
				c.fatal(e, "write it as Foo-Header", "a key of [smtp.static_headers] is not a mail header's name: Grafana does not start")
			}
		case "feature_toggles":
			if e.key == "enable" || c.version.Before(v9) {
				continue
			}
			if _, isBool := ParseBool(e.value); !isBool && !c.set.unknown(e) {
				if c.version.Before(v12) {
					c.fatal(e, "write true or false", "%s is not a boolean: Grafana does not start", e.name())
				} else {
					c.warn(e, RuleDefaultUsed, "write true or false", "%s is not a boolean, so the toggle is not switched", e.name())
				}
			}
		}
	}
}

func (s settings) unknown(e *entry) bool {
	v := s.keys[e.section][e.key]
	return v != nil && v.unknown
}

func (c *checker) encryption() {
	if c.version.Before(v12) {
		return
	}
	text, ok := c.set.get("secrets_manager", "encryption_provider")
	if !ok || text == "" || text == "secret_key.v1" {
		return
	}
	if _, configured := c.set.keys["secrets_manager.encryption."+text]; !configured {
		e := c.set.at("secrets_manager", "encryption_provider")
		c.fatal(e, "write secret_key.v1, or configure the provider in its section", "%s names a provider that is not configured: Grafana does not start", e.name())
	}
}

// embedding judges the hosts that may embed Grafana: it puts them into the content security policy, which must have a place
// for them.
func (c *checker) embedding() {
	const section, key = "security", "allow_embedding_hosts"
	hosts, ok := c.set.get(section, key)
	if !ok || hosts == "" || strings.TrimSpace(hosts) == "*" || c.version.Before(v13) {
		return
	}
	e := c.set.at(section, key)
	const hint = "set content_security_policy = true, and a content_security_policy_template with $ALLOW_EMBEDDING_HOSTS"
	if v := c.set.keys[section]["content_security_policy"]; v != nil && v.unknown {
		return
	}
	if !c.isTrue(section, "content_security_policy", false) {
		c.refused(e, hint, "%s names hosts, and content_security_policy is not true: Grafana does not start", e.name())
		return
	}
	template, known := c.set.get(section, "content_security_policy_template")
	switch written := c.set.at(section, "content_security_policy_template") != nil; {
	case written && known && !strings.Contains(template, "$ALLOW_EMBEDDING_HOSTS"):
		c.refused(e, hint, "%s names hosts, and content_security_policy_template has no $ALLOW_EMBEDDING_HOSTS: Grafana does not start", e.name())
	case !written:
		c.warn(e, RuleFatalValue, hint, "%s names hosts: Grafana does not start if the default content_security_policy_template has no $ALLOW_EMBEDDING_HOSTS", e.name())
	}
}
