package validator

import (
	"strconv"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

var (
	guardAllGone          = validation.NewRule("guard-dashboards-all-gone")
	guardProviderRenamed  = validation.NewRule("guard-provider-renamed")
	ruleDashUIDChanged    = validation.NewRule("dashboard-uid-changed")
	ruleDashStays         = validation.NewRule("dashboard-removed-stays")
	ruleProviderFolderOut = validation.NewRule("provider-folder-dropped")
	ruleProviderFolderNew = validation.NewRule("provider-folder-changed")
)

// guardProviders compares the providers with those that run. A reload deletes all dashboards of a
// provider that is no longer named, whatever the reason: a misspelled key, an emptied file, a missing directory.
func guardProviders(p *validation.Pass, s *snapshot.Snapshot, views []*providerView) {
	here := validation.Place{Path: grafana.Dashboards}
	if s != nil {
		here.Path = s.Source.UserPath("")
	}
	now := map[string]*providerView{}
	byPath := map[string]*providerView{}
	for _, v := range views {
		now[validation.Label(v.name)] = v
		byPath[v.pathRaw] = v
	}
	was := map[string]bool{}
	before := p.Before(itemProvider)
	for _, old := range before {
		was[old.Name] = true
	}
	for _, old := range before {
		if old.Attrs["files"] == "0" {
			continue // nothing to lose
		}
		v := now[old.Name]
		if v == nil {
			providerGone(p, here, s, old, byPath, was)
			continue
		}
		if v.visible && len(v.files) == 0 && old.Attrs["files"] != "" && !v.disableDeletion {
			p.Guard(v.pathAt, guardAllGone, "", "all dashboards of the provider %q are gone from its path: Grafana would delete them", old.Name)
		}
		if old.Attrs["folder"] != "" && !v.folder.Set && !v.fromFiles && p.Version.AtLeast(validation.V12) {
			p.Warnf(v.at, ruleProviderFolderOut, "", "folder was removed: the dashboards stay in the old folder")
		}
		if was, is := old.Attrs["folder"], validation.Label(v.folder); was != "" && is != "" && was != is && p.Version.AtLeast(validation.V13) {
			p.Warnf(v.file.At(v.folder.Node), ruleProviderFolderNew, "move them by hand, or change their files too", "folder was changed: since Grafana 13 dashboards whose files did not change stay in the old folder")
		}
	}
	uidChanges(p, views)
	removedDashboards(p, views)
}

// removedDashboards names dashboards that stay because of disableDeletion although their files were removed.
func removedDashboards(p *validation.Pass, views []*providerView) {
	gone := map[string][]string{} // by the provider's label
	for _, i := range p.Before(itemDashboard) {
		gone[i.Attrs["provider"]] = append(gone[i.Attrs["provider"]], i.Attrs["file"])
	}
	for _, v := range views {
		if !v.disableDeletion || !v.visible {
			continue
		}
		there := map[string]bool{}
		for _, f := range v.files {
			there[f.rel] = true
		}
		for _, file := range gone[validation.Label(v.name)] {
			if !there[file] {
				p.Warnf(v.at, ruleDashStays, "delete it by hand", "%s was removed, but its dashboard stays in Grafana because of disableDeletion", strconv.Quote(validation.Cut(file)))
			}
		}
	}
}

func providerGone(p *validation.Pass, here validation.Place, s *snapshot.Snapshot, old finding.Item, byPath map[string]*providerView, was map[string]bool) {
	if v := byPath[old.Attrs["path"]]; v != nil && !was[validation.Label(v.name)] {
		p.Guard(v.at, guardProviderRenamed, "keep the name", "the provider %q was renamed: Grafana deletes its dashboards and creates new ones, without their versions, stars and permissions", old.Name)
		return
	}
	p.Guard(fileOf(old, s, here), guardAllGone, "look for a misspelled 'providers' key, an emptied file or a missing directory", "the provider %q is no longer named: Grafana would delete all its dashboards", old.Name)
}

func uidChanges(p *validation.Pass, views []*providerView) {
	old := map[string]string{}
	for _, i := range p.Before(itemDashboard) {
		old[i.Name] = i.Attrs["uid"]
	}
	if len(old) == 0 {
		return
	}
	for _, v := range views {
		for _, d := range v.dashboards {
			uid := old[validation.Label(v.name)+"/"+d.file.rel]
			if uid == "" || d.uid == "" || uid == d.uid {
				continue
			}
			at := validation.Place{Path: d.file.user, Line: 1, Column: 1}
			if p.Version.AtLeast(validation.V12) {
				p.Warnf(at, ruleDashUIDChanged, "keep the uid, or delete the old dashboard by hand", "the uid changed: the old dashboard stays next to the new one")
			} else {
				p.Warnf(at, ruleDashUIDChanged, "keep the uid", "the uid changed: links to the old one break")
			}
		}
	}
}
