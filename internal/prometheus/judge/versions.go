package judge

import (
	"slices"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
	"reloader/internal/versions"
)

// Library is the version of Prometheus whose verdict this package gives. It is a variable because make skew links
// another version and sets it.
var Library = "3.16.0"

// newer reports whether the server may know keys that the library does not.
func newer(v versions.Version) bool { return versions.Parse(Library).Before(v) }

// older reports whether the server is older than the library.
func older(v versions.Version) bool { return v.Known() && v.Before(versions.Parse(Library)) }

// is2x reports whether the server is a 2.x, which accepts things that 3.x refuses.
func is2x(v versions.Version) bool { return v.Known() && v.Major < 3 }

// first is the version that added a key; in is the section of the key, empty for any.
type first struct {
	key, in, version string
}

var firstInConfig = []first{
	{"follow_redirects", "", "2.26"},
	{"authorization", "", "2.26"},
	{"sigv4", "", "2.26"},
	{"oauth2", "", "2.27"},
	{"body_size_limit", "", "2.28"},
	{"enable_http2", "", "2.35"},
	{"out_of_order_time_window", "storage", "2.39"},
	{"proxy_from_environment", "", "2.43"},
	{"scrape_config_files", "", "2.43"},
	{"sample_limit", "global", "2.45"},
	{"target_limit", "global", "2.45"},
	{"label_limit", "global", "2.45"},
	{"label_name_length_limit", "global", "2.45"},
	{"label_value_length_limit", "global", "2.45"},
	{"azuread", "remote_write", "2.45"},
	{"keep_dropped_targets", "", "2.47"},
	{"scrape_protocols", "", "2.49"},
	{"enable_compression", "scrape_configs", "2.49"},
	{"alert_relabel_configs", "alertmanagers", "2.51"},
	{"rule_query_offset", "global", "2.53"},
	{"gogc", "runtime", "2.53"},
	{"otlp", "", "2.55"},
	{"scrape_failure_log_file", "", "2.55"},
	{"metric_name_validation_scheme", "", "2.55"},
	{"fallback_scrape_protocol", "", "3.0"},
	{"convert_classic_histograms_to_nhcb", "scrape_configs", "3.0"},
	{"always_scrape_classic_histograms", "scrape_configs", "3.0"},
	{"translation_strategy", "otlp", "3.0"},
	{"filter", "consul_sd_configs", "3.0"},
	{"keep_identifying_resource_attributes", "otlp", "3.1"},
	{"round_robin_dns", "remote_write", "3.1"},
	{"convert_classic_histograms_to_nhcb", "global", "3.4"},
	{"convert_histograms_to_nhcb", "otlp", "3.4"},
	{"metric_name_escaping_scheme", "", "3.4"},
	{"always_scrape_classic_histograms", "global", "3.5"},
	{"ignore_resource_attributes", "otlp", "3.5"},
	{"promote_all_resource_attributes", "otlp", "3.5"},
	{"label_selector", "hetzner_sd_configs", "3.5"},
	{"stackit_sd_configs", "", "3.5"},
	{"promote_scope_metadata", "otlp", "3.6"},
	{"namespace", "attach_metadata", "3.6"},
	{"workload_identity", "azuread", "3.7"},
	{"scrape_native_histograms", "", "3.8"},
	{"label_name_underscore_sanitization", "otlp", "3.8"},
	{"label_name_preserve_multiple_underscores", "otlp", "3.8"},
	{"retention", "tsdb", "3.8"},
	{"aws_sd_configs", "", "3.8"},
	{"scope", "azuread", "3.9"},
	{"extra_scrape_metrics", "", "3.10"},
	{"stale_series_compaction_threshold", "tsdb", "3.10"},
	{"percentage", "retention", "3.11"},
	{"deployment", "attach_metadata", "3.11"},
	{"job", "attach_metadata", "3.11"},
	{"cronjob", "attach_metadata", "3.11"},
	{"outscale_sd_configs", "", "3.12"},
	{"external_id", "ec2_sd_configs", "3.12"},
	{"external_id", "lightsail_sd_configs", "3.12"},
	{"external_id", "aws_sd_configs", "3.12"},
	{"health_filter", "consul_sd_configs", "3.12"},
	{"role", "digitalocean_sd_configs", "3.12"},
	{"chunk_encoding", "tsdb", "3.13"},
	{"certificate", "azuread", "3.13"},
	{"oci_sd_configs", "", "3.14"},
	{"log_level", "runtime", "3.15"},
	{"failed_request_logging", "remote_write", "3.15"},
	{"convert_nhcb_to_classic", "remote_write", "3.16"},
	{"query_max_duration", "global", "3.16"},
	{"query_max_samples_read", "global", "3.16"},
	{"query_max_series", "global", "3.16"},
}

var firstInRules = []first{
	{"limit", "groups", "2.31"},
	{"keep_firing_for", "rules", "2.42"},
	{"query_offset", "groups", "2.53"},
	{"labels", "groups", "3.0"},
}

// tooNew finds keys that an older server does not know. They are warnings: the server itself decides, and a refusal by
// the server is reported.
func tooNew(ix *index, table []first, server versions.Version) []problem {
	if !older(server) {
		return nil
	}
	var ps []problem
	for _, at := range ix.places {
		if !at.isKey {
			continue
		}
		i := slices.IndexFunc(table, func(f first) bool {
			return f.key == at.node.Value && (f.in == "" || f.in == at.section())
		})
		if i < 0 || !server.Before(versions.Parse(table[i].version)) {
			continue
		}
		ps = append(ps, problemAt(at.node, finding.Warning, validator.RuleServerVersion,
			quoted(at.node.Value)+" needs Prometheus "+table[i].version+" or later; the server runs "+server.String(),
			"upgrade the server, or remove the key"))
	}
	return ps
}
