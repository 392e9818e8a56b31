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
	"reloader/internal/reload"
)

// live asks the server for what the verdict on these kinds depends on. What it does not report
// stays unknown; see optional for the failures that are errors.
func (d *Driver) live(ctx context.Context, routes []string) (*validation.Live, error) {
	has := map[string]bool{}
	for _, k := range grafana.Kinds {
		has[k.Name] = slices.Contains(routes, k.Route)
	}
	l := &validation.Live{}
	if err := fetch(ctx, d, nil, "/api/orgs?perpage=1000", &l.Orgs, func(o validation.Org) validation.Org { return o }); err != nil {
		return nil, err
	}
	if has[grafana.Plugins] {
		if err := fetch(ctx, d, nil, "/api/plugins?embedded=0", &l.Plugins, func(p struct{ ID string }) string { return p.ID }); err != nil {
			return nil, err
		}
	}
	if has[grafana.Dashboards] || has[grafana.Alerting] {
		settings, err := d.readSettings(ctx)
		if err != nil {
			return nil, err
		}
		l.Settings = settings.known
	}
	for _, org := range l.Orgs {
		if err := d.liveInOrg(ctx, l, org.ID, has); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// noOrg says that Grafana refused a request because there is no organization with this number: it then answers 403, as
// it does when the user lacks a permission.
func (d *Driver) noOrg(ctx context.Context, org int64, refused error) bool {
	f, ok := errors.AsType[*reload.Failure](refused)
	if !ok || f.Class != reload.ClassForbidden {
		return false
	}
	for page := range maxPages { // Grafana numbers these pages from 0
		var orgs []struct{ ID int64 }
		if d.api.list(ctx, fmt.Sprintf("/api/orgs?perpage=%d&page=%d", orgsPage, page), nil, &orgs) != nil {
			return false
		}
		if slices.ContainsFunc(orgs, func(o struct{ ID int64 }) bool { return o.ID == org }) {
			return false
		}
		if len(orgs) < orgsPage {
			// An empty list cannot be right: it must have the user's own organization.
			return page > 0 || len(orgs) > 0
		}
	}
	return false
}

// orgsPage is how many organizations Grafana lists at once.
const orgsPage = 1000

// inOrg selects the organization of a request. Grafana refuses it if the user is not a member.
func inOrg(org int64) http.Header {
	return http.Header{"X-Grafana-Org-Id": {strconv.FormatInt(org, 10)}}
}

func (d *Driver) liveInOrg(ctx context.Context, l *validation.Live, org int64, has map[string]bool) error {
	if has[grafana.Datasources] {
		type told struct {
			Name, UID           string
			ReadOnly, IsDefault bool
		}
		if err := fetch(ctx, d, inOrg(org), "/api/datasources", &l.Datasources, func(t told) validation.Datasource {
			return validation.Datasource{OrgID: org, Name: t.Name, UID: t.UID, ReadOnly: t.ReadOnly, Default: t.IsDefault}
		}); err != nil {
			return err
		}
	}
	if has[grafana.Dashboards] || has[grafana.Alerting] {
		if err := d.liveFolders(ctx, l, org); err != nil {
			return err
		}
	}
	if has[grafana.Alerting] {
		return d.liveAlerting(ctx, l, org)
	}
	return nil
}

func (d *Driver) liveFolders(ctx context.Context, l *validation.Live, org int64) error {
	if err := fetch(ctx, d, inOrg(org), "/api/folders?limit=1000", &l.Folders, func(f validation.Folder) validation.Folder {
		f.OrgID = org
		return f
	}); err != nil {
		return err
	}
	return fetch(ctx, d, inOrg(org), "/api/search?type=dash-db&limit=5000", &l.Dashboards, func(f validation.Dashboard) validation.Dashboard {
		f.OrgID = org
		return f
	})
}

func (d *Driver) liveAlerting(ctx context.Context, l *validation.Live, org int64) error {
	if l.Alerting == nil {
		l.Alerting = &validation.LiveAlerting{}
	}
	a := l.Alerting
	if err := fetch(ctx, d, inOrg(org), "/api/v1/provisioning/contact-points", &a.ContactPoints, func(p validation.LiveContactPoint) validation.LiveContactPoint {
		p.OrgID = org
		return p
	}); err != nil {
		return err
	}
	if err := d.liveEmptyReceivers(ctx, a, org); err != nil {
		return err
	}
	for path, into := range map[string]*[]validation.LiveNamed{"mute-timings": &a.MuteTimes, "templates": &a.Templates} {
		if err := fetch(ctx, d, inOrg(org), "/api/v1/provisioning/"+path, into, func(n validation.LiveNamed) validation.LiveNamed {
			n.OrgID = org
			return n
		}); err != nil {
			return err
		}
	}
	type rule struct {
		UID, Title, FolderUID, RuleGroup, Provenance string
		Settings                                     struct {
			Receiver string   `json:"receiver"`
			Mutes    []string `json:"mute_time_intervals"`
			Actives  []string `json:"active_time_intervals"`
		} `json:"notification_settings"`
	}
	if err := fetch(ctx, d, inOrg(org), "/api/v1/provisioning/alert-rules", &a.Rules, func(r rule) validation.LiveRule {
		return validation.LiveRule{OrgID: org, UID: r.UID, Title: r.Title, FolderUID: r.FolderUID, Group: r.RuleGroup,
			Provenance: r.Provenance, Receiver: r.Settings.Receiver, Intervals: append(r.Settings.Mutes, r.Settings.Actives...)}
	}); err != nil {
		return err
	}
	return d.livePolicy(ctx, a, org)
}

// liveEmptyReceivers adds contact points without integrations, which /api/v1/provisioning leaves out,
// such as the contact point "empty" that comes with a new Grafana 12.4.
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

// route is a notification policy with its child policies.
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

// fetch adds what the server lists at a path to a list. The list stays nil, "not known", if the server does not answer.
func fetch[T, L any](ctx context.Context, d *Driver, header http.Header, path string, into *[]L, form func(T) L) error {
	var told []T
	if err := d.api.get(ctx, path, header, &told); err != nil {
		return optional(err)
	}
	if *into == nil {
		*into = []L{}
	}
	for _, t := range told {
		*into = append(*into, form(t))
	}
	return nil
}

// optional drops failures that only mean that this version or this user cannot read something.
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
