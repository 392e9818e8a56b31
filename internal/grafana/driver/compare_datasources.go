package driver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"reloader/internal/grafana"
	"reloader/internal/grafana/validator"
	"reloader/internal/reload"
)

// maxDetails is the maximum number of data sources that a comparison reads one by one.
const maxDetails = 200

// shownDatasource is a data source as the API shows it. The list leaves out the last three.
type shownDatasource struct {
	Name, UID, Type, URL, User, Database, Access string

	BasicAuth, IsDefault, ReadOnly bool
	JSONData                       map[string]any

	Version          int
	BasicAuthUser    *string
	WithCredentials  *bool
	SecureJSONFields map[string]bool
}

// fields has the form of datasource.Contents.
func (s shownDatasource) fields() map[string]any {
	f := map[string]any{"type": s.Type, "url": s.URL, "user": s.User, "database": s.Database, "access": s.Access}
	for name, on := range map[string]bool{"basicAuth": s.BasicAuth, "isDefault": s.IsDefault, "editable": !s.ReadOnly} {
		if on {
			f[name] = true
		}
	}
	for key, v := range s.JSONData {
		f["jsonData."+key] = v
	}
	if s.BasicAuthUser != nil {
		f["basicAuthUser"] = *s.BasicAuthUser
	}
	if s.WithCredentials != nil && *s.WithCredentials {
		f["withCredentials"] = true
	}
	return f
}

const (
	causeVersion = "An entry with 'version: n' is skipped by Grafana when it has stored a newer version: raise the number, or remove the key."
	causeNoOrg   = "An organization that the files name was deleted, or reloader's user cannot see it: create it again with that number, or change orgId in the files."
	causeKept    = "Grafana keeps url, basicAuthUser and type when they are removed from the file: delete the data source with deleteDatasources in the same file, and Grafana creates it again."
)

func (d *Driver) compareDatasources(ctx context.Context, e expectation, seen *comparison) error {
	if _, ok := e.Kinds["datasources"]; !ok {
		return nil
	}
	byOrg := map[int64][]datasource{}
	for _, ds := range e.Datasources {
		byOrg[ds.Key.Org] = append(byOrg[ds.Key.Org], ds)
	}
	for _, name := range slices.Concat(e.Deleted, slices.Collect(maps.Keys(d.prunable))) {
		if _, there := byOrg[name.Org]; !there {
			byOrg[name.Org] = nil
		}
	}
	left := maxDetails
	return inOrgs(byOrg, func(org int64, wanted []datasource) error {
		var list []shownDatasource
		if err := d.api.list(ctx, "/api/datasources", inOrg(org), &list); err != nil {
			if d.noOrg(ctx, org, err) {
				if len(wanted) > 0 {
					seen.add("datasources", causeNoOrg, "organization %d does not exist", org)
				}
				return nil // there is nothing to delete
			}
			return seen.notReported("datasources", "datasources", err)
		}
		have := map[string]shownDatasource{}
		for _, s := range list {
			have[s.Name] = s
		}
		for _, name := range e.Deleted {
			if _, there := have[name.ID]; there && name.Org == org {
				seen.add("datasources", "", "datasource %q is still there", name.ID)
			}
		}
		d.lookForRemoved(e, org, list, seen)
		// Those whose file changed come first, because only maxDetails are read one by one.
		slices.SortStableFunc(wanted, func(a, b datasource) int { return order(seen.changed[b.File]) - order(seen.changed[a.File]) })
		for _, ds := range wanted {
			shown, ok := have[ds.Key.ID]
			if !ok {
				there, err := d.unlisted(ctx, ds, &shown)
				switch {
				case err != nil:
					if err := seen.notReported("datasources", fmt.Sprintf("datasource %q", ds.Key.ID), err); err != nil {
						return err
					}
					continue
				case !there:
					seen.add("datasources", "", "datasource %q is missing", ds.Key.ID)
					continue
				}
				have[ds.Key.ID] = shown
			}
			if left--; left >= 0 && !ds.Old && shown.UID != "" {
				if err := d.detail(ctx, org, &shown); err != nil {
					if err := seen.notReported("datasources", "basicAuthUser, withCredentials and which secrets are set", err); err != nil {
						return err
					}
				}
			}
			d.compareDatasource(ds, shown, seen)
			d.compareSaves(ds, shown, e, seen)
		}
		seen.counted(len(wanted), "datasource")
		return d.compareCorrelations(ctx, org, wanted, have, seen)
	})
}

// detail reads the fields that the list of data sources leaves out.
func (d *Driver) detail(ctx context.Context, org int64, shown *shownDatasource) error {
	path := "/api/datasources/uid/" + url.PathEscape(shown.UID)
	one := *shown
	one.UID = ""
	if err := d.api.get(ctx, path, inOrg(org), &one); err != nil {
		return err
	}
	if one.UID != shown.UID {
		return notGrafanas(path)
	}
	*shown = one
	return nil
}

// unlisted reads a data source that is not in the list: Grafana lists at most [datasources] datasource_limit.
func (d *Driver) unlisted(ctx context.Context, ds datasource, shown *shownDatasource) (there bool, err error) {
	uid := ds.UID
	if uid == "" {
		uid = validator.GeneratedUID(ds.Key.ID)
	}
	err = d.api.get(ctx, "/api/datasources/uid/"+url.PathEscape(uid), inOrg(ds.Key.Org), shown)
	if f, ok := errors.AsType[*reload.Failure](err); ok && f.Class == reload.ClassNotFound {
		return false, nil
	}
	return err == nil && shown.Name == ds.Key.ID, err
}

func order(first bool) int {
	if first {
		return 1
	}
	return 0
}

// lookForRemoved checks the data sources that are in Grafana but in no file.
func (d *Driver) lookForRemoved(e expectation, org int64, list []shownDatasource, seen *comparison) {
	listed, there := map[key]bool{}, map[key]bool{}
	for _, s := range list {
		there[key{Org: org, ID: s.Name}] = true
	}
	for _, ds := range e.Datasources {
		listed[ds.Key] = true
	}
	maps.DeleteFunc(d.prunable, func(k key, _ bool) bool { return k.Org == org && !listed[k] && !there[k] })
	for _, name := range e.Deleted {
		listed[name] = true
	}
	for _, s := range list {
		key := key{Org: org, ID: s.Name}
		switch {
		case listed[key]:
		case d.prunable[key]:
			seen.add("datasources", "", "datasource %q was removed from the files, and 'prune: true' has not deleted it", s.Name)
		case s.ReadOnly:
			// It was provisioned. Grafana does not say whether by a file with prune: true.
			seen.hide("datasources", "whether datasources that were removed from the files would be pruned")
		}
	}
}

// compareSaves checks whether anything other than a reload saved a data source since it was proven: it may then have
// other secrets, which Grafana does not show. Grafana stores the version from the request plus one. A reload sends none
// or the file's; the user interface sends the one that it read. A request without a version looks like a reload.
func (d *Driver) compareSaves(ds datasource, shown shownDatasource, e expectation, seen *comparison) {
	if shown.Version == 0 {
		return
	}
	seen.saved[ds.Key] = shown.Version
	before := d.saved[ds.Key]
	if before != 0 && before != shown.Version && d.undisturbed("datasources", e.Kinds["datasources"]) {
		seen.add("datasources", "", "datasource %q was saved after its file was loaded", ds.Key.ID)
	}
}

func (d *Driver) compareDatasource(want datasource, shown shownDatasource, seen *comparison) {
	if want.Old {
		return
	}
	cause := ""
	if want.Versioned {
		cause = causeVersion
	}
	if want.UID != "" && want.UID != shown.UID {
		seen.add("datasources", cause, "datasource %q differs from the file in uid", want.Key.ID)
	}
	fields := shown.fields()
	if shown.BasicAuthUser == nil || shown.WithCredentials == nil {
		want.Contents = slices.DeleteFunc(slices.Clone(want.Contents), func(f field) bool { return f.Name == "basicAuthUser" || f.Name == "withCredentials" })
		seen.hide("datasources", "basicAuthUser, withCredentials and which secrets are set")
	}
	if shown.IsDefault && !want.DefaultWritten && !d.defaults[want.Key] {
		delete(fields, "isDefault") // Grafana itself makes an organization's first data source the default
	}
	if !shown.IsDefault && !want.IsDefault {
		delete(d.defaults, want.Key)
	}
	different, _ := want.Contents.compare(fields)
	for _, name := range different {
		switch {
		case name == "type" && want.Contents.has("type", typeAliases[shown.Type]):
			// Grafana stores the newer name of its own plugins.
		case name == "type":
			seen.hide("datasources", "the type of datasources whose plugin may have a newer name")
		case (name == "url" || name == "basicAuthUser") && !want.Contents.names(name):
			seen.add("datasources", causeKept, "datasource %q keeps its old %s, which is no longer in the file", want.Key.ID, name)
		default:
			seen.add("datasources", cause, "datasource %q differs from the file in %s", want.Key.ID, name)
		}
	}
	if shown.SecureJSONFields == nil {
		return
	}
	for _, key := range want.Secrets {
		if !shown.SecureJSONFields[key] {
			seen.add("datasources", cause, "datasource %q: the secret %s is not set", want.Key.ID, key)
		}
	}
	if want.AllSecrets && grafana.ParseVersion(d.version).AtLeast(grafana.Version{Major: 10}) {
		for _, key := range slices.Sorted(maps.Keys(shown.SecureJSONFields)) {
			if shown.SecureJSONFields[key] && !slices.Contains(want.Secrets, key) {
				seen.add("datasources", cause, "datasource %q: the secret %s is set, but not in the file", want.Key.ID, key)
			}
		}
	}
}

// names says whether the files set a field.
func (c contents) names(name string) bool {
	return slices.ContainsFunc(c, func(f field) bool { return f.Name == name })
}

// has says whether a field has this value.
func (c contents) has(name, value string) bool {
	return value != "" && slices.ContainsFunc(c, func(f field) bool { return f.Name == name && f.Sum == fingerprintJSON(value) })
}

// typeAliases are the older names of Grafana's own plugins, which files may use.
var typeAliases = map[string]string{
	"grafana-postgresql-datasource": "postgres",
	"grafana-testdata-datasource":   "testdata",
	"grafana-pyroscope-datasource":  "phlare",
}

// compareCorrelations compares the correlations that were provisioned from files.
func (d *Driver) compareCorrelations(ctx context.Context, org int64, wanted []datasource, have map[string]shownDatasource, seen *comparison) error {
	var answer struct {
		Correlations []json.RawMessage
	}
	some := slices.ContainsFunc(wanted, func(ds datasource) bool { return len(ds.Correlations) > 0 || ds.UnsureCorrelations })
	if err := d.api.get(ctx, "/api/datasources/correlations?limit=1000", inOrg(org), &answer); err != nil {
		if !some && optional(err) == nil {
			return nil // the files have none, and this version may not support them
		}
		return seen.notReported("datasources", "correlations", err)
	}
	shown := map[string][]uint64{}
	for _, raw := range answer.Correlations {
		var c map[string]any
		if json.Unmarshal(raw, &c) != nil || c["provisioned"] == false {
			continue
		}
		source, _ := c["sourceUID"].(string)
		shown[source] = append(shown[source], fingerprintJSON(normal(correlationForm(c))))
	}
	for _, ds := range wanted {
		if ds.UnsureCorrelations {
			seen.hide("datasources", "correlations with values that come from Grafana's environment")
			continue
		}
		got, want := shown[have[ds.Key.ID].UID], slices.Clone(ds.Correlations)
		slices.Sort(got)
		slices.Sort(want)
		if !ds.Old && have[ds.Key.ID].UID != "" && !slices.Equal(got, want) {
			seen.add("datasources", "", "datasource %q differs from the file in correlations", ds.Key.ID)
		}
	}
	return nil
}
