package driver

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"

	"reloader/internal/finding"
)

// maxDetails bounds how many objects are read one by one after a change.
const maxDetails = 200

// shownDatasource is a data source as the API shows it. The list leaves out the last three.
type shownDatasource struct {
	Name, UID, Type, URL, User, Database, Access string

	BasicAuth, IsDefault bool
	JSONData             json.RawMessage

	BasicAuthUser    *string
	WithCredentials  *bool
	SecureJSONFields map[string]bool
}

// fingerprints are comparable with datasource.fields.
func (s shownDatasource) fingerprints() map[string]uint64 {
	f := map[string]uint64{
		"type": finding.Fingerprint(s.Type), "url": finding.Fingerprint(s.URL), "user": finding.Fingerprint(s.User),
		"database": finding.Fingerprint(s.Database), "access": finding.Fingerprint(s.Access),
		"basicAuth": fingerprintJSON(s.BasicAuth), "isDefault": fingerprintJSON(s.IsDefault),
	}
	if len(s.JSONData) > 0 && string(s.JSONData) != "null" {
		f["jsonData"] = fingerprintJSON(s.JSONData)
	} else {
		f["jsonData"] = fingerprintJSON(map[string]any{})
	}
	if s.BasicAuthUser != nil {
		f["basicAuthUser"] = finding.Fingerprint(*s.BasicAuthUser)
	}
	if s.WithCredentials != nil {
		f["withCredentials"] = fingerprintJSON(*s.WithCredentials)
	}
	return f
}

func (d *Driver) compareDatasources(ctx context.Context, e expectation, seen *comparison) error {
	byOrg := map[int64][]datasource{}
	for _, ds := range e.datasources {
		byOrg[ds.org] = append(byOrg[ds.org], ds)
	}
	for _, ds := range e.deleted {
		if byOrg[ds.org] == nil {
			byOrg[ds.org] = []datasource{}
		}
	}
	details, compared := 0, 0
	for _, org := range slices.Sorted(maps.Keys(byOrg)) {
		var list []shownDatasource
		if err := d.api.get(ctx, "/api/datasources", inOrg(org), &list); err != nil {
			if err := optional(err); err != nil {
				return err
			}
			continue
		}
		have := map[string]shownDatasource{}
		for _, s := range list {
			have[s.Name] = s
		}
		for _, ds := range e.deleted {
			if _, there := have[ds.name]; there && ds.org == org {
				seen.add("datasources", "datasource %q is still there", ds.name)
			}
		}
		compared += len(byOrg[org])
		for _, ds := range byOrg[org] {
			shown, ok := have[ds.name]
			if !ok {
				seen.add("datasources", "datasource %q is missing", ds.name)
				continue
			}
			if seen.changed[ds.file] && details < maxDetails && shown.UID != "" {
				details++
				if err := optional(d.api.get(ctx, "/api/datasources/uid/"+url.PathEscape(shown.UID), inOrg(org), &shown)); err != nil {
					return err
				}
			}
			compareDatasource(ds, shown, seen)
		}
	}
	seen.counted(compared, plural("datasource", compared))
	return nil
}

func compareDatasource(want datasource, shown shownDatasource, seen *comparison) {
	say := func(format string, args ...any) { seen.add("datasources", format, args...) }
	if want.versioned {
		// Grafana skips an entry whose version it has stored already: that was warned of.
		say = seen.note
	}
	if want.uid != "" && want.uid != shown.UID {
		say("datasource %q has another uid", want.name)
	}
	have := shown.fingerprints()
	for _, key := range slices.Sorted(maps.Keys(want.fields)) {
		got, ok := have[key]
		switch {
		case !ok || got == want.fields[key]:
		case key == "type":
			if want.fields[key] != finding.Fingerprint(typeAliases[shown.Type]) {
				// A plugin may have been renamed, and then Grafana stores its new name.
				seen.note("datasource %q: type is not what the file says", want.name)
			}
		default:
			say("datasource %q: %s is not what the file says", want.name, key)
		}
	}
	for _, key := range want.secrets {
		if shown.SecureJSONFields != nil && !shown.SecureJSONFields[key] {
			say("datasource %q: the secret %s is not set", want.name, key)
		}
	}
	for _, key := range want.dropped {
		if got, ok := have[key]; ok && got != finding.Fingerprint("") {
			seen.note("datasource %q keeps its old %s, which is not in the file any more", want.name, key)
		}
	}
}

// typeAliases are the older names of Grafana's own plugins, which files may use.
var typeAliases = map[string]string{
	"grafana-postgresql-datasource": "postgres",
	"grafana-testdata-datasource":   "testdata",
	"grafana-pyroscope-datasource":  "phlare",
}
