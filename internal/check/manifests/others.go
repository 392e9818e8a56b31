package manifests

import (
	"strings"

	"reloader/internal/yamledit"
)

// others judges other objects with rules, and notes objects with configuration that only an operator or a tool understands.
func (c *check) others() {
	for _, o := range c.in.Others {
		kind, name := o.Get("kind").Str(), o.Get("metadata", "name").Str()
		group := o.Get("apiVersion").Str()
		switch {
		case isPrometheusRule(o):
			c.prometheusRule(o, name)
		case strings.HasPrefix(group, "monitoring.coreos.com/") && (kind == "Prometheus" || kind == "PrometheusAgent" || kind == "ScrapeConfig"):
			c.skip(o.Get("metadata", "name"), "%s/%s, from which an operator makes the configuration", kind, name)
		case strings.HasPrefix(group, "grafana.integreatly.org/"):
			c.skip(o.Get("metadata", "name"), "%s/%s, which an operator sends to Grafana's API", kind, name)
		case strings.HasPrefix(group, "kustomize.config.k8s.io/"):
			c.skip(o.Get("kind"), "%s: check what kustomize build prints", kind)
		case kind == "Template" && strings.HasPrefix(group, "template.openshift.io/"):
			c.skip(o.Get("kind"), "Template/%s: check what oc process prints", name)
		case kind == "HelmRelease", kind == "HelmChart":
			c.skip(o.Get("kind"), "%s/%s: check what helm template prints", kind, name)
		}
	}
}

func isPrometheusRule(o yamledit.Cursor) bool {
	return o.Get("kind").Str() == "PrometheusRule" && strings.HasPrefix(o.Get("apiVersion").Str(), "monitoring.coreos.com/")
}

// prometheusRule judges the groups of a PrometheusRule as a rule file.
func (c *check) prometheusRule(o yamledit.Cursor, name string) {
	spec := o.Get("spec")
	file := c.in.FileOf(o)
	text, line, ok := file.Text(spec)
	if !ok {
		c.skip(o.Get("metadata", "name"), "PrometheusRule/%s: reloader does not understand its layout", name)
		return
	}
	const key = "rules.yml"
	findings, known := c.rules[o.Node]
	if !known {
		if findings, ok = c.ask(KindRules, map[string][]byte{key: text}); !ok {
			return
		}
	}
	c.Judged = append(c.Judged, "PrometheusRule/"+name)
	for _, f := range findings {
		if strings.Contains(f.Message, "partial_response_strategy") {
			continue // a key for Thanos, which the operator removes
		}
		f.File = file.Name
		if f.Line += line - 1; f.Line < line {
			f.Line = line
		}
		c.Findings = append(c.Findings, f)
	}
}
