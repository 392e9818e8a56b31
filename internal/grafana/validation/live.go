package validation

import "slices"

// Live is what a running server has, as far as the verdict on files depends on it. A *Live goes into
// finding.Facts.Live. A nil list means "unknown"; an empty one means "none".
type Live struct {
	// Orgs are all organizations (GET /api/orgs).
	Orgs []Org
	// Plugins are the ids of all installed plugins, core ones included (GET /api/plugins?embedded=0).
	Plugins []string
	// Datasources are those of every organization that answered (GET /api/datasources).
	Datasources []Datasource
	// Folders are the top-level folders of every organization that answered (GET /api/folders).
	Folders []Folder
	// Dashboards are all dashboards (GET /api/search?type=dash-db).
	Dashboards []Dashboard
	// Alerting is what Grafana's own alerting has.
	Alerting *LiveAlerting
	// Settings are those of LiveSettings that are set (GET /api/admin/settings), by section.key.
	Settings map[string]string
}

// Org is an organization.
type Org struct {
	ID   int64
	Name string
}

// Datasource is a data source that exists in the server.
type Datasource struct {
	OrgID     int64
	Name, UID string
	// ReadOnly says that it was provisioned with editable: false.
	ReadOnly bool
	// Default says that it is the default of its organization.
	Default bool
}

// Folder is a folder that exists in the server.
type Folder struct {
	OrgID      int64
	UID, Title string
}

// Dashboard is a dashboard that exists in the server.
type Dashboard struct {
	OrgID      int64
	UID, Title string
	// FolderUID is empty for the General folder.
	FolderUID string
}

// LiveAlerting is what exists in Grafana's own alerting. A nil list means "unknown".
type LiveAlerting struct {
	ContactPoints []LiveContactPoint
	MuteTimes     []LiveNamed
	Templates     []LiveNamed
	Rules         []LiveRule
	// Receivers and Intervals are the names that the notification policies of an organization use.
	Receivers []LiveNamed
	Intervals []LiveNamed
}

// LiveNamed is an object with a name in one organization.
type LiveNamed struct {
	OrgID int64
	Name  string
	// Provenance is "file", "api" or empty (made by hand).
	Provenance string
}

// LiveContactPoint is one integration of a contact point.
type LiveContactPoint struct {
	OrgID     int64
	Name, UID string
	// Provenance is "file", "api" or empty (made by hand).
	Provenance string
}

// LiveRule is an alert rule.
type LiveRule struct {
	OrgID                         int64
	UID, Title, FolderUID, Folder string
	Group                         string
	// Provenance is "file", "api" or empty (made by hand).
	Provenance string
	// Receiver and Intervals are those that its own notification settings refer to.
	Receiver  string
	Intervals []string
}

// HasOrg reports whether an organization exists, and whether that is known. Without a list, organization 1 counts as existing.
func (l *Live) HasOrg(id int64) (exists, known bool) {
	if l == nil || l.Orgs == nil {
		return id == 1, id == 1
	}
	return slices.ContainsFunc(l.Orgs, func(o Org) bool { return o.ID == id }), true
}

// HasOrgName reports whether an organization with this name exists, and whether that is known.
func (l *Live) HasOrgName(name string) (exists, known bool) {
	if l == nil || l.Orgs == nil {
		return false, false
	}
	return slices.ContainsFunc(l.Orgs, func(o Org) bool { return o.Name == name }), true
}

// HasPlugin reports whether a plugin is installed, and whether that is known.
func (l *Live) HasPlugin(id string) (exists, known bool) {
	if l == nil || l.Plugins == nil {
		return false, false
	}
	return slices.Contains(l.Plugins, id), true
}
