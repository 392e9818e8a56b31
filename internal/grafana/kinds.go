// Package grafana knows what a Grafana reads: the kinds of provisioning files, and the directories they are in.
package grafana

import (
	"path"
	"slices"
)

// Kind is one kind of provisioning files.
type Kind struct {
	// Name is the directory in Grafana's provisioning directory, and the name of the source that reads it.
	Name string
	// Route is the kind's name in POST /api/admin/provisioning/ROUTE/reload.
	Route string
	// Extensions are those of the files that Grafana reads in this directory, with the dot.
	Extensions []string
}

var yamlFiles = []string{".yaml", ".yml"}

// The kinds by name. The ini file is no kind: no reload brings it.
const (
	Datasources = "datasources"
	Plugins     = "plugins"
	Notifiers   = "notifiers"
	Alerting    = "alerting"
	Dashboards  = "dashboards"
	Ini         = "grafana-ini"
)

// Kinds are all kinds, in the order in which Grafana provisions them when it starts.
var Kinds = []Kind{
	{Datasources, "datasources", yamlFiles},
	{Plugins, "plugins", yamlFiles},
	{Notifiers, "notifications", yamlFiles},
	{Alerting, "alerting", append(slices.Clone(yamlFiles), ".json")},
	{Dashboards, "dashboards", yamlFiles},
}

// IsDirectory says whether Grafana looks for a directory of that name in its provisioning directory. One of them,
// access-control, is read by Grafana Enterprise only and judged by nothing here.
func IsDirectory(name string) bool {
	return name == "access-control" || isKind(name)
}

func isKind(name string) bool {
	return slices.ContainsFunc(Kinds, func(k Kind) bool { return k.Name == name })
}

// Reads says whether Grafana reads a file of this name in the kind's directory.
func (k Kind) Reads(name string) bool { return slices.Contains(k.Extensions, path.Ext(name)) }

// KindOf is the kind whose files a source holds; ok is false for the ini file. Sources that are named after no
// kind hold dashboard JSON.
func KindOf(source string) (k Kind, ok bool) {
	if source == Ini {
		return Kind{}, false
	}
	if i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == source }); i >= 0 {
		return Kinds[i], true
	}
	return Kinds[len(Kinds)-1], true
}
