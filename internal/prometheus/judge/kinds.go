package judge

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/lazyregexp"
	"reloader/internal/yamlnode"
)

// role is what a file is read as.
type role string

const (
	roleMain    role = "Prometheus' configuration"
	roleScrapes role = "a file of scrape_config_files"
	roleRules   role = "a rule file"
	roleTargets role = "a target file"
)

// fileKind is a kind of file, recognized by its top-level keys.
type fileKind struct {
	role role
	keys []string
	// shared are further keys of such a file that other kinds also have.
	shared []string
	// where says where such a file belongs.
	where string
}

// fileKinds are tried in this order.
var fileKinds = []fileKind{
	{"a unit test for promtool", []string{"tests", "fuzzy_compare", "group_eval_order"}, []string{"rule_files", "evaluation_interval"}, "it is read by promtool test rules, not by the server"},
	{"a web configuration", []string{"tls_server_config", "basic_auth_users", "http_server_config"}, nil, "this belongs in the file of --web.config.file"},
	{
		"a configuration of the OpenTelemetry Collector", []string{"exporters", "processors", "extensions", "connectors"}, []string{"receivers", "service"},
		"it belongs to the Collector; Prometheus has its own format",
	},
	{
		"Promtail's configuration", []string{"clients", "positions", "target_config"}, []string{"scrape_configs", "server", "tracing", "limits_config"},
		"it belongs to Promtail; Prometheus knows only the keys that both have",
	},
	{"Loki's configuration", []string{"schema_config", "auth_enabled", "ingester", "compactor", "query_range"}, []string{"server"}, "it belongs to Loki"},
	{
		"Alertmanager's configuration", []string{"route", "receivers", "inhibit_rules", "templates", "mute_time_intervals", "time_intervals"}, []string{"global", "tracing"},
		"this belongs in alertmanager.yml",
	},
	{"blackbox_exporter's configuration", []string{"modules"}, nil, "this belongs in blackbox.yml"},
	{"Grafana's provisioning", []string{"datasources", "providers", "contactPoints", "policies", "muteTimes"}, []string{"apiVersion"}, "this belongs in Grafana's provisioning directory"},
	{"a Compose file", []string{"services"}, []string{"version", "volumes", "networks", "configs", "secrets"}, "it belongs to docker compose"},
	{
		"a file of Helm values", []string{"serverFiles", "prometheusSpec", "extraScrapeConfigs", "additionalScrapeConfigs", "alertmanagerFiles", "kube-state-metrics", "prometheus-node-exporter"},
		[]string{"server", "alertmanager", "prometheus", "grafana", "pushgateway"},
		"it belongs to helm; what Prometheus reads is under serverFiles or prometheusSpec",
	},
	{roleRules, []string{"groups"}, nil, "rule groups belong in their own file, which rule_files names"},
	{
		roleMain, []string{"global", "alerting", "rule_files", "scrape_config_files", "remote_write", "remote_read", "storage", "tracing", "otlp", "runtime", "scrape_configs"}, nil,
		"this belongs in prometheus.yml (jobs alone: in a file that scrape_config_files names)",
	},
}

// ownKeys are the top-level keys of a file in this role.
func (r role) ownKeys() []string {
	switch r {
	case roleScrapes:
		return []string{"scrape_configs"}
	case roleTargets:
		return nil
	default:
		return fileKinds[slices.IndexFunc(fileKinds, func(k fileKind) bool { return k.role == r })].keys
	}
}

// otherKind reports a file of another kind than its role, as its only problem; nil when the kind fits.
func otherKind(ix *index, r role) *problem {
	if ix.root == nil || len(ix.root.Content) == 0 {
		return nil
	}
	at := func(n *yaml.Node, message, hint string) *problem {
		rule := configNames.unknown
		if r == roleRules {
			rule = ruleNames.unknown
		}
		p := problemAt(n, finding.Error, rule, message, hint)
		return &p
	}
	if ix.root.Kind == yaml.SequenceNode && r != roleTargets {
		if what, hint := listKind(yamlnode.Resolve(ix.root.Content[0]), r); what != "" {
			return at(ix.root, "this is a list of "+what+", not "+string(r), hint)
		}
	}
	if ix.root.Kind != yaml.MappingNode {
		return nil
	}
	first := ix.root.Content[0]
	if kind := child(ix.root, "kind"); kind != nil && kind.Kind == yaml.ScalarNode && child(ix.root, "apiVersion") != nil {
		return at(first, fmt.Sprintf("this is a Kubernetes object of kind %s, not %s", kind.Value, r), objectHint(ix.root, kind.Value))
	}
	if r == roleRules && ofGrafana(child(ix.root, "groups")) {
		return at(first, "these are Grafana alert rules, not "+string(r), "they belong in Grafana's provisioning directory, under alerting")
	}
	own := r.ownKeys()
	for _, k := range fileKinds {
		if k.role == r {
			continue
		}
		var foreign *yaml.Node
		other := false
		for key, value := range yamlnode.Pairs(ix.root) {
			switch {
			case slices.Contains(k.shared, key.Value):
			case slices.Contains(own, key.Value):
				other = true
			case slices.Contains(k.keys, key.Value) && foreign == nil && !onlyHolds(value):
				foreign = key
			}
		}
		if foreign != nil && !other {
			return at(foreign, fmt.Sprintf("this is %s (%s), not %s", k.role, foreign.Value, r), k.where)
		}
	}
	return nil
}

// ofGrafana reports whether the first group is from Grafana's provisioning: its rules have data instead of expr.
func ofGrafana(groups *yaml.Node) bool {
	first := func(list *yaml.Node) *yaml.Node {
		if items := yamlnode.Items(list); len(items) > 0 {
			return yamlnode.Resolve(items[0])
		}
		return nil
	}
	rule := first(child(first(groups), "rules"))
	return child(rule, "expr") == nil && child(rule, "data") != nil && (child(rule, "condition") != nil || child(rule, "title") != nil)
}

// reRule1 matches the first line of a rule in the format of Prometheus 1.
var reRule1 = lazyregexp.New(`^(ALERT\s+[A-Za-z_][A-Za-z0-9_]*(\s|$)|[A-Za-z_:][A-Za-z0-9_:]*(\{.*\})?\s+=\s+\S)`)

// rulesOf1 reports a file with rules in the format of Prometheus 1; nil when its first line is not one.
func rulesOf1(content []byte) *problem {
	n := 0
	for line := range strings.Lines(string(content)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !reRule1().MatchString(line) {
			return nil
		}
		return &problem{
			line: n, column: 1, severity: finding.Error, rule: ruleNames.yaml, message: "these are rules in the format of Prometheus 1",
			hint: "since Prometheus 2.0 rule files are YAML; promtool of Prometheus 2.0 to 2.5 converts them (promtool update rules FILE)",
		}
	}
	return nil
}

// listKind names the items of a file that is only a list, and says what is missing above the list.
func listKind(item *yaml.Node, r role) (what, hint string) {
	has := func(keys ...string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return child(item, k) != nil })
	}
	switch {
	case has("job_name"):
		what, hint = "scrape jobs", "write scrape_configs: above the list"
		if r == roleRules {
			hint = "this belongs in prometheus.yml, under scrape_configs"
		}
	case has("rules"):
		what, hint = "rule groups", "write groups: above the list"
	case has("alert", "record"):
		what, hint = "rules", "rules belong in a group: write groups:, an item with a name, and the list under its rules:"
	case has("targets"):
		what, hint = "targets", "this belongs in a file that file_sd_configs names"
	}
	if what != "" && r == roleMain && !has("job_name", "targets") {
		hint = "rule groups belong in their own file, which rule_files names"
	}
	return what, hint
}

func objectHint(object *yaml.Node, kind string) string {
	switch kind {
	case "ConfigMap":
		return "only the value of one key under data belongs here"
	case "Secret":
		if child(object, "data") == nil && child(object, "stringData") != nil {
			return "only the value of one key under stringData belongs here"
		}
		return "only the decoded value of one key under data belongs here"
	case "List", "ConfigMapList", "SecretList", "PrometheusRuleList":
		return "only a part of one of its items belongs here"
	case "PrometheusRule":
		return "only what is under spec belongs here"
	case "ScrapeConfig", "ServiceMonitor", "PodMonitor", "Probe", "AlertmanagerConfig":
		return "the Prometheus operator turns such objects into configuration; Prometheus itself does not read them"
	default:
		return "Prometheus does not read Kubernetes objects: use its own format here"
	}
}

// misplaced says where an unknown top-level key belongs; empty when that is not known.
func misplaced(name string, r role) string {
	for _, k := range fileKinds {
		if k.role != r && slices.Contains(k.keys, name) {
			return k.where
		}
	}
	return ""
}

// isHolder reports whether a key only holds anchors. No version of Prometheus will ever know it.
func isHolder(key string) bool {
	return slices.ContainsFunc([]string{"_", ".", "x-", "x_"}, func(start string) bool { return strings.HasPrefix(key, start) })
}

// onlyHolds reports whether a value has an anchor, so that an unknown key may only hold it.
func onlyHolds(n *yaml.Node) bool { return n.Kind != yaml.AliasNode && n.Anchor != "" }

// hasOwnAnchor reports whether a value or a part of it has an anchor.
func hasOwnAnchor(n *yaml.Node) bool {
	return n != nil && n.Kind != yaml.AliasNode && (n.Anchor != "" || slices.ContainsFunc(n.Content, hasOwnAnchor))
}

const hintAnchor = "Prometheus refuses keys that only hold anchors: write the anchor (&name) where the value is first used, and *name from there on"

// renamed are keys with another name in earlier versions or in related programs. The sources are Prometheus' change log
// and the operator's API. The section is the key above; empty for any.
var renamed = []struct{ old, section, now string }{
	{"scrape_classic_histograms", "", "always_scrape_classic_histograms"},
	{"convert_classic_histograms", "", "convert_classic_histograms_to_nhcb"},
	{"native_histograms", "", "scrape_native_histograms"},
	{"resource_attributes", "otlp", "promote_resource_attributes"},
	{"promote_attributes", "otlp", "promote_resource_attributes"},
	{"promote_all", "otlp", "promote_all_resource_attributes"},
	{"scope_metadata", "otlp", "promote_scope_metadata"},
	{"keep_identifying_attributes", "otlp", "keep_identifying_resource_attributes"},
	{"name_validation_scheme", "", "metric_name_validation_scheme"},
	{"name_escaping_scheme", "", "metric_name_escaping_scheme"},
	{"query_offset", "global", "rule_query_offset"},
	{"evaluation_delay", "groups", "query_offset"},
	{"target_groups", "", "static_configs"},
	{"labels", "global", "external_labels"},
	{"api_servers", "kubernetes_sd_configs", "api_server"},
	{"masters", "kubernetes_sd_configs", "api_server"},
	{"names", "file_sd_configs", "files"},
	{"tag", "consul_sd_configs", "tags"},
	{"relabelings", "", "relabel_configs"},
	{"metricRelabelings", "", "metric_relabel_configs"},
	{"writeRelabelConfigs", "", "write_relabel_configs"},
	{"interval", "scrape_configs", "scrape_interval"},
	{"timeout", "scrape_configs", "scrape_timeout"},
	{"interval", "global", "scrape_interval"},
	{"timeout", "global", "scrape_timeout"},
	{"name", "scrape_configs", "job_name"},
	{"url", "tracing", "endpoint"},
	{"path", "scrape_configs", "metrics_path"},
	{"targets", "scrape_configs", "static_configs"},
	{"evaluation_interval", "groups", "interval"},
	{"headers", "scrape_configs", "http_headers"},
	{"proxy", "", "proxy_url"},
	{"insecure", "tls_config", "insecure_skip_verify"},
	{"skip_verify", "tls_config", "insecure_skip_verify"},
	{"token", "authorization", "credentials"},
	{"bearer_token", "authorization", "credentials"},
	{"bearer_token_file", "authorization", "credentials_file"},
	{"user", "basic_auth", "username"},
	{"pass", "basic_auth", "password"},
	{"timeout", "remote_write", "remote_timeout"},
	{"timeout", "remote_read", "remote_timeout"},
	{"relabel_configs", "remote_write", "write_relabel_configs"},
	{"metric_relabel_configs", "remote_write", "write_relabel_configs"},
	{"expression", "rules", "expr"},
	{"query", "rules", "expr"},
	{"duration", "rules", "for"},
	{"name", "rules", "alert"},
	{"alertname", "rules", "alert"},
	{"retention_time", "tsdb", "retention"},
}

// removed are keys that current versions of Prometheus do not know: they were removed, or belong to a related program.
var removed = []struct{ old, section, hint string }{
	{"partial_response_strategy", "groups", "it belongs to Thanos Ruler"},
	{"source_tenants", "groups", "it belongs to Mimir"},
	{"align_evaluation_time_on_interval", "groups", "it belongs to Mimir"},
	{"concurrency", "groups", "it belongs to vmalert of VictoriaMetrics"},
	{"eval_offset", "groups", "it belongs to vmalert of VictoriaMetrics"},
	{"in_cluster", "kubernetes_sd_configs", "removed in Prometheus 1.3: without api_server the pod's own service account is used"},
	{"kubelet_port", "kubernetes_sd_configs", "removed in Prometheus 0.20: the port of a node is part of its address; relabel __address__ to use another one"},
	{"request_timeout", "kubernetes_sd_configs", "removed in Prometheus 1.3: the API server is watched, not polled"},
	{"retry_interval", "kubernetes_sd_configs", "removed in Prometheus 1.3: the API server is watched, not polled"},
	{"max_retries", "queue_config", "removed in Prometheus 2.11: recoverable errors are retried without limit"},
	{"remote_storage", "", "since Prometheus 2.0 this is remote_write and remote_read"},
}

// renamedHint is the new name of a key, or why there is none; empty for a key in neither table.
func renamedHint(path, known []string) string {
	name, section := path[len(path)-1], ""
	if len(path) > 1 {
		section = path[len(path)-2]
	}
	for _, r := range renamed {
		if r.old == name && (r.section == "" || r.section == section) && slices.Contains(known, r.now) {
			return "it is called " + quoted(r.now)
		}
	}
	for _, r := range removed {
		if r.old == name && (r.section == "" || r.section == section) {
			return r.hint
		}
	}
	return ""
}

// mayBeNew reports whether a key has the form of one that a newer version could have.
func mayBeNew(key string) bool { return reKey().MatchString(key) && !strings.HasPrefix(key, "x_") }

var reKey = lazyregexp.New(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
