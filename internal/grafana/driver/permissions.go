package driver

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"reloader/internal/grafana"
	"reloader/internal/reload"
)

// all are the scopes of each permission that cover everything of its kind. Grafana silently lists only what the user may
// see: 12.4 gives a server admin with the role Viewer an empty list of the dashboards and alert rules in a folder that
// viewers may not open.
var all = map[string][]string{
	"dashboards:read":  {"dashboards:*", "dashboards:uid:*", "folders:*", "folders:uid:*", "*"},
	"folders:read":     {"folders:*", "folders:uid:*", "*"},
	"alert.rules:read": {"folders:*", "folders:uid:*", "*"},
}

// tellsPermissions is the oldest version in which permissions cannot be switched off.
var tellsPermissions = grafana.Version{Major: 10}

// seesAll returns a failure when the user is known to see only a part of something in an organization: then a list
// does not prove that something is missing or gone.
func (d *Driver) seesAll(ctx context.Context, org int64, what string, actions ...string) error {
	if !grafana.ParseVersion(d.version).AtLeast(tellsPermissions) {
		return nil
	}
	var may map[string][]string
	if err := d.api.list(ctx, permissionsPath, inOrg(org), &may); err != nil {
		return optional(err)
	}
	for _, action := range actions {
		if !slices.ContainsFunc(may[action], func(scope string) bool { return slices.Contains(all[action], scope) }) {
			return &reload.Failure{
				Class: reload.ClassForbidden, Permanent: true, Untouched: true, Err: errPartial,
				Message: fmt.Sprintf("this user sees only a part of the %s in organization %d (%s)", what, org, action),
				Hint:    fmt.Sprintf("give the user the role Admin in organization %d; server admin is not enough", org),
			}
		}
	}
	return nil
}

const permissionsPath = "/api/access-control/user/permissions"

// warnAboutUser logs that the user may not reload, which otherwise shows only when Grafana refuses a change. It asks until
// the user has the permission, in each life of Grafana. If Grafana does not report permissions, there is no warning. The
// warning is not part of any status, because the permission can be granted at any time.
func (d *Driver) warnAboutUser(ctx context.Context) {
	if d.mayReload == d.life.epoch() || !grafana.ParseVersion(d.version).AtLeast(tellsPermissions) {
		return
	}
	var may map[string][]string
	switch err := d.api.list(ctx, permissionsPath, nil, &may); {
	case err != nil || len(may) == 0:
	case len(may["provisioning:reload"]) > 0:
		d.mayReload = d.life.epoch()
	default:
		d.o.Logger.Warn("reloader's user may not reload provisioning: Grafana will refuse the next change with 403",
			"hint", "give the name and password of a Grafana server admin; an organization's admin, a service account or an API key may not reload")
	}
}

var errPartial = errors.New("not everything is visible")
