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
	Org  int64
	Name string // empty when it is not known
	Path string // absolute; empty when it is not known
	// Folder is the title of the folder for all its dashboards, and FolderUID its uid. ByFolder says that there is one
	// such folder; it is General if Folder is empty.
	Folder, FolderUID string
	ByFolder          bool
	// Keeps says that dashboards stay in Grafana after their files were removed.
	Keeps bool
	// Visible says that its directory is visible to reloader.
	Visible bool
}

// dashboard is one JSON file that can be a dashboard.
type dashboard struct {
	File       string
	Path       string // as Grafana sees it
	Org        int64
	UID, Title string
	Checksum   string // MD5 of the file, as Grafana stores it
	// Content is a fingerprint of the JSON without what Grafana sets itself; 0 when only the
	// checksum can be compared.
	Content uint64 `json:",omitempty"`
	// Providers are the indexes of those that read the file: one, unless there is a mistake. Namesakes says that another
	// provider has the same name.
	Providers []int
	Namesakes bool `json:",omitempty"`
	// Skipped is the validator's rule that says why Grafana will not store it; empty when it will.
	Skipped string `json:",omitempty"`
}

func (e *expectation) readProviders(d *provisioning.Decoder, m *provisioning.Map, _ string) {
	for _, p := range d.Items(m.Get("providers"), "providers") {
		e.Entries++
		found := providerEntry{Org: 1}
		if org := d.Int(p, "orgId"); org.Known || !org.Set {
			found.Org = max(org.Value, 1)
		}
		if name := d.Text(p, "name"); name.Known {
			found.Name = name.Text
		}
		folder, uid := d.Text(p, "folder"), d.Text(p, "folderUid")
		found.Folder, found.FolderUID, found.ByFolder = folder.Text, uid.Text, folder.Known && uid.Known
		keeps := d.Bool(p, "disableDeletion")
		found.Keeps = keeps.Value || keeps.Set && !keeps.Known
		if options, ok := d.Map(p.Get("options"), "options"); ok {
			dir := d.Text(options, "path")
			if !dir.Set {
				dir = d.Text(options, "folder") // the old name
			}
			if dir.Known && path.IsAbs(dir.Text) {
				found.Path = path.Clean(dir.Text)
			}
			if options.Has("foldersFromFilesStructure") {
				found.ByFolder = false
			}
		}
		e.Providers = append(e.Providers, found)
	}
	if len(e.Providers) > 0 {
		e.hide("dashboards", "how providers poll, delete and may be edited")
	}
}

func (e *expectation) readDashboards(s *snapshot.Snapshot, known *dashboardFiles) {
	for _, f := range s.Files {
		if path.Ext(f.Name) != ".json" {
			continue
		}
		e.Entries++
		file, at := path.Join(s.Source.Name, f.Name), s.Source.ServerPath(f.Name)
		e.Files[at] = true
		found, reason := known.read(s, f)
		if reason != "" {
			e.Unread = append(e.Unread, unreadFile{file, at, reason})
			continue
		}
		found.File, found.Path = file, at
		e.Dashboards = append(e.Dashboards, found)
	}
	e.Served = append(e.Served, path.Clean(s.Source.ServerPath(".")))
}

// owns says whether a provider reads a file.
func (p providerEntry) owns(file string) bool {
	return p.Path != "" && paths.Inside(file, p.Path) && !hiddenBelow(file, p.Path)
}

// hiddenBelow says whether a directory below the provider's has a name with a leading dot, which Grafana skips.
func hiddenBelow(file, dir string) bool {
	rest := strings.TrimPrefix(path.Dir(file)+"/", strings.TrimSuffix(dir, "/")+"/")
	return strings.HasPrefix(rest, ".") || strings.Contains(rest, "/.")
}

// assignProviders finds the providers that read each file, and drops files that no known provider reads. A file that
// providers of several organizations read is a dashboard in each of them.
func (e *expectation) assignProviders() {
	names := map[string]int{}
	for _, p := range e.Providers {
		names[p.Name]++
	}
	var found []dashboard
	for _, d := range e.Dashboards {
		byOrg := map[int64][]int{}
		for i, p := range e.Providers {
			if p.owns(d.Path) {
				byOrg[p.Org] = append(byOrg[p.Org], i)
			}
		}
		for _, org := range slices.Sorted(maps.Keys(byOrg)) {
			d.Org, d.Providers = org, byOrg[org]
			d.Namesakes = slices.ContainsFunc(d.Providers, func(i int) bool { name := e.Providers[i].Name; return name != "" && names[name] > 1 })
			found = append(found, d)
		}
	}
	e.Dashboards = found
	e.Unread = slices.DeleteFunc(e.Unread, func(f unreadFile) bool {
		return !slices.ContainsFunc(e.Providers, func(p providerEntry) bool { return p.owns(f.Path) })
	})
	for i, p := range e.Providers {
		e.Providers[i].Visible = p.Path != "" && slices.ContainsFunc(e.Served, func(dir string) bool { return paths.Inside(p.Path, dir) })
		if !e.Providers[i].Visible {
			e.hide("dashboards", "the dashboards of providers whose directory reloader does not see")
		}
	}
}

// copyKey names the dashboards of an organization with the same uid and contents.
type copyKey struct {
	key
	checksum string
}

// copies are such dashboards: the index of the first one, and the indexes of all providers that read one of them.
type copies struct {
	first     int
	providers []int
}

// indexDashboards fills byUID, and copies for each uid that several dashboards share: without it, a comparison of ten
// thousand dashboards with one uid takes 40 s.
func (e *expectation) indexDashboards() {
	e.byUID, e.copies = make(map[key][]int, len(e.Dashboards)), map[copyKey]copies{}
	for i, d := range e.Dashboards {
		k := key{Org: d.Org, ID: d.UID}
		e.byUID[k] = append(e.byUID[k], i)
	}
	for i, d := range e.Dashboards {
		k := copyKey{key{Org: d.Org, ID: d.UID}, d.Checksum}
		if d.UID == "" || len(e.byUID[k.key]) < 2 {
			continue
		}
		c, ok := e.copies[k]
		if !ok {
			c.first = i
		}
		for _, p := range d.Providers {
			if !slices.Contains(c.providers, p) {
				c.providers = append(c.providers, p)
			}
		}
		e.copies[k] = c
	}
}
