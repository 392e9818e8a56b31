package ini

import (
	"fmt"
	"strings"
	"testing"

	"reloader/internal/finding"
)

// A Grafana newer than any that was tried may know more words and have other limits, so those are only warnings. What can never
// be valid stays an error. Grafana 13's source refuses hosts in allow_embedding_hosts without a fitting policy.
func TestNewerGrafana(t *testing.T) {
	t.Parallel()
	const embed = "[security]\nallow_embedding_hosts = a.example.com\n"
	for text, want := range map[string]map[string]finding.Severity{
		"[remote_cache]\ntype = other\n":                {"12.4.0": finding.Error, "13.1.0": finding.Warning, "14.0.0": finding.Warning},
		"[live]\nmax_connections = -5\n":                {"12.4.0": finding.Error, "13.0.0": finding.Warning},
		"[database]\ntype = other\n":                    {"12.4.0": finding.Error, "13.0.0": finding.Warning},
		"[server]\nhttp_port = web\n":                   {"12.4.0": finding.Error, "13.0.0": finding.Error, "14.2.0": finding.Error},
		"[auth]\nlogin_maximum_lifetime_duration = x\n": {"12.4.0": finding.Error, "13.0.0": finding.Error},
		"[users\n": {"13.0.0": finding.Error},
		embed:      {"13.0.0": finding.Error, "13.3.0": finding.Error, "": 0},
		embed + "content_security_policy = true\n":                                                                                        {"13.1.0": finding.Warning},
		embed + "content_security_policy = true\ncontent_security_policy_template = script-src 'self'\n":                                  {"13.1.0": finding.Error},
		embed + "content_security_policy = true\ncontent_security_policy_template = \"\"\"frame-ancestors $ALLOW_EMBEDDING_HOSTS\"\"\"\n": {"13.1.0": 0},
		"[security]\nallow_embedding_hosts = *\n":                                                                                         {"13.1.0": 0},
		"[folder]\nnewest_of_all = 1\n":                                                                                                   {"13.9.0": finding.Warning},
	} {
		for version, severity := range want {
			worst := finding.Severity(0)
			for _, f := range Check([]byte(text), Options{Version: version}) {
				worst = max(worst, f.Severity)
				if version == "13.9.0" && !strings.Contains(f.Hint, "may be new") {
					t.Errorf("%s: no word that the key may be new: %q", f, f.Hint)
				}
			}
			if worst != severity {
				t.Errorf("%q, Grafana %q: %v, want %v", text, version, worst, severity)
			}
		}
	}
}

// A file with a hundred thousand keys or sections is refused, and a chain of references is expanded only up to a limit. Keys and
// bytes are counted, because time depends on the machine.
func TestBounds(t *testing.T) {
	t.Parallel()
	var keys, sections, chain strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&keys, "k%d = 1\n", i)
		fmt.Fprintf(&sections, "[s%d]\n", i)
	}
	chain.WriteString("[users]\n")
	for i := range 1_000 {
		fmt.Fprintf(&chain, "a%d = %%(a%d)s%%(a%d)s\n", i, i+1, i+1)
	}
	for _, text := range []string{keys.String(), sections.String()} {
		if found := Check([]byte(text), Options{}); len(found) != 1 || found[0].Rule != RuleSyntax {
			t.Errorf("%d findings", len(found))
		}
	}
	set := newSettings(parse([]byte(chain.String())), Options{})
	if n := len(set.keys["users"]); n != 1000 {
		t.Errorf("the chain has %d keys", n)
	}
	for key, v := range set.keys["users"] {
		if text, _ := set.resolve("users", v.text); len(text) > 1<<16 {
			t.Errorf("%s has %d bytes", key, len(text))
		}
	}
	if *set.work < -(1 << 17) {
		t.Errorf("expanded %d bytes more than the limit", -*set.work)
	}
}
