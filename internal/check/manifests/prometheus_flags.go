package manifests

import (
	"maps"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/manifest"
	"reloader/internal/versions"
)

// prometheusFlags are the flags that every Prometheus from 2.36 to 3.16 knows. This table and the two below come from the
// sources of 2.36, 2.40, 2.45, 2.50, 2.53, 2.55 and of 3.0 to 3.16, and from --help of 3.5 and 3.16.
var prometheusFlags = strings.Fields(`
	help help-long help-man version log.level log.format config.file enable-feature
	alertmanager.notification-queue-capacity query.lookback-delta query.max-concurrency query.max-samples query.timeout
	rules.alert.for-grace-period rules.alert.for-outage-tolerance rules.alert.resend-delay
	scrape.adjust-timestamps scrape.discovery-reload-interval scrape.timestamp-tolerance
	storage.agent.no-lockfile storage.agent.path storage.agent.retention.max-time storage.agent.retention.min-time
	storage.agent.wal-compression storage.agent.wal-segment-size storage.agent.wal-truncate-frequency
	storage.remote.flush-deadline storage.remote.read-concurrent-limit storage.remote.read-max-bytes-in-frame storage.remote.read-sample-limit
	storage.tsdb.head-chunks-write-queue-size storage.tsdb.max-block-chunk-segment-size storage.tsdb.max-block-duration
	storage.tsdb.min-block-duration storage.tsdb.no-lockfile storage.tsdb.path storage.tsdb.retention.size storage.tsdb.retention.time
	storage.tsdb.wal-compression storage.tsdb.wal-segment-size
	web.config.file web.console.libraries web.console.templates web.cors.origin web.enable-admin-api web.enable-lifecycle
	web.enable-remote-write-receiver web.external-url web.listen-address web.max-connections web.page-title web.read-timeout
	web.route-prefix web.user-assets`)

// flagLacking has flags that were added later, each with the newest version that is known not to have it.
var flagLacking = map[string]string{
	"agent": "2.55", "auto-gomaxprocs": "2.55", "auto-gomemlimit": "2.55", "auto-gomemlimit.ratio": "2.45", "auto-gomemlimit.refresh-interval": "3.14",
	"alertmanager.drain-notification-queue-on-shutdown": "2.53", "alertmanager.notification-batch-size": "3.3",
	"config.auto-reload": "3.11", "config.auto-reload-interval": "2.55",
	"rules.max-concurrent-evals": "2.50", "storage.agent.checkpoint-batch-size": "3.11", "storage.agent.checkpoint-from-in-memory-series": "3.11",
	"storage.agent.wal-compression-type": "2.45", "storage.tsdb.allow-overlapping-compaction": "2.53", "storage.tsdb.block-reload-interval": "3.8",
	"storage.tsdb.delay-compact-file.path": "3.8", "storage.tsdb.delayed-compaction.max-percent": "2.55", "storage.tsdb.samples-per-chunk": "2.40",
	"storage.tsdb.wal-compression-type": "2.45", "web.enable-otlp-receiver": "2.55", "web.max-notifications-subscribers": "2.55",
	"web.remote-write-receiver.accepted-protobuf-messages": "2.53", "web.search.max-limit": "3.11", "write-documentation": "2.40",
}

// flagRemoved has removed flags, each with the first version without it, and what to do. The source is Prometheus' change log.
var flagRemoved = map[string]struct {
	in   versions.Version
	hint string
}{
	"storage.tsdb.retention":                {versions.Of(3, 0), "write --storage.tsdb.retention.time, which 2.8 and newer know"},
	"storage.tsdb.allow-overlapping-blocks": {versions.Of(3, 0), "remove it: blocks may overlap since 2.39"},
	"alertmanager.timeout":                  {versions.Of(3, 0), "remove it: the timeout of each Alertmanager is in the configuration (alerting.alertmanagers[].timeout)"},
	"scrape.name-escaping-scheme":           {versions.Of(3, 0), "remove it: metric_name_escaping_scheme in the configuration says it since 3.4"},
	"alertmanager.url":                      {versions.Of(2, 0), "write the Alertmanagers into the configuration (alerting.alertmanagers)"},
	"query.staleness-delta":                 {versions.Of(2, 0), "write --query.lookback-delta"},
	"web.telemetry-path":                    {versions.Of(2, 0), "remove it: the path is /metrics"},
	"storage.local.path":                    {versions.Of(2, 0), "write --storage.tsdb.path"},
	"storage.local.retention":               {versions.Of(2, 0), "write --storage.tsdb.retention.time"},
}

// featureGone has feature flags that no longer do anything, each with the first version where that is so, and what to do. The server
// logs at most a warning, and starts.
var featureGone = map[string]struct {
	in   versions.Version
	hint string
	// lost means that the server lacks something that the user wants until the hint is followed.
	lost bool
}{
	"agent":                         {versions.Of(3, 0), "write --agent: without it the server runs with a storage of its own, rules and queries", true},
	"remote-write-receiver":         {versions.Of(3, 0), "write --web.enable-remote-write-receiver: without it the server takes no remote write", true},
	"otlp-write-receiver":           {versions.Of(3, 0), "write --web.enable-otlp-receiver: without it the server takes no OTLP", true},
	"native-histograms":             {versions.Of(3, 9), "write scrape_native_histograms: true into the configuration: without it no native histogram is scraped", true},
	"auto-gomaxprocs":               {versions.Of(3, 0), "remove it: that is the default now", false},
	"auto-gomemlimit":               {versions.Of(3, 0), "remove it: that is the default now", false},
	"expand-external-labels":        {versions.Of(3, 0), "remove it: that is the default now", false},
	"new-service-discovery-manager": {versions.Of(3, 0), "remove it: that is the default now", false},
	"no-default-scrape-port":        {versions.Of(3, 0), "remove it: that is the default now", false},
	"utf8-names":                    {versions.Of(3, 0), "remove it: that is the default now", false},
	"promql-at-modifier":            {versions.Of(3, 0), "remove it: that is the default since 2.33", false},
	"promql-negative-offset":        {versions.Of(3, 0), "remove it: that is the default since 2.33", false},
	"ooo-native-histograms":         {versions.Of(3, 4), "remove it: that is the default now", false},
	"promql-duration-expr":          {versions.Of(3, 14), "remove it: that is the default now", false},
}

// features are those of 3.16 that are not in featureGone.
var features = strings.Fields(`
	auto-reload-config concurrent-rule-eval created-timestamp-zero-ingestion delayed-compaction exemplar-storage extra-scrape-metrics fast-startup
	histograms-st-encoding memory-snapshot-on-shutdown metadata-wal-records old-ui openmetrics2 otlp-deltatocumulative otlp-native-delta-ingestion
	promql-binop-fill-modifiers promql-delayed-name-removal promql-experimental-functions promql-extended-range-selectors promql-per-step-stats
	promql-unquoted-utf8-names query-cost search-api st-storage st-synthesis type-and-unit-labels use-start-timestamps use-uncached-io
	xor2-encoding zstd-scrape`)

// oldestFlags and newestFlags are the oldest and newest version whose flags are all in the tables.
var oldestFlags, newestFlags = versions.Of(2, 36), versions.Of(3, 16)

// serverFlags judges the arguments of a Prometheus: one that its version does not know keeps it from starting.
func (c *check) serverFlags(w *manifest.Workload, container manifest.Container) {
	if len(container.Get("command").Items()) > 0 && !strings.HasSuffix(container.Get("command").Items()[0].Str(), "prometheus") {
		return // a script or another program around it, which may have flags of its own
	}
	server := versions.Parse(container.ImageVersion())
	for _, field := range []string{"command", "args"} {
		items := container.Get(field).Items()
		for i, it := range items {
			name, ok := strings.CutPrefix(it.Str(), "--")
			name, value, joined := strings.Cut(name, "=")
			if !ok || name == "" || strings.ContainsAny(name, "$ \n") {
				continue
			}
			if severity, message, hint := judgeFlag(name, server, isOfficial(container)); message != "" {
				c.report(severity, RuleFlag, it, hint, "%s: --%s %s", where(w, container), name, message)
			}
			if name == "enable-feature" && !joined && i+1 < len(items) {
				it = items[i+1]
				value = it.Str()
			}
			if name == "enable-feature" && value != "" && !strings.Contains(value, "$") {
				for f := range strings.SplitSeq(value, ",") {
					if severity, message, hint := judgeFeature(f, server); message != "" {
						c.report(severity, RuleFlag, it, hint, "%s: the feature flag %s %s", where(w, container), f, message)
					}
				}
			}
		}
	}
}

// isOfficial reports whether the image is Prometheus' own: others may know more flags.
func isOfficial(c manifest.Container) bool {
	image, _, _ := strings.Cut(c.Image(), "@")
	image = strings.TrimSuffix(image, ":"+c.ImageTag())
	return strings.HasSuffix("/"+image, "/prom/prometheus") || strings.HasSuffix("/"+image, "/prometheus/prometheus")
}

const noStart = ": the server does not start"

// judgeFlag says what is wrong with a flag of a server; the message is empty when nothing is known to be wrong.
func judgeFlag(name string, server versions.Version, official bool) (severity finding.Severity, message, hint string) {
	known := server.Known()
	certain := finding.Error
	if !official {
		certain = finding.Warning
	}
	if gone, ok := flagRemoved[name]; ok {
		switch {
		case !known:
			return finding.Warning, "is unknown to Prometheus " + gone.in.String() + " and newer, which do not start with it", gone.hint
		case !server.Before(gone.in):
			return certain, "is unknown to Prometheus " + server.String() + noStart, gone.hint
		}
		return 0, "", ""
	}
	if strings.HasPrefix(name, "storage.local.") && (!known || server.Major > 1) {
		if !known {
			certain = finding.Warning
		}
		return certain, "is a flag of Prometheus 1: newer ones do not start with it", "remove it, or write the flag of --storage.tsdb that replaces it"
	}
	name = strings.TrimPrefix(name, "no-")
	if lacking, ok := flagLacking[name]; ok {
		if known && !versions.Parse(lacking).Before(server) {
			return certain, "is newer than Prometheus " + server.String() + noStart, "upgrade the server, or remove the flag"
		}
		return 0, "", ""
	}
	if slices.Contains(prometheusFlags, name) || known && server.Before(oldestFlags) {
		return 0, "", ""
	}
	all := slices.Concat(prometheusFlags, slices.Sorted(maps.Keys(flagLacking)))
	hint = finding.DidYouMean(name, all)
	switch {
	case !known:
		return finding.Warning, "is not a flag of Prometheus up to " + newestFlags.String(), hint
	case newestFlags.Before(server):
		return finding.Warning, "is not a flag of Prometheus up to " + newestFlags.String() + "; the server runs " + server.String() + ", which may know it", hint
	}
	return certain, "is unknown to Prometheus " + server.String() + noStart, hint
}

// judgeFeature says what is wrong with a feature flag. The server starts anyway.
func judgeFeature(name string, server versions.Version) (severity finding.Severity, message, hint string) {
	known := server.Known()
	if gone, ok := featureGone[name]; ok {
		switch {
		case known && server.Before(gone.in) || !known && !gone.lost:
			return 0, "", ""
		case gone.lost:
			return finding.Warning, "does nothing from Prometheus " + gone.in.String() + " on", gone.hint
		}
		return finding.Info, "does nothing from Prometheus " + gone.in.String() + " on", gone.hint
	}
	if name == "" || slices.Contains(features, name) || known && (server.Before(oldestFlags) || newestFlags.Before(server)) {
		return 0, "", ""
	}
	all := slices.Concat(features, slices.Sorted(maps.Keys(featureGone)))
	return finding.Warning, "is unknown to Prometheus up to " + newestFlags.String() + ", which ignores it", finding.DidYouMean(name, all)
}
