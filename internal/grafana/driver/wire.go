package driver

import (
	"encoding/json"
	"fmt"

	grafanaini "reloader/internal/grafana/ini"
	"reloader/internal/snapshot"
)

// The forms here carry an Expected from the process that judges files to the daemon. Both are the same program.

type wire struct {
	Facts       expectedFor
	Datasources []wireDatasource    `json:",omitempty"`
	Deleted     []wireKey           `json:",omitempty"`
	Identities  uint64              `json:",omitempty"`
	Dashboards  []wireDashboard     `json:",omitempty"`
	Providers   []wireProvider      `json:",omitempty"`
	Unread      [][3]string         `json:",omitempty"`
	Files       []string            `json:",omitempty"`
	Served      []string            `json:",omitempty"`
	Provided    bool                `json:",omitempty"`
	Alerting    []wireObject        `json:",omitempty"`
	Absent      []wireKey           `json:",omitempty"`
	Ini         json.RawMessage     `json:",omitempty"`
	IniDigest   snapshot.Digest     `json:",omitempty"`
	Kinds       map[string]uint64   `json:",omitempty"`
	Hidden      map[string][]string `json:",omitempty"`
	Entries     int                 `json:",omitempty"`
	Uncompared  bool                `json:",omitempty"`
}

type wireKey struct {
	Kind string `json:"k,omitempty"`
	Org  int64  `json:"o,omitempty"`
	ID   string `json:"i,omitempty"`
}

type wireField struct {
	Name   string            `json:"n"`
	Sum    uint64            `json:"s,omitempty"`
	Leaves map[string]uint64 `json:"l"`
}

type wireDatasource struct {
	File, UID                                      string
	Key                                            wireKey
	Contents                                       []wireField
	Old, AllSecrets, Versioned, Default, DefaultIs bool     `json:",omitempty"`
	Prune, UnsureCorrelations                      bool     `json:",omitempty"`
	Secrets                                        []string `json:",omitempty"`
	Correlations                                   []uint64 `json:",omitempty"`
}

type wireDashboard struct {
	File, Path, UID, Title, Checksum string
	Org                              int64
	Content                          uint64 `json:",omitempty"`
	// Providers are the places of its providers.
	Providers []int
	Namesakes bool `json:",omitempty"`
}

type wireProvider struct {
	Org                           int64
	Name, Path, Folder, FolderUID string `json:",omitempty"`
	ByFolder, Keeps, Visible      bool   `json:",omitempty"`
}

type wireObject struct {
	File     string
	Key      wireKey
	Contents []wireField
}

// MarshalJSON implements json.Marshaler. What is too large says so, in place of what it would say.
func (e *Expected) MarshalJSON() ([]byte, error) {
	b, err := e.encode()
	if err != nil || len(b) <= maxExpected {
		return b, err
	}
	small := &Expected{facts: e.facts, files: e.files.tooLarge()}
	return small.encode()
}

func (e *Expected) encode() ([]byte, error) {
	f := e.files
	w := wire{Facts: e.facts, Identities: f.identities, Served: f.served, Provided: f.hasProviders, IniDigest: f.iniDigest, Kinds: f.kinds, Hidden: f.hidden, Entries: f.entries, Uncompared: f.uncompared}
	for _, d := range f.datasources {
		w.Datasources = append(w.Datasources, wireDatasource{File: d.file, UID: d.uid, Key: wireKey{Org: d.key.org, ID: d.key.name}, Contents: toWire(d.contents), Old: d.old,
			AllSecrets: d.allSecrets, Versioned: d.versioned, DefaultIs: d.isDefault, Default: d.defaultWritten, Prune: d.prune, UnsureCorrelations: d.unsureCorrelations,
			Secrets: d.secrets, Correlations: d.correlations})
	}
	for _, d := range f.deleted {
		w.Deleted = append(w.Deleted, wireKey{Org: d.org, ID: d.name})
	}
	place := map[*providerEntry]int{}
	for i := range f.providers {
		p := &f.providers[i]
		place[p] = i
		w.Providers = append(w.Providers, wireProvider{Org: p.org, Name: p.name, Path: p.path, Folder: p.folder, FolderUID: p.folderUID, ByFolder: p.byFolder, Keeps: p.keeps, Visible: p.visible})
	}
	for _, d := range f.dashboards {
		one := wireDashboard{File: d.file, Path: d.path, UID: d.uid, Title: d.title, Checksum: d.checksum, Org: d.org, Content: d.content, Namesakes: d.namesakes}
		for _, p := range d.providers {
			one.Providers = append(one.Providers, place[p])
		}
		w.Dashboards = append(w.Dashboards, one)
	}
	for _, u := range f.unread {
		w.Unread = append(w.Unread, [3]string{u.file, u.path, u.reason})
	}
	for name := range f.files {
		w.Files = append(w.Files, name)
	}
	for _, o := range f.alerting {
		w.Alerting = append(w.Alerting, wireObject{File: o.file, Key: wireKey{o.kind, o.org, o.id}, Contents: toWire(o.contents)})
	}
	for _, k := range f.absent {
		w.Absent = append(w.Absent, wireKey{k.kind, k.org, k.id})
	}
	if f.ini != nil {
		b, err := json.Marshal(f.ini)
		if err != nil {
			return nil, fmt.Errorf("encode what grafana.ini says: %w", err)
		}
		w.Ini = b
	}
	return json.Marshal(w)
}

func toWire(c contents) []wireField {
	out := make([]wireField, len(c))
	for i, f := range c {
		out[i] = wireField{f.name, f.sum, f.leaves}
	}
	return out
}

func fromWire(list []wireField) contents {
	out := make(contents, len(list))
	for i, f := range list {
		out[i] = field{f.Name, f.Sum, f.Leaves}
	}
	return out
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Expected) UnmarshalJSON(b []byte) error {
	if len(b) > maxExpected {
		return fmt.Errorf("more than %d bytes", maxExpected)
	}
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	f := expectation{identities: w.Identities, served: w.Served, hasProviders: w.Provided, iniDigest: w.IniDigest, kinds: w.Kinds, hidden: w.Hidden, entries: w.Entries, files: map[string]bool{}, uncompared: w.Uncompared}
	if f.kinds == nil {
		f.kinds = map[string]uint64{}
	}
	if f.hidden == nil {
		f.hidden = map[string][]string{}
	}
	for _, d := range w.Datasources {
		f.datasources = append(f.datasources, datasource{file: d.File, uid: d.UID, key: orgName{d.Key.Org, d.Key.ID}, contents: fromWire(d.Contents), old: d.Old,
			allSecrets: d.AllSecrets, versioned: d.Versioned, isDefault: d.DefaultIs, defaultWritten: d.Default, prune: d.Prune, unsureCorrelations: d.UnsureCorrelations,
			secrets: d.Secrets, correlations: d.Correlations})
	}
	for _, d := range w.Deleted {
		f.deleted = append(f.deleted, orgName{d.Org, d.ID})
	}
	for _, p := range w.Providers {
		f.providers = append(f.providers, providerEntry{org: p.Org, name: p.Name, path: p.Path, folder: p.Folder, folderUID: p.FolderUID, byFolder: p.ByFolder, keeps: p.Keeps, visible: p.Visible})
	}
	for _, d := range w.Dashboards {
		one := dashboard{file: d.File, path: d.Path, uid: d.UID, title: d.Title, checksum: d.Checksum, org: d.Org, content: d.Content, namesakes: d.Namesakes}
		for _, i := range d.Providers {
			if i < 0 || i >= len(f.providers) {
				return fmt.Errorf("dashboard %s of a provider that is not there", d.File)
			}
			one.providers = append(one.providers, &f.providers[i])
		}
		if len(one.providers) == 0 {
			return fmt.Errorf("dashboard %s without a provider", d.File)
		}
		f.dashboards = append(f.dashboards, one)
	}
	f.indexDashboards()
	for _, u := range w.Unread {
		f.unread = append(f.unread, unreadFile{u[0], u[1], u[2]})
	}
	for _, name := range w.Files {
		f.files[name] = true
	}
	for _, o := range w.Alerting {
		f.alerting = append(f.alerting, object{file: o.File, kind: o.Key.Kind, org: o.Key.Org, id: o.Key.ID, contents: fromWire(o.Contents)})
	}
	for _, k := range w.Absent {
		f.absent = append(f.absent, key{k.Kind, k.Org, k.ID})
	}
	if len(w.Ini) > 0 {
		f.ini = &grafanaini.Expectation{}
		if err := json.Unmarshal(w.Ini, f.ini); err != nil {
			return fmt.Errorf("what grafana.ini says: %w", err)
		}
	}
	e.facts, e.files = w.Facts, f
	return nil
}
