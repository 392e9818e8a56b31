package driver

import (
	"path"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/expand"
	grafanaini "reloader/internal/grafana/ini"
	"reloader/internal/grafana/provisioning"
	"reloader/internal/snapshot"
)

// expectation is what Grafana must have according to the files, as names and fingerprints. It contains no values of
// a file. The process that judges the files sends it as JSON; both are the same program.
type expectation struct {
	Datasources []datasource
	// Deleted are data sources that the files delete and do not create again.
	Deleted []key
	// Identities is a fingerprint of what may clash with data sources that the server has; 0 when
	// anything may.
	Identities uint64

	Dashboards []dashboard
	Providers  []providerEntry
	// Unread are dashboard files that Grafana skips, with the reason.
	Unread []unreadFile
	// byUID are the indexes of the dashboards with each uid of an organization.
	byUID map[key][]int
	// copies are the dashboards that share their uid and contents; see indexDashboards.
	copies map[copyKey]copies
	// Files are all dashboard files, by the path that Grafana sees.
	Files map[string]bool
	// Served are the directories of the sources that hold dashboards, as Grafana sees them.
	Served []string
	// HasProviders says that the directory of provider files is visible to reloader.
	HasProviders bool

	Alerting []object
	// Absent are the alerting objects that the files delete or reset.
	Absent []key

	Ini       *grafanaini.Expectation
	IniDigest snapshot.Digest

	// Kinds are the kinds of which there are files, by route, each with a fingerprint of its files.
	Kinds map[string]uint64
	// Hidden names, by route, what Grafana does not show. Only the answer to our own reload can prove it.
	Hidden hidden
	// Uncompared says that there is too much to compare.
	Uncompared bool
	// Entries counts what a reload writes, for its timeout.
	Entries int
}

// unreadFile is a dashboard file that Grafana skips.
type unreadFile struct {
	File, Path, Reason string
}

func newExpectation() expectation {
	return expectation{Kinds: map[string]uint64{}, Hidden: hidden{}, Files: map[string]bool{}}
}

// hidden names, by route, what Grafana does not show or reloader cannot compare.
type hidden map[string][]string

func (h hidden) hide(route, what string) {
	if !slices.Contains(h[route], what) {
		h[route] = append(h[route], what)
	}
}

// hide notes that Grafana does not show something.
func (e *expectation) hide(route, what string) { e.Hidden.hide(route, what) }

// expect reads the files as Grafana does. It silently skips what it cannot read, because the
// validator has reported that.
func expect(set *snapshot.Set, facts finding.Facts) expectation {
	known := &dashboardFiles{}
	e := newExpectation()
	data, alerts := newDatasourceReader(), newAlertingReader()
	for _, s := range set.Snapshots {
		kind, ok := grafana.KindOf(s.Source.Name)
		if !ok {
			e.readIni(s, facts)
			continue
		}
		e.count(kind, s)
		switch kind.Name {
		case grafana.Datasources:
			e.eachFile(s, kind, facts, data.read)
		case grafana.Alerting:
			e.eachFile(s, kind, facts, alerts.read)
		case grafana.Plugins, grafana.Notifiers:
			if len(s.Files) > 0 {
				e.hide(kind.Route, "everything in "+kind.Name+"/")
			}
			e.Entries += len(s.Files)
		case grafana.Dashboards:
			if s.Source.Name == grafana.Dashboards {
				e.HasProviders = true
				e.eachFile(s, kind, facts, e.readProviders)
			}
			e.readDashboards(s, known)
		}
	}
	data.finish(&e)
	alerts.finish(&e)
	e.assignProviders()
	return e
}

// count adds the files of a source to the fingerprint of its kind.
func (e *expectation) count(kind grafana.Kind, s *snapshot.Snapshot) {
	if len(s.Files) == 0 && s.Source.Name != grafana.Dashboards {
		return
	}
	var b strings.Builder
	for _, f := range s.Files {
		b.WriteString(s.Source.Name + "/" + f.Name + "\x00" + f.Digest.String() + "\n")
	}
	e.Kinds[kind.Route] = e.Kinds[kind.Route]*31 + max(finding.Fingerprint(b.String()), 1)
}

// eachFile decodes the YAML files of a kind in Grafana's order.
func (e *expectation) eachFile(s *snapshot.Snapshot, kind grafana.Kind, facts finding.Facts, read func(*provisioning.Decoder, *provisioning.Map, string)) {
	version := grafana.ParseVersion(facts.Version)
	dialect := provisioning.V3
	if version.Before(grafana.Version{Major: 9, Minor: 4}) {
		dialect = provisioning.V2
	}
	for _, f := range s.Files {
		if strings.Contains(f.Name, "/") || !kind.Reads(f.Name) {
			continue
		}
		b, ok := s.Bytes(f.Name)
		if !ok {
			continue
		}
		root, serr := provisioning.Parse(b)
		if serr != nil || root == nil {
			continue
		}
		d := &provisioning.Decoder{
			Dialect: dialect, TypedJSON: version.AtLeast(grafana.Version{Major: 10}),
			Env: &expand.Env{Same: facts.SameEnv}, Report: func(finding.Finding) {},
		}
		if m, ok := d.Map(root, "the file"); ok {
			read(d, m, path.Join(s.Source.Name, f.Name))
		}
	}
}

func (e *expectation) readIni(s *snapshot.Snapshot, facts finding.Facts) {
	for _, f := range s.Files {
		if b, ok := s.Bytes(f.Name); ok {
			e.Ini = grafanaini.Expect(b, grafanaini.Options{Version: facts.Version, Env: expand.Env{Same: facts.SameEnv}})
			e.IniDigest = f.Digest
		}
	}
}
