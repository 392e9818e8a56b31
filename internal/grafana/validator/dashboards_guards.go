package validator

import (
	"strconv"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

var (
	guardAllGone          = newRule("guard-dashboards-all-gone")
	guardProviderRenamed  = newRule("guard-provider-renamed")
	ruleDashUIDChanged    = newRule("dashboard-uid-changed")
	ruleDashStays         = newRule("dashboard-removed-stays")
	ruleProviderFolderOut = newRule("provider-folder-dropped")
	ruleProviderFolderNew = newRule("provider-folder-changed")
)

// guardProviders compares with what runs. A reload deletes all dashboards of providers that are
// no longer named, whatever the reason: a misspelled key, an emptied file, a missing directory.
func (p *validation) guardProviders(s *snapshot.Snapshot, views []*providerView) {
	here := place{path: RoleDashboards}
	if s != nil {
		here.path = s.Source.UserPath("")
	}
	now := map[string]*providerView{}
	byPath := map[string]*providerView{}
	for _, v := range views {
		now[label(v.name)] = v
		byPath[v.pathRaw] = v
	}
	was := map[string]bool{}
	before := p.before(itemProvider)
	for _, old := range before {
		was[old.Name] = true
	}
	for _, old := range before {
		if old.Attrs["files"] == "0" {
			continue // nothing to lose
		}
		v := now[old.Name]
		if v == nil {
			p.providerGone(here, s, old, byPath, was)
			continue
		}
		if v.inView && len(v.files) == 0 && old.Attrs["files"] != "" && !v.disableDeletion {
			p.guard(v.pathAt, guardAllGone, "", "all dashboards of the provider %q are gone from its path: Grafana would delete them", old.Name)
		}
		if old.Attrs["folder"] != "" && !v.folder.Set && !v.fromFiles && p.version.AtLeast(v12) {
			p.warnf(v.at, ruleProviderFolderOut, "", "folder was removed: the dashboards stay in the old folder")
		}
		if was, is := old.Attrs["folder"], label(v.folder); was != "" && is != "" && was != is && p.version.AtLeast(v13) {
			p.warnf(v.file.at(v.folder.Node), ruleProviderFolderNew, "move them by hand, or change their files too", "folder was changed: since Grafana 13 dashboards whose files did not change stay in the old folder")
		}
	}
	p.uidChanges(views)
	p.removedDashboards(views)
}

// removedDashboards names what a provider with disableDeletion leaves behind when its file goes.
func (p *validation) removedDashboards(views []*providerView) {
	gone := map[string][]string{} // by the provider's label
	for _, i := range p.before(itemDashboard) {
		gone[i.Attrs["provider"]] = append(gone[i.Attrs["provider"]], i.Attrs["file"])
	}
	for _, v := range views {
		if !v.disableDeletion || !v.inView {
			continue
		}
		there := map[string]bool{}
		for _, f := range v.files {
			there[f.rel] = true
		}
		for _, file := range gone[label(v.name)] {
			if !there[file] {
				p.warnf(v.at, ruleDashStays, "delete it by hand", "%s was removed, but its dashboard stays in Grafana because of disableDeletion", strconv.Quote(cut(file)))
			}
		}
	}
}

func (p *validation) providerGone(here place, s *snapshot.Snapshot, old finding.Item, byPath map[string]*providerView, was map[string]bool) {
	if v := byPath[old.Attrs["path"]]; v != nil && !was[label(v.name)] {
		p.guard(v.at, guardProviderRenamed, "keep the name", "the provider %q was renamed: Grafana deletes its dashboards and creates new ones, without their versions, stars and permissions", old.Name)
		return
	}
	at := here
	if name := old.Attrs["file"]; s != nil && name != "" {
		if _, there := s.File(name); there {
			at = place{path: s.Source.UserPath(name), line: 1, column: 1}
		}
	}
	p.guard(at, guardAllGone, "look for a misspelled 'providers' key, an emptied file or a missing directory", "the provider %q is no longer named: Grafana would delete all its dashboards", old.Name)
}

func (p *validation) uidChanges(views []*providerView) {
	old := map[string]string{}
	for _, i := range p.before(itemDashboard) {
		old[i.Name] = i.Attrs["uid"]
	}
	if len(old) == 0 {
		return
	}
	for _, v := range views {
		for _, d := range v.dashboards {
			uid := old[label(v.name)+"/"+d.file.rel]
			if uid == "" || d.uid == "" || uid == d.uid {
				continue
			}
			at := place{path: d.file.user, line: 1, column: 1}
			if p.version.AtLeast(v12) {
				p.warnf(at, ruleDashUIDChanged, "keep the uid, or delete the old dashboard by hand", "the uid changed: the old dashboard stays beside the new one")
			} else {
				p.warnf(at, ruleDashUIDChanged, "keep the uid", "the uid changed: links to the old one break")
			}
		}
	}
}
