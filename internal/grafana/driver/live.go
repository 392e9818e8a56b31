package driver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/grafana/validator"
	"reloader/internal/reload"
)

// live asks the server for what the verdict on these kinds depends on. What it does not tell
// stays unknown; only an answer that says "you may not ask" is an error.
func (d *Driver) live(ctx context.Context, routes []string) (*validation.Live, error) {
	has := map[string]bool{}
	for _, k := range grafana.Kinds {
		has[k.Name] = slices.Contains(routes, k.Route)
	}
	l := &validation.Live{}
	var orgs []struct {
		ID   int64
		Name string
	}
	if err := known(d.api.get(ctx, "/api/orgs?perpage=1000", nil, &orgs), &l.Orgs); err != nil {
		return nil, err
	}
	for _, o := range orgs {
		l.Orgs = append(l.Orgs, validation.Org{ID: o.ID, Name: o.Name})
	}
	if has[validator.RolePlugins] {
		var plugins []struct{ ID string }
		if err := known(d.api.get(ctx, "/api/plugins?embedded=0", nil, &plugins), &l.Plugins); err != nil {
			return nil, err
		}
		for _, p := range plugins {
			l.Plugins = append(l.Plugins, p.ID)
		}
	}
	if has[validator.RoleDashboards] || has[validator.RoleAlerting] {
		settings, err := d.readSettings(ctx)
		if err != nil {
			return nil, err
		}
		l.Settings = settings.known
	}
	for _, org := range orgsOf(l) {
		if err := d.liveInOrg(ctx, l, org, has); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// noOrg says that Grafana refused to tell something of an organization because there is none with this number: it
// then answers 403, as to a user who may not ask.
func (d *Driver) noOrg(ctx context.Context, org int64, refused error) bool {
	f, ok := errors.AsType[*reload.Failure](refused)
	if !ok || f.Class != reload.ClassForbidden {
		return false
	}
	for page := range maxPages { // Grafana counts these from 0
		var orgs []struct{ ID int64 }
		if d.api.list(ctx, fmt.Sprintf("/api/orgs?perpage=%d&page=%d", orgsPage, page), nil, &orgs) != nil {
			return false
		}
		if slices.ContainsFunc(orgs, func(o struct{ ID int64 }) bool { return o.ID == org }) {
			return false
		}
		if len(orgs) < orgsPage {
			// One that lists none is not believed: the organization of the user is there.
			return page > 0 || len(orgs) > 0
		}
	}
	return false
}

// orgsPage is how many organizations Grafana lists at once.
const orgsPage = 1000

func orgsOf(l *validation.Live) []int64 {
	var ids []int64
	for _, o := range l.Orgs {
		ids = append(ids, o.ID)
	}
	return ids
}

// inOrg lets a request speak for one organization; the admin is a member or gets a refusal.
func inOrg(org int64) http.Header {
	return http.Header{"X-Grafana-Org-Id": {strconv.FormatInt(org, 10)}}
}

func (d *Driver) liveInOrg(ctx context.Context, l *validation.Live, org int64, has map[string]bool) error {
	if has[validator.RoleDatasources] {
		var list []struct {
			Name, UID           string
			ReadOnly, IsDefault bool
		}
		err := d.api.get(ctx, "/api/datasources", inOrg(org), &list)
		if err := known(err, &l.Datasources); err != nil {
			return err
		}
		for _, ds := range list {
			l.Datasources = append(l.Datasources, validation.Datasource{
				OrgID: org, Name: ds.Name, UID: ds.UID, ReadOnly: ds.ReadOnly, Default: ds.IsDefault,
			})
		}
	}
	if has[validator.RoleDashboards] || has[validator.RoleAlerting] {
		if err := d.liveFolders(ctx, l, org); err != nil {
			return err
		}
	}
	if has[validator.RoleAlerting] {
		return d.liveAlerting(ctx, l, org)
	}
	return nil
}

func (d *Driver) liveFolders(ctx context.Context, l *validation.Live, org int64) error {
	var folders []struct{ UID, Title string }
	err := d.api.get(ctx, "/api/folders?limit=1000", inOrg(org), &folders)
	if err := known(err, &l.Folders); err != nil {
		return err
	}
	for _, f := range folders {
		l.Folders = append(l.Folders, validation.Folder{OrgID: org, UID: f.UID, Title: f.Title})
	}
	var found []struct{ UID, Title, FolderUID string }
	err = d.api.get(ctx, "/api/search?type=dash-db&limit=5000", inOrg(org), &found)
	if err := known(err, &l.Dashboards); err != nil {
		return err
	}
	for _, f := range found {
		l.Dashboards = append(l.Dashboards, validation.Dashboard{OrgID: org, UID: f.UID, Title: f.Title, FolderUID: f.FolderUID})
	}
	return nil
}

func (d *Driver) liveAlerting(ctx context.Context, l *validation.Live, org int64) error {
	if l.Alerting == nil {
		l.Alerting = &validation.LiveAlerting{}
	}
	a := l.Alerting
	var points []struct{ Name, UID, Provenance string }
	if err := known(d.api.get(ctx, "/api/v1/provisioning/contact-points", inOrg(org), &points), &a.ContactPoints); err != nil {
		return err
	}
	for _, p := range points {
		a.ContactPoints = append(a.ContactPoints, validation.LiveContactPoint{OrgID: org, Name: p.Name, UID: p.UID, Provenance: p.Provenance})
	}
	if err := d.liveEmptyReceivers(ctx, a, org); err != nil {
		return err
	}
	for path, into := range map[string]*[]validation.LiveNamed{"mute-timings": &a.MuteTimes, "templates": &a.Templates} {
		var named []struct{ Name, Provenance string }
		if err := known(d.api.get(ctx, "/api/v1/provisioning/"+path, inOrg(org), &named), into); err != nil {
			return err
		}
		for _, n := range named {
			*into = append(*into, validation.LiveNamed{OrgID: org, Name: n.Name, Provenance: n.Provenance})
		}
	}
	var rules []struct {
		UID, Title, FolderUID, RuleGroup, Provenance string
		Settings                                     struct {
			Receiver string   `json:"receiver"`
			Mutes    []string `json:"mute_time_intervals"`
			Actives  []string `json:"active_time_intervals"`
		} `json:"notification_settings"`
	}
	if err := known(d.api.get(ctx, "/api/v1/provisioning/alert-rules", inOrg(org), &rules), &a.Rules); err != nil {
		return err
	}
	for _, r := range rules {
		a.Rules = append(a.Rules, validation.LiveRule{OrgID: org, UID: r.UID, Title: r.Title, FolderUID: r.FolderUID, Group: r.RuleGroup,
			Provenance: r.Provenance, Receiver: r.Settings.Receiver, Intervals: append(r.Settings.Mutes, r.Settings.Actives...)})
	}
	return d.livePolicy(ctx, a, org)
}

// liveEmptyReceivers adds contact points without integrations, which the list above leaves out: the
// one that a new Grafana 12.4 has of its own, called "empty", is such a one.
func (d *Driver) liveEmptyReceivers(ctx context.Context, a *validation.LiveAlerting, org int64) error {
	if a.ContactPoints == nil {
		return nil
	}
	var receivers []struct {
		Name         string
		Integrations []json.RawMessage
	}
	if err := optional(d.api.get(ctx, "/api/alertmanager/grafana/config/api/v1/receivers", inOrg(org), &receivers)); err != nil {
		return err
	}
	for _, r := range receivers {
		if len(r.Integrations) == 0 {
			a.ContactPoints = append(a.ContactPoints, validation.LiveContactPoint{OrgID: org, Name: r.Name})
		}
	}
	return nil
}

// route is a notification policy with the routes below it.
type route struct {
	Receiver string   `json:"receiver"`
	Mutes    []string `json:"mute_time_intervals"`
	Actives  []string `json:"active_time_intervals"`
	Routes   []route  `json:"routes"`
}

func (d *Driver) livePolicy(ctx context.Context, a *validation.LiveAlerting, org int64) error {
	var root route
	if err := optional(d.api.get(ctx, "/api/v1/provisioning/policies", inOrg(org), &root)); err != nil {
		return err
	}
	var walk func(r route)
	walk = func(r route) {
		if r.Receiver != "" {
			a.Receivers = append(a.Receivers, validation.LiveNamed{OrgID: org, Name: r.Receiver})
		}
		for _, name := range append(r.Mutes, r.Actives...) {
			a.Intervals = append(a.Intervals, validation.LiveNamed{OrgID: org, Name: name})
		}
		for _, child := range r.Routes {
			walk(child)
		}
	}
	walk(root)
	return nil
}

// known makes a list that the server told non-nil, because nil means "not known".
func known[T any](err error, list *[]T) error {
	if err == nil && *list == nil {
		*list = []T{}
	}
	return optional(err)
}

// optional drops failures that only mean "this version or this user does not get to see that".
func optional(err error) error {
	if f, ok := errors.AsType[*reload.Failure](err); ok {
		switch f.Class {
		case reload.ClassNotFound, reload.ClassForbidden, reload.ClassServer, reload.ClassUnexpected:
			return nil
		default:
			return f
		}
	}
	if err != nil {
		return fmt.Errorf("ask Grafana what it has: %w", err)
	}
	return nil
}
