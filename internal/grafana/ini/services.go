package ini

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

func (c *checker) cache() {
	if kind, ok := c.set.get("remote_cache", "type"); !ok || kind != "redis" {
		return
	}
	e := c.set.at("remote_cache", "connstr")
	text, ok := c.set.value("remote_cache", "connstr", "")
	if !ok {
		return
	}
	if e == nil {
		e = c.set.at("remote_cache", "type")
	}
	for item := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(item, "=")
		_, notNumber := strconv.Atoi(value)
		bad := !found || !slices.Contains([]string{"addr", "username", "password", "db", "pool_size", "ssl"}, key) ||
			(key == "db" || key == "pool_size") && notNumber != nil ||
			key == "ssl" && !slices.Contains([]string{"true", "false", "insecure"}, value)
		if bad {
			c.fatal(e, "write addr=HOST:PORT,pool_size=100,db=0,ssl=false", "%s does not describe a redis connection: Grafana does not start", e.name())
			return
		}
	}
}

func (c *checker) tracing() {
	jaeger, otlp := "tracing.opentelemetry.jaeger", "tracing.opentelemetry.otlp"
	exporter := otlp
	for _, section := range []string{"tracing.jaeger", jaeger} {
		address, ok := c.set.get(section, "address")
		if !ok || address == "" {
			continue
		}
		exporter = jaeger
		if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") && strings.Count(address, ":") != 1 {
			e := c.set.at(section, "address")
			c.fatal(e, "write host:port or a URL", "%s is not an address: Grafana does not start", e.name())
		}
	}
	if text, ok := c.set.get(exporter, "propagation"); ok {
		if problem := badPropagation(text); problem != "" {
			e := c.set.at(exporter, "propagation")
			c.fatal(e, "write w3c, jaeger or both, separated by a comma", "%s %s: Grafana does not start", e.name(), problem)
		}
	}
	if address, ok := c.set.get(otlp, "address"); exporter == otlp && (!ok || address == "") {
		return
	}
	for _, section := range []string{"tracing.jaeger", "tracing.opentelemetry"} {
		if kind, ok := c.set.get(section, "sampler_type"); ok && !slices.Contains([]string{"", "const", "probabilistic", "rateLimiting", "remote"}, kind) {
			e := c.set.at(section, "sampler_type")
			c.fatal(e, "write const, probabilistic, rateLimiting or remote", "%s is not a sampler that Grafana knows: Grafana does not start", e.name())
		}
	}
}

func badPropagation(text string) string {
	for item := range strings.SplitSeq(text, ",") {
		if item != "" && item != "w3c" && item != "jaeger" {
			return "names a propagation format that Grafana does not know"
		}
	}
	return ""
}

func (c *checker) jwt() {
	if !c.isTrue("auth.jwt", "enabled", false) {
		return
	}
	at := c.set.at("auth.jwt", "enabled")
	count := 0
	for _, key := range []string{"key_file", "jwk_set_file", "jwk_set_url"} {
		text, ok := c.set.value("auth.jwt", key, "")
		if !ok {
			return
		}
		if text != "" {
			count++
		}
	}
	if count != 1 {
		c.fatal(at, "set one of key_file, jwk_set_file and jwk_set_url", "[auth.jwt] is enabled and has %d key sets instead of one: Grafana does not start", count)
		return
	}
	c.readable("auth.jwt", "key_file")
	c.readable("auth.jwt", "jwk_set_file")
	if text, ok := c.set.get("auth.jwt", "jwk_set_url"); ok && text != "" && !strings.HasPrefix(text, "https://") && c.appMode() != "development" {
		e := c.set.at("auth.jwt", "jwk_set_url")
		c.fatal(e, "write an https:// URL", "%s is not an https URL: Grafana does not start", e.name())
	}
	if text, ok := c.set.get("auth.jwt", "expect_claims"); ok && text != "" {
		var claims map[string]any
		if json.Unmarshal([]byte(text), &claims) != nil {
			e := c.set.at("auth.jwt", "expect_claims")
			c.refused(e, `write {"iss": "https://issuer.example.com"}`, "%s is not a JSON object: Grafana does not start", e.name())
		}
	}
}

func (c *checker) appMode() string {
	mode, _ := c.set.value(defaultSection, "app_mode", "production")
	return mode
}
