package driver

import (
	"maps"
	"path"
	"slices"
	"strings"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/paths"
	"reloader/internal/snapshot"
)

// providerEntry is an entry of a file of dashboard providers.
type providerEntry struct {
	org  int64
	name string // empty when it is not known
	path string // absolute; empty when it is not known
	// folder is the title of the folder that all its dashboards go to, and folderUID its uid; byFolder says that
	// there is one, empty meaning General.
	folder, folderUID string
	byFolder          bool
	// keeps says that dashboards whose files went stay in Grafana.
	keeps bool
	// visible says that reloader sees its directory.
	visible bool
}

// dashboard is one JSON file that Grafana will not skip.
type dashboard struct {
	file       string
	path       string // as Grafana sees it
	org        int64
	uid, title string
	checksum   string // MD5 of the file, as Grafana stores it
	// content is a fingerprint of the JSON without what Grafana sets itself; 0 when only the
	// checksum can be compared.
	content uint64
	// providers are those that read the file: one but for a mistake. namesakes says that another one has its name.
	providers []*providerEntry
	namesakes bool
}

func (e *expectation) readProviders(d *provisioning.Decoder, m *provisioning.Map, _ string) {
	for _, p := range d.Items(m.Get("providers"), "providers") {
		e.entries++
		found := providerEntry{org: 1}
		if org := d.Int(p, "orgId"); org.Known || !org.Set {
			found.org = max(org.Value, 1)
		}
		if name := d.Text(p, "name"); name.Known {
			found.name = name.Text
		}
		folder, uid := d.Text(p, "folder"), d.Text(p, "folderUid")
		found.folder, found.folderUID, found.byFolder = folder.Text, uid.Text, folder.Known && uid.Known
		keeps := d.Bool(p, "disableDeletion")
		found.keeps = keeps.Value || keeps.Set && !keeps.Known
		if options, ok := d.Map(p.Get("options"), "options"); ok {
			dir := d.Text(options, "path")
			if !dir.Set {
				dir = d.Text(options, "folder") // the old name
			}
			if dir.Known && path.IsAbs(dir.Text) {
				found.path = path.Clean(dir.Text)
			}
			if options.Has("foldersFromFilesStructure") {
				found.byFolder = false
			}
		}
		e.providers = append(e.providers, found)
	}
	if len(e.providers) > 0 {
		e.hide("dashboards", "how providers poll, delete and may be edited")
	}
}

func (e *expectation) readDashboards(s *snapshot.Snapshot, known *dashboardFiles) {
	for _, f := range s.Files {
		if path.Ext(f.Name) != ".json" {
			continue
		}
		e.entries++
		file, at := path.Join(s.Source.Name, f.Name), s.Source.ServerPath(f.Name)
		e.files[at] = true
		found, reason := known.read(s, f)
		if reason != "" {
			e.unread = append(e.unread, unreadFile{file, at, reason})
			continue
		}
		found.file, found.path = file, at
		e.dashboards = append(e.dashboards, found)
	}
	e.served = append(e.served, path.Clean(s.Source.ServerPath(".")))
}

// owns says that a provider reads a file.
func (p providerEntry) owns(file string) bool {
	return p.path != "" && paths.Inside(file, p.path) && !hiddenBelow(file, p.path)
}

// hiddenBelow says that a directory below the provider's has a name with a leading dot, which Grafana skips.
func hiddenBelow(file, dir string) bool {
	rest := strings.TrimPrefix(path.Dir(file)+"/", strings.TrimSuffix(dir, "/")+"/")
	return strings.HasPrefix(rest, ".") || strings.Contains(rest, "/.")
}

// assignProviders finds the providers that read each file, and drops files that none is known to read. A file that
// providers of several organizations read is a dashboard in each of them.
func (e *expectation) assignProviders() {
	names := map[string]int{}
	for _, p := range e.providers {
		names[p.name]++
	}
	var found []dashboard
	for _, d := range e.dashboards {
		byOrg := map[int64][]*providerEntry{}
		for i, p := range e.providers {
			if p.owns(d.path) {
				byOrg[p.org] = append(byOrg[p.org], &e.providers[i])
			}
		}
		for _, org := range slices.Sorted(maps.Keys(byOrg)) {
			d.org, d.providers = org, byOrg[org]
			d.namesakes = slices.ContainsFunc(d.providers, func(p *providerEntry) bool { return p.name != "" && names[p.name] > 1 })
			found = append(found, d)
		}
	}
	e.dashboards = found
	e.unread = slices.DeleteFunc(e.unread, func(f unreadFile) bool {
		return !slices.ContainsFunc(e.providers, func(p providerEntry) bool { return p.owns(f.path) })
	})
	for i, p := range e.providers {
		e.providers[i].visible = p.path != "" && slices.ContainsFunc(e.served, func(dir string) bool { return paths.Inside(p.path, dir) })
		if !e.providers[i].visible {
			e.hide("dashboards", "the dashboards of providers whose directory reloader does not see")
		}
	}
}

// indexDashboards notes which dashboards have the same uid.
func (e *expectation) indexDashboards() {
	e.byUID = make(map[key][]int, len(e.dashboards))
	for i, d := range e.dashboards {
		k := key{org: d.org, id: d.uid}
		e.byUID[k] = append(e.byUID[k], i)
	}
}
