package driver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"reloader/internal/reload"
)

// Confirm reads back what Grafana shows and compares it with the files.
func (d *Driver) Confirm(ctx context.Context, p reload.Plan, proof reload.Proof) (reload.Verdict, error) {
	own, ok := p.Data.(plan)
	if !ok {
		return reload.Verdict{}, &reload.Failure{Class: reload.ClassLocal, Message: errNoPlan.Error(), Untouched: true, Err: errNoPlan}
	}
	switch {
	case !proof.Reloaded && own.restart:
		return reload.Verdict{Reason: "grafana.ini waits for a restart", After: proof.Before}, nil
	case !proof.Reloaded && !proof.Unchanged && own.files.loose:
		return reload.Verdict{Reason: "whether Grafana has read secrets and settings that it does not show cannot be told", After: proof.Before}, nil
	}
	seen := &comparison{changed: own.changed, routes: map[string]bool{}}
	if err := d.compare(ctx, own.files, seen); err != nil {
		return reload.Verdict{}, err
	}
	v := reload.Verdict{Proven: len(seen.wrong) == 0, By: seen.by(proof.Reloaded), Differences: append(seen.wrong, seen.notes...)}
	if !v.Proven {
		for route := range seen.routes {
			delete(d.done.routes, route)
		}
		v.Reason = "Grafana answered 200 and shows something else: " + shorten(seen.wrong)
	}
	keys, err := d.waiting(ctx, own.files)
	if err != nil {
		return reload.Verdict{}, err
	}
	if own.restart && proof.Reloaded && len(keys) > 0 {
		v.Differences = append(v.Differences, "still different after the restart, set by the environment or the command line: "+strings.Join(keys, ", "))
		keys = nil
	}
	v.RestartRequired = keys
	v.After = d.observation()
	return v, nil
}

// compare asks for each kind that the files have something of.
func (d *Driver) compare(ctx context.Context, e expectation, seen *comparison) error {
	if err := d.compareDatasources(ctx, e, seen); err != nil {
		return err
	}
	if err := d.compareAlerting(ctx, e.alerting, seen); err != nil {
		return err
	}
	if err := d.comparePolicies(ctx, e.policies, seen); err != nil {
		return err
	}
	return d.compareDashboards(ctx, e, seen)
}

// comparison collects what Grafana shows differently.
type comparison struct {
	changed map[string]bool // the files whose objects are looked at one by one
	wrong   []string        // not as the files say, although a reload should have brought it
	notes   []string        // not as the files say, and a reload does not bring it
	routes  map[string]bool // the kinds with something wrong
	checked []string        // what was read back, for the proof
}

func (c *comparison) add(route, format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
	c.routes[route] = true
}

func (c *comparison) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// counted notes that n things of a kind were read back.
func (c *comparison) counted(n int, what string) {
	if n > 0 {
		c.checked = append(c.checked, fmt.Sprintf("%d %s", n, what))
	}
}

func (c *comparison) by(reloaded bool) string {
	var parts []string
	if reloaded {
		parts = append(parts, "status 200")
	}
	if len(c.checked) > 0 {
		parts = append(parts, "read back "+strings.Join(c.checked, ", "))
	}
	return strings.Join(parts, ", ")
}

// shorten joins the first few of a list.
func shorten(list []string) string {
	const most = 5
	if len(list) <= most {
		return strings.Join(list, "; ")
	}
	return strings.Join(list[:most], "; ") + fmt.Sprintf("; and %d more", len(list)-most)
}

// compareAlerting looks for everything that the files name; Grafana rewrites too much of the
// contents for more.
func (d *Driver) compareAlerting(ctx context.Context, objects []object, seen *comparison) error {
	type listing struct {
		org  int64
		kind string
	}
	groups := map[listing][]object{}
	var order []listing
	for _, o := range objects {
		l := listing{o.org, o.kind}
		if groups[l] == nil {
			order = append(order, l)
		}
		groups[l] = append(groups[l], o)
	}
	for _, l := range order {
		found, known, err := d.alertingNames(ctx, l.org, l.kind)
		if err != nil {
			return err
		}
		if !known {
			continue
		}
		for _, o := range groups[l] {
			name, ok := found[o.id]
			switch {
			case !ok:
				seen.add("alerting", "%s %q is missing", o.kind, o.id)
			case name != o.name:
				seen.add("alerting", "%s %q has another name", o.kind, o.id)
			}
		}
		seen.counted(len(groups[l]), plural(l.kind, len(groups[l])))
	}
	return nil
}

// comparePolicies looks at the contact point of each organization's root policy.
func (d *Driver) comparePolicies(ctx context.Context, want map[int64]string, seen *comparison) error {
	for _, org := range slices.Sorted(maps.Keys(want)) {
		var root route
		if err := d.api.get(ctx, "/api/v1/provisioning/policies", inOrg(org), &root); err != nil {
			if err := optional(err); err != nil {
				return err
			}
			continue
		}
		if root.Receiver != want[org] {
			seen.add("alerting", "the notification policies of organization %d are not those of the files", org)
		}
		seen.counted(1, "notification policy tree")
	}
	return nil
}

func plural(what string, n int) string {
	if n == 1 {
		return what
	}
	return what + "s"
}

// alertingNames lists id -> name; known is false where this version has no such list.
func (d *Driver) alertingNames(ctx context.Context, org int64, kind string) (map[string]string, bool, error) {
	path := map[string]string{kindRule: "alert-rules", kindContactPoint: "contact-points", kindMuteTime: "mute-timings", kindTemplate: "templates"}[kind]
	var list []struct{ UID, Name, Title string }
	if err := d.api.get(ctx, "/api/v1/provisioning/"+path, inOrg(org), &list); err != nil {
		return nil, false, optional(err)
	}
	found := map[string]string{}
	for _, item := range list {
		switch kind {
		case kindRule:
			found[item.UID] = item.Title
		case kindContactPoint:
			found[item.UID] = item.Name
		default:
			found[item.Name] = item.Name
		}
	}
	return found, true, nil
}
