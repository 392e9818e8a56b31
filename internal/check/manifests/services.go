package manifests

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/manifest"
	"reloader/internal/yamlnode"
)

// services reports data sources whose URL names a Service that is not in the input.
func (c *check) services() {
	known := map[string]bool{}
	namespaces := map[string]bool{}
	for _, o := range c.in.Others {
		if o.Get("kind").Str() == "Service" {
			known[o.Get("metadata", "name").Str()] = true
			namespaces[o.Get("metadata", "namespace").Str()] = true
		}
	}
	for _, w := range c.in.Workloads {
		namespaces[w.Namespace] = true
	}
	delete(namespaces, "")
	for _, o := range c.in.Objects {
		for _, v := range o.Values {
			if c.judged[v] && c.kind(v.Key, v) == KindDatasources {
				c.urls(v, known, namespaces)
			}
		}
	}
}

// urls checks the data sources in one file.
func (c *check) urls(v *manifest.Value, known, namespaces map[string]bool) {
	root, err := yamlnode.Mapping(v.Content)
	if err != nil || root == nil {
		return
	}
	for _, ds := range yamlnode.Items(yamlnode.Get(root, "datasources")) {
		n := yamlnode.Get(ds, "url")
		if n == nil || n.Kind != yaml.ScalarNode || strings.Contains(n.Value, "$") {
			continue
		}
		service := serviceName(n.Value, namespaces)
		if service == "" || known[service] {
			continue
		}
		c.Findings = append(c.Findings, placed(finding.Finding{
			Line: n.Line, Column: n.Column, Severity: finding.Info, Rule: RuleNoService,
			Message: "the URL of this data source names the Service " + service + ", which is not in the input", Hint: "if it is in the cluster, ignore this",
		}, v))
	}
}

// serviceName is the Service that a URL names; empty for hosts outside the cluster.
func serviceName(text string, namespaces map[string]bool) string {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	host := u.Hostname()
	if host == "" || host == "localhost" || net.ParseIP(host) != nil {
		return ""
	}
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	switch {
	case len(parts) == 1, len(parts) == 2 && namespaces[parts[1]], slices.Index(parts, "svc") == 2:
		return parts[0]
	}
	return ""
}
