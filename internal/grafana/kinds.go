// Package grafana knows what a Grafana reads: the kinds of provisioning files, and the directories they are in.
package grafana

// Kinds are the directories that Grafana looks for in its provisioning directory. Each is a source of that name.
var Kinds = []string{"datasources", "dashboards", "plugins", "notifiers", "alerting"}
