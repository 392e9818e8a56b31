// Package grafana knows which files a Grafana reads: the kinds of provisioning files and their directories.
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
	// Extensions of the files that Grafana reads in this directory, with the dot.
	Extensions []string
}

var yamlFiles = []string{".yaml", ".yml"}

// The names of the kinds, and of the ini file, which is not a kind: no reload reads it.
const (
	Datasources = "datasources"
	Plugins     = "plugins"
	Notifiers   = "notifiers"
	Alerting    = "alerting"
	Dashboards  = "dashboards"
	Ini         = "grafana-ini"
)

// Kinds are all kinds, in the order in which Grafana provisions them at start.
var Kinds = []Kind{
	{Datasources, "datasources", yamlFiles},
	{Plugins, "plugins", yamlFiles},
	{Notifiers, "notifications", yamlFiles},
	{Alerting, "alerting", append(slices.Clone(yamlFiles), ".json")},
	{Dashboards, "dashboards", yamlFiles},
}

// IsDirectory says whether Grafana reads a directory of that name in its provisioning directory. Only Grafana
// Enterprise reads access-control, and reloader does not check it.
func IsDirectory(name string) bool {
	return name == "access-control" || isKind(name)
}

func isKind(name string) bool {
	return slices.ContainsFunc(Kinds, func(k Kind) bool { return k.Name == name })
}

// Reads says whether Grafana reads a file of this name in the kind's directory.
func (k Kind) Reads(name string) bool { return slices.Contains(k.Extensions, path.Ext(name)) }

// KindOf is the kind of the files in a source; ok is false for the ini file. A source that is not named after a
// kind holds dashboard JSON.
func KindOf(source string) (k Kind, ok bool) {
	if source == Ini {
		return Kind{}, false
	}
	if i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == source }); i >= 0 {
		return Kinds[i], true
	}
	return Kinds[len(Kinds)-1], true
}
