package validator

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/paths"
	"reloader/internal/snapshot"
)

var (
	ruleProviderMissing  = validation.NewRule("provider-path-missing")
	ruleNotVisible       = validation.NewRule("dashboards-not-in-view")
	ruleProviderSkipped  = validation.NewRule("provider-skipped")
	ruleProviderSamePath = validation.NewRule("provider-path-twice")
	ruleProviderUIEdits  = validation.NewRule("provider-allow-ui-updates")
	ruleFolderDepth      = validation.NewRule("provider-folder-depth")
)

func checkDashboards(p *validation.Pass, s *snapshot.Snapshot) {
	if s == nil {
		guardProviders(p, nil, nil)
		return
	}
	var list []*provider
	broken := false
	for _, f := range p.Files(s) {
		prs, ok := readProviders(p, f)
		broken = broken || !ok
		list = append(list, prs...)
	}
	p.TellNothing(len(list) == 0, ruleProviderNothing, "the file has no provider: the dashboards of providers that were removed are deleted")
	checkProviderNames(p, list)
	for _, pr := range list {
		checkProvider(p, pr)
	}
	c := &dashboardCheck{Pass: p, byUID: map[orgKey]*dashboard{}, byTitle: map[string]*dashboard{}, done: map[string]*dashboard{}}
	c.minRefresh, c.noRefresh = minRefresh(p)
	var views []*providerView
	for _, pr := range list {
		views = append(views, view(p, pr))
	}
	c.walk(views)
	checkFolders(p, views)
	checkSamePaths(p, views)
	dropReadJSON(p, s, views)
	for _, v := range views {
		outlineProvider(p, v)
	}
	if !broken {
		guardProviders(p, s, views)
	}
}

// providerView is a provider with the dashboards that reloader can see.
type providerView struct {
	*provider
	// visible says that the directory is visible to reloader, in one of the target's sources.
	visible bool
	// missing says that the directory certainly does not exist: Grafana skips later providers.
	missing bool
	// skipped says that the directory of an earlier provider is missing.
	skipped    bool
	files      []jsonFile
	dashboards []*dashboard
}

// jsonFile is one dashboard file.
type jsonFile struct {
	// rel is the path relative to the provider's, server the path for Grafana, user the path for messages.
	rel, server, user string
	bytes             []byte
}

// view finds the provider's JSON files among the sources.
func view(p *validation.Pass, pr *provider) *providerView {
	v := &providerView{provider: pr}
	if !pr.pathKnown || pr.path == "" {
		return v
	}
	root := path.Clean(pr.path)
	for _, s := range p.Set.Snapshots {
		if s.Source.Name == grafana.Ini {
			continue
		}
		v.collect(p, s, root)
	}
	v.missing = !v.visible && p.Same && !dirExists(p, root)
	switch {
	case v.missing:
		p.Warnf(pr.pathAt, ruleProviderMissing, "create the directory, or correct the path", "the path does not exist: Grafana skips this provider and all later ones, and keeps their dashboards")
	case !v.visible:
		p.Infof(pr.pathAt, ruleNotVisible, "", "reloader does not see this path: its dashboards are not checked")
	}
	return v
}

// collect adds the files of one source that are below the provider's path.
func (v *providerView) collect(p *validation.Pass, s *snapshot.Snapshot, root string) {
	dir := path.Clean(s.Source.ServerPath(""))
	// If the server's path of provisioning files is not configured, they may be in Grafana's default directory.
	if usual := path.Join(defaultProvisioning, s.Source.Name); s.Source.ServerDir == "" && grafana.IsDirectory(s.Source.Name) && paths.Overlap(usual, root) && !paths.Overlap(dir, root) {
		dir = usual
	}
	if !paths.Overlap(dir, root) {
		return // with many providers, looking at each file for each of them takes too long
	}
	if paths.Inside(dir, root) {
		v.visible = true
	}
	for _, f := range s.Files {
		server := path.Join(dir, f.Name)
		rel, below := strings.CutPrefix(server, strings.TrimSuffix(root, "/")+"/")
		if server == root {
			rel, below = path.Base(server), true
		}
		if !below || hiddenDir(rel) {
			continue
		}
		v.visible = true
		if !strings.HasSuffix(rel, ".json") {
			if strings.HasSuffix(strings.ToLower(rel), ".json") {
				p.Warnf(validation.Place{Path: s.Source.UserPath(f.Name), Line: 1, Column: 1}, validation.RuleFileIgnored, "the name must end in .json, in lower case", "Grafana does not read a file with this name")
			}
			continue
		}
		b, ok := s.Bytes(f.Name)
		if !ok {
			p.Err = validation.Unavailable(s, f.Name)
			return
		}
		v.files = append(v.files, jsonFile{rel: rel, server: server, user: s.Source.UserPath(f.Name), bytes: b})
	}
}

// defaultProvisioning is the provisioning directory in Grafana's packages and images.
const defaultProvisioning = "/etc/grafana/provisioning"

// hiddenDir says whether a directory in the path begins with a dot: Grafana skips it.
func hiddenDir(rel string) bool {
	dir := path.Dir(rel)
	return strings.HasPrefix(dir, ".") && dir != "." || strings.Contains(dir, "/.")
}

func dirExists(p *validation.Pass, dir string) bool {
	if p.Opts.DirExists != nil {
		return p.Opts.DirExists(dir)
	}
	_, err := os.Stat(dir)
	return err == nil
}

// walk goes through the providers in the order of a reload and judges every dashboard.
func (c *dashboardCheck) walk(views []*providerView) {
	skipping := false
	for _, v := range views {
		if skipping {
			v.skipped = true
			c.Warnf(v.at, ruleProviderSkipped, "", "the path of an earlier provider does not exist: Grafana does not reach this one")
		}
		skipping = skipping || v.missing
		for _, f := range v.files {
			v.dashboards = append(v.dashboards, c.dashboard(v, f))
		}
		c.depth(v)
		if v.allowUIUpdates && c.Version.AtLeast(validation.V12) {
			c.Infof(v.at, ruleProviderUIEdits, "", "allowUiUpdates: edits made by hand are undone at the next reload or poll")
		}
	}
}

// The default and the bounds of [folder] max_nested_folder_depth.
const maxFolderDepth, leastFolderDepth, mostFolderDepth = 4, 1, 7

// depth checks the nesting of folders: since Grafana 13 each directory is a folder in the one above, up to a limit.
func (c *dashboardCheck) depth(v *providerView) {
	if !v.fromFiles || c.Version.Before(validation.V13) {
		return
	}
	most, known := c.Whole("folder", "max_nested_folder_depth", maxFolderDepth)
	most = min(max(most, leastFolderDepth), mostFolderDepth)
	limit := fmt.Sprintf("at most %d deep", most)
	if !known {
		limit += " unless grafana.ini says otherwise"
	}
	hint := "use fewer directories, or raise [folder] max_nested_folder_depth (7 at most)"
	if most == mostFolderDepth {
		hint = "use fewer directories"
	}
	seen := map[string]bool{}
	for _, f := range v.files {
		dir := path.Dir(f.rel)
		if depth := strings.Count(dir, "/") + 1; depth > most && !seen[dir] {
			seen[dir] = true
			c.Warnf(validation.Place{Path: f.user, Line: 1, Column: 1}, ruleFolderDepth, hint,
				"this file is %d directories below the path, and folders are nested %s: Grafana fails here, and later providers are not read", depth, limit)
		}
	}
}

// checkSamePaths warns of providers that share files.
func checkSamePaths(p *validation.Pass, views []*providerView) {
	first := map[string]*providerView{}
	for _, v := range views {
		if !v.pathKnown || v.path == "" {
			continue
		}
		dir := path.Clean(v.path)
		if other := first[dir]; other != nil {
			p.Warnf(v.pathAt, ruleProviderSamePath, "give each provider its own directory", "%s:%d reads this path too: each dashboard belongs to the provider that read it last", other.pathAt.Path, other.pathAt.Line)
			continue
		}
		first[dir] = v
	}
}

// dropReadJSON drops the findings about JSON files in the directory of provider files that a provider does read.
func dropReadJSON(p *validation.Pass, s *snapshot.Snapshot, views []*providerView) {
	read := map[string]bool{}
	for _, v := range views {
		for _, f := range v.files {
			read[f.user] = true
		}
	}
	p.Findings.Drop(func(f finding.Finding) bool { return f.Rule == validation.RuleFileIgnored && read[f.File] })
}

func outlineProvider(p *validation.Pass, v *providerView) {
	attrs := map[string]string{
		"org": strconv.FormatInt(v.org, 10), "path": v.pathRaw, "folder": validation.Label(v.folder), "folderUid": validation.Label(v.folderUID), "file": v.file.Name,
		"disableDeletion": strconv.FormatBool(v.disableDeletion),
	}
	if v.visible {
		attrs["files"] = strconv.Itoa(len(v.files))
	}
	if v.interval.Known {
		attrs["interval"] = strconv.FormatInt(v.interval.Value, 10)
	}
	p.Item(itemProvider, validation.Label(v.name), validation.FingerprintMap(v.node), attrs)
	for _, d := range v.dashboards {
		p.Item(itemDashboard, validation.Label(v.name)+"/"+d.file.rel, finding.Fingerprint(string(d.file.bytes)), map[string]string{
			"provider": validation.Label(v.name), "file": d.file.rel, "uid": d.uid, "org": attrs["org"],
		})
	}
}
