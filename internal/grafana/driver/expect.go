package driver

import (
	"encoding/json"
	"path"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana/expand"
	grafanaini "reloader/internal/grafana/ini"
	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validator"
	"reloader/internal/snapshot"
)

// expectation is what the files say that Grafana must have, as names and fingerprints. No value
// of a file is in it.
type expectation struct {
	datasources []datasource
	dashboards  []dashboard
	alerting    []object
	ini         *grafanaini.Expectation
	iniDigest   snapshot.Digest
	// identities is a fingerprint of what the server's own knowledge of data sources could matter
	// for; 0 when it always may.
	identities uint64
	// deleted are data sources that the files delete and do not make again.
	deleted []datasource
	// policies are the contact points of the root policies, by organization.
	policies map[int64]string
	// providerOrgs are the organizations that dashboards go to.
	providerOrgs map[int64]bool
	providers    []providerEntry
	// entries counts what a reload writes, for its timeout.
	entries int
	// loose says that something is in the files that Grafana does not show: secrets, provider
	// settings, plugins. Whether it runs these is not to be seen from outside.
	loose bool
}

// datasource is an entry that the last of all files has the last word on.
type datasource struct {
	file      string // source/name of its file
	org       int64
	name, uid string
	// fields are fingerprints of the values that are known and that Grafana shows.
	fields map[string]uint64
	// dropped are fields that keep their old value in Grafana when the file leaves them out.
	dropped []string
	// secrets are the keys that must be set; secret says that there are some at all.
	secrets []string
	secret  bool
	// versioned entries are skipped by Grafana without a word.
	versioned bool
}

// providerEntry is an entry of a file of dashboard providers.
type providerEntry struct {
	name string
	path string // absolute; empty when it is not known
}

// dashboard is one JSON file that Grafana will not skip.
type dashboard struct {
	file       string
	path       string // as Grafana sees it
	uid, title string
	checksum   string // MD5 of the file, as Grafana stores it
	// content is a fingerprint of the JSON without what Grafana sets itself; 0 when only the
	// checksum can be compared.
	content uint64
}

// object is something of Grafana's alerting that has a name or uid.
type object struct {
	file, kind string
	org        int64
	id         string
	name       string
}

// expect reads the files the way Grafana does. They were judged before, so that what cannot be
// read is left out silently here.
func expect(set *snapshot.Set, facts finding.Facts, boards *boards) expectation {
	e := expectation{policies: map[int64]string{}}
	boards.begin()
	data, alerts := datasourceReader{seen: map[orgName]int{}}, alertingReader{gone: map[object]bool{}}
	for _, s := range set.Snapshots {
		switch roleOf(s.Source.Name) {
		case validator.RoleDatasources:
			e.eachFile(s, facts, data.read)
		case validator.RoleAlerting:
			e.loose = e.loose || len(s.Files) > 0
			e.eachFile(s, facts, alerts.read)
		case validator.RolePlugins, validator.RoleNotifiers:
			e.loose = e.loose || len(s.Files) > 0
			e.entries += len(s.Files)
		case validator.RoleIni:
			e.readIni(s, facts)
		case validator.RoleDashboards:
			if s.Source.Name == validator.RoleDashboards {
				e.loose = e.loose || len(s.Files) > 0
				e.eachFile(s, facts, e.readProviders)
			}
			e.readDashboards(s, boards)
		}
	}
	boards.end()
	data.finish(&e)
	alerts.finish(&e)
	e.keepCertainDashboards()
	return e
}

// eachFile decodes the YAML files of a kind in Grafana's order.
func (e *expectation) eachFile(s *snapshot.Snapshot, facts finding.Facts, read func(*provisioning.Decoder, *provisioning.Map, string)) {
	version := validator.ParseVersion(facts.Version)
	dialect := provisioning.V3
	if version.Before(validator.Version{Major: 9, Minor: 4}) {
		dialect = provisioning.V2
	}
	for _, f := range s.Files {
		ext := path.Ext(f.Name)
		if strings.Contains(f.Name, "/") || ext != ".yaml" && ext != ".yml" && (ext != ".json" || s.Source.Name != validator.RoleAlerting) {
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
			Dialect: dialect, TypedJSON: version.AtLeast(validator.Version{Major: 10}),
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
			e.ini = grafanaini.Expect(b, grafanaini.Options{Version: facts.Version, Env: expand.Env{Same: facts.SameEnv}})
			e.iniDigest = f.Digest
		}
	}
}

// fingerprintJSON is the same for equal JSON, however it was written.
func fingerprintJSON(v any) uint64 {
	b, err := json.Marshal(v)
	if err != nil {
		return 0
	}
	var normal any
	if json.Unmarshal(b, &normal) != nil {
		return 0
	}
	b, _ = json.Marshal(normal)
	return finding.Fingerprint(string(b))
}
