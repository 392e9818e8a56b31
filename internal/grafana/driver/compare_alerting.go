package driver

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"reloader/internal/grafana"
	"reloader/internal/grafana/alerting"
)

const causeOff = "grafana.ini, a variable or the command line sets [unified_alerting] enabled = false: Grafana answers the reload of alerting files with 200 and does nothing. Switch alerting on, or remove the files."

// alertingKinds are the kinds of alerting objects in the order in which they are compared.
var alertingKinds = []string{kindRule, kindContactPoint, kindMuteTime, kindTemplate, kindPolicies}

// comparesAlerting is the oldest version whose answers are known well enough to compare alerting contents.
var comparesAlerting = grafana.Version{Major: 11}

// compareAlerting compares all alerting objects in the files with those that Grafana shows.
func (d *Driver) compareAlerting(ctx context.Context, e expectation, seen *comparison) error {
	type place struct {
		org  int64
		kind string
	}
	wanted, absent, orgs := map[place][]object{}, map[place][]key{}, map[int64]bool{}
	for _, o := range e.Alerting {
		wanted[place{o.Org, o.Kind}] = append(wanted[place{o.Org, o.Kind}], o)
		orgs[o.Org] = true
	}
	for _, k := range e.Absent {
		absent[place{k.Org, k.Kind}] = append(absent[place{k.Org, k.Kind}], k)
		orgs[k.Org] = true
	}
	if len(orgs) > 0 {
		settings, err := d.readSettings(ctx)
		if err != nil {
			return err
		}
		if alerting.SwitchedOff(settings.known["unified_alerting.enabled"]) {
			seen.add("alerting", causeOff, "alerting is switched off: Grafana loads none of the alerting files")
			return nil
		}
	}
	return inOrgs(orgs, func(org int64, _ bool) error {
		for _, kind := range alertingKinds {
			want, gone := wanted[place{org, kind}], absent[place{org, kind}]
			if len(want)+len(gone) == 0 {
				continue
			}
			shown, err := d.shownAlerting(ctx, org, kind)
			if d.noOrg(ctx, org, err) {
				if len(want) > 0 {
					seen.add("alerting", causeNoOrg, "organization %d does not exist", org)
					return nil
				}
				continue // there is nothing to delete
			}
			if err != nil {
				if err := seen.notReported("alerting", kind+"s", err); err != nil {
					return err
				}
				continue
			}
			compareObjects(want, gone, shown, seen)
			seen.counted(len(want), kind)
		}
		return nil
	})
}

// compareObjects compares the objects of one kind in one organization. shown is by uid or name.
func compareObjects(want []object, gone []key, shown map[string]map[string]any, seen *comparison) {
	for _, o := range want {
		have, ok := shown[o.ID]
		if !ok {
			seen.add("alerting", "", "%s %q is missing", o.Kind, o.ID)
			continue
		}
		if seen.old {
			seen.hide("alerting", "the contents of alerting, which reloader compares from Grafana 11 on")
			continue
		}
		different, hidden := o.Contents.compare(have)
		if hidden {
			seen.hide("alerting", "secret settings of contact points, and values that come from Grafana's environment")
		}
		if len(different) > 0 {
			what := o.Kind
			if o.ID != "" {
				what += fmt.Sprintf(" %q", o.ID)
			}
			seen.add("alerting", "", "%s differs from the file in %s", what, listed(different, 4))
		}
	}
	for _, k := range gone {
		have, there := shown[k.ID]
		switch {
		case k.Kind == kindPolicies:
			if there && (have["child policy 1"] != nil || !slices.Contains(builtInContactPoints, have["receiver"])) {
				seen.add("alerting", "", "the notification policy tree has not been reset")
			}
		case there:
			seen.add("alerting", "", "%s %q is still there, although the files delete it", k.Kind, k.ID)
		}
	}
}

// builtInContactPoints are the contact points that a reset policy tree uses.
var builtInContactPoints = []any{"empty", "grafana-default-email"}

// shownAlerting asks for all objects of a kind and brings them into the form of the files.
func (d *Driver) shownAlerting(ctx context.Context, org int64, kind string) (map[string]map[string]any, error) {
	if kind == kindRule {
		return d.shownRules(ctx, org)
	}
	if kind == kindPolicies {
		var root map[string]any
		if err := d.api.list(ctx, "/api/v1/provisioning/policies", inOrg(org), &root); err != nil {
			return nil, err
		}
		return map[string]map[string]any{"": policyFields(root)}, nil
	}
	path := map[string]string{kindContactPoint: "contact-points", kindMuteTime: "mute-timings", kindTemplate: "templates"}[kind]
	var list []map[string]any // null when the list is empty, for templates for example
	if err := d.api.get(ctx, "/api/v1/provisioning/"+path, inOrg(org), &list); err != nil {
		return nil, err
	}
	shown := make(map[string]map[string]any, len(list))
	for _, item := range list {
		name, _ := item["name"].(string)
		switch kind {
		case kindContactPoint:
			uid, _ := item["uid"].(string)
			t, _ := item["type"].(string)
			fields := map[string]any{"name": name, "type": strings.ToLower(t), "disableResolveMessage": item["disableResolveMessage"] == true}
			settings, _ := item["settings"].(map[string]any)
			for k, v := range settings {
				fields["settings."+k] = v
			}
			shown[uid] = fields
		case kindMuteTime:
			shown[name] = map[string]any{"time_intervals": intervalsForm(item["time_intervals"])}
		default:
			text, _ := item["template"].(string)
			shown[name] = map[string]any{"template": templateForm(name, text)}
		}
	}
	return shown, nil
}

// shownRules reads all rules of an organization with their groups and folders.
func (d *Driver) shownRules(ctx context.Context, org int64) (map[string]map[string]any, error) {
	var folders map[string][]struct {
		Name, Interval string
		Rules          []struct {
			For           string
			KeepFiringFor string `json:"keep_firing_for"`
			Labels        map[string]any
			Annotations   map[string]any
			Alert         map[string]any `json:"grafana_alert"`
		}
	}
	if err := d.api.list(ctx, "/api/ruler/grafana/api/v1/rules", inOrg(org), &folders); err != nil {
		return nil, err
	}
	if err := d.seesAll(ctx, org, "alert rules", "alert.rules:read", "folders:read"); err != nil {
		return nil, err
	}
	shown := map[string]map[string]any{}
	for folder, groups := range folders {
		for _, g := range groups {
			for _, r := range g.Rules {
				uid, _ := r.Alert["uid"].(string)
				f := map[string]any{
					"folder": folderForm(folder), "group": g.Name, "interval": seconds(g.Interval), "title": r.Alert["title"], "labels": r.Labels,
					"annotations": r.Annotations, "for": seconds(r.For), "keepFiringFor": seconds(r.KeepFiringFor),
				}
				if r.Alert["is_paused"] == true {
					f["isPaused"] = true
				}
				if n, ok := r.Alert["missing_series_evals_to_resolve"].(float64); ok && n > 0 {
					f["missing_series_evals_to_resolve"] = n
				}
				if s, ok := r.Alert["notification_settings"].(map[string]any); ok {
					f["notification_settings"] = settingsForm(s)
				}
				if rec, ok := r.Alert["record"].(map[string]any); ok {
					f["record"] = map[string]any{"metric": rec["metric"], "from": rec["from"], "target": rec["target_datasource_uid"]}
				} else {
					f["condition"], f["noDataState"], f["execErrState"] = r.Alert["condition"], r.Alert["no_data_state"], r.Alert["exec_err_state"]
				}
				queries, _ := r.Alert["data"].([]any)
				addShownQueries(f, queries)
				shown[uid] = f
			}
		}
	}
	return shown, nil
}

func addShownQueries(fields map[string]any, queries []any) {
	var refs []any
	var forms []map[string]any
	for _, item := range queries {
		q, _ := item.(map[string]any)
		timeRange, _ := q["relativeTimeRange"].(map[string]any)
		model, _ := q["model"].(map[string]any)
		refs = append(refs, q["refId"])
		forms = append(forms, queryForm(q["refId"], q["queryType"], q["datasourceUid"], timeRange, model))
	}
	addQueries(fields, refs, forms)
}
