package validator

import (
	"slices"
	"strings"

	"reloader/internal/finding"
)

// coreTypes are the data sources that come with Grafana.
var coreTypes = []string{
	"alertmanager", "cloudwatch", "elasticsearch", "grafana-azure-monitor-datasource", "grafana-postgresql-datasource",
	"grafana-pyroscope-datasource", "grafana-testdata-datasource", "graphite", "influxdb", "jaeger", "loki", "mssql", "mysql", "opentsdb",
	"parca", "postgres", "prometheus", "stackdriver", "tempo", "testdata", "zipkin",
}

// pluginTypes are well-known data sources of the public catalog, which must be installed. The list need not be
// complete: it finds the id that was probably meant, and keeps real ids from being reported as misspelled.
var pluginTypes = strings.Fields(`
grafana-adobeanalytics-datasource grafana-amazonprometheus-datasource grafana-appdynamics-datasource grafana-astradb-datasource
grafana-athena-datasource grafana-atlassianstatuspage-datasource grafana-aurora-datasource grafana-azure-data-explorer-datasource
grafana-azurecosmosdb-datasource grafana-azuredevops-datasource grafana-azureprometheus-datasource grafana-bigquery-datasource
grafana-catchpoint-datasource grafana-clickhouse-datasource grafana-cloudflare-datasource grafana-cockroachdb-datasource
grafana-databricks-datasource grafana-datadog-datasource grafana-drone-datasource grafana-dynatrace-datasource
grafana-es-open-distro-datasource grafana-falconlogscale-datasource grafana-github-datasource grafana-gitlab-datasource
grafana-googlesheets-datasource grafana-honeycomb-datasource grafana-influxdb-flightsql-datasource grafana-iot-sitewise-datasource
grafana-iot-twinmaker-datasource grafana-jira-datasource grafana-kairosdb-datasource grafana-looker-datasource 
grafana-mongodb-datasource grafana-mqtt-datasource grafana-netlify-datasource grafana-newrelic-datasource grafana-opensearch-datasource
grafana-oracle-datasource grafana-orbit-datasource grafana-pagerduty-datasource grafana-redshift-datasource grafana-salesforce-datasource
grafana-saphana-datasource grafana-sentry-datasource grafana-servicenow-datasource grafana-simple-json-datasource
grafana-snowflake-datasource grafana-splunk-datasource grafana-splunk-monitoring-datasource grafana-sqlyze-datasource
grafana-strava-datasource grafana-sumologic-datasource grafana-surrealdb-datasource grafana-timestream-datasource
grafana-vercel-datasource grafana-wavefront-datasource grafana-x-ray-datasource grafana-yugabyte-datasource grafana-zendesk-datasource
abhisant-druid-datasource akumuli-datasource alexanderzobnin-zabbix-datasource aquaqanalytics-kdbbackend-datasource
axiomhq-axiom-datasource bmchelix-ade-datasource camptocamp-prometheus-alertmanager-datasource chaosmeshorg-datasource
checkmk-cloud-datasource cognitedata-datasource couchbase-datasource devicehive-devicehive-datasource dlopes7-appdynamics-datasource
doitintl-bigquery-datasource fetzerch-sunandmoon-datasource fifemon-graphql-datasource frser-sqlite-datasource
gnocchixyz-gnocchi-datasource golioth-websocket-datasource googlecloud-logging-datasource googlecloud-trace-datasource
grafadruid-druid-datasource gridprotectionalliance-openhistorian-datasource gridprotectionalliance-osisoftpi-datasource groonga-datasource
hadesarchitect-cassandra-datasource hamedkarbasi93-kafka-datasource hamedkarbasi93-nodegraphapi-datasource
haohanyang-mongodb-datasource hawkular-datasource humio-datasource ibm-apm-datasource influxdata-flightsql-datasource
innius-grpc-datasource instana-datasource isovalent-hubble-datasource jasonlashua-prtg-datasource kniepdennis-neo4j-datasource
lightstep-metrics-datasource linksmart-hds-datasource marcusolsson-csv-datasource 
marcusolsson-json-datasource marcusolsson-static-datasource monasca-datasource nagasudhirpulla-api-datasource
ntop-ntopng-datasource oci-logs-datasource oci-metrics-datasource opennms-helm-app ovh-warp10-datasource
parseable-parseable-datasource paytm-kapacitor-datasource performancecopilot-pcp-app pixie-pixie-datasource praj-ams-datasource
pyroscope-datasource quasardb-datasource questdb-questdb-datasource quickwit-quickwit-datasource radensolutions-netxms-datasource
redis-datasource sidewinder-datasource simpod-json-datasource skydive-datasource sni-pnp-datasource sni-thruk-datasource
spotify-heroic-datasource synthetic-monitoring-datasource tdengine-datasource tencentcloud-monitor-app thalysantana-appcenter-datasource
tribe-29-checkmk-datasource trino-datasource udoprog-heroic-datasource vertamedia-clickhouse-datasource vertica-grafana-datasource
victoriametrics-datasource victoriametrics-logs-datasource victoriametrics-metrics-datasource volkovlabs-grapi-datasource
volkovlabs-rss-datasource xginn8-pagerduty-datasource yandexcloud-logging-datasource yesoreyeram-infinity-datasource
`)

// bareType is a plugin's id without the prefix and suffix that most ids share, so that only the rest is compared.
func bareType(id string) string {
	id = strings.TrimPrefix(strings.ToLower(id), "grafana-")
	if i := strings.LastIndexByte(id, '-'); i > 0 && finding.Nearest(id[i+1:], []string{"datasource"}) != "" {
		id = id[:i]
	}
	return id
}

// nearestType is the id that was probably meant; empty if there is none, or if the id itself is known.
func nearestType(id string) string {
	if slices.Contains(coreTypes, id) || slices.Contains(pluginTypes, id) {
		return ""
	}
	bare := strings.Split(bareType(id), "-")
	var near, bares []string
	for _, t := range slices.Concat(coreTypes, pluginTypes) {
		if other := strings.Split(bareType(t), "-"); len(other) == len(bare) && eachNear(bare, other) {
			near, bares = append(near, t), append(bares, bareType(t))
		}
	}
	if len(near) == 0 {
		return ""
	}
	return near[max(slices.Index(bares, finding.Nearest(bareType(id), bares)), 0)]
}

func eachNear(words, known []string) bool {
	for i, w := range words {
		if w != known[i] && finding.Nearest(w, known[i:i+1]) == "" {
			return false
		}
	}
	return true
}
