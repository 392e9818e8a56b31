package validator

import (
	"slices"
	"strings"

	"reloader/internal/grafana/validation"
)

var (
	ruleFolderGeneral   = validation.NewRule("provider-folder-general")
	ruleFolderUID       = validation.NewLastingRule("provider-folder-uid")
	ruleFolderUIDUnused = validation.NewRule("provider-folder-uid-unused")
	ruleFolderUIDDup    = validation.NewRule("provider-folder-uid-duplicate")
	ruleFolderDashboard = validation.NewRule("provider-folder-named-as-dashboard")
)

// checkFolders judges the folder step of each provider, in the order of a reload. An error there
// fails the whole reload, but only if the reload gets that far.
func checkFolders(p *validation.Pass, views []*providerView) {
	f := &folders{Pass: p, uids: map[orgKey]*providerView{}, general: map[orgKey]*dashboard{}, made: map[orgKey]bool{}}
	for _, v := range views {
		f.provider(v)
	}
}

type folders struct {
	*validation.Pass
	uids map[orgKey]*providerView
	// general are the dashboards in the General folder so far, by the slug of their titles.
	general map[orgKey]*dashboard
	// made are the folders so far, by the slug of their titles.
	made map[orgKey]bool
}

func (f *folders) provider(v *providerView) {
	titles := f.titles(v)
	if len(titles) == 0 && v.folderUID.Set && !v.folderUID.Empty() && !v.fromFiles {
		f.Warnf(v.file.At(v.folderUID.Node), ruleFolderUIDUnused, "write folder too", "folderUid without folder has no effect")
	}
	for _, title := range titles {
		f.folder(v, title)
	}
	for _, d := range v.dashboards {
		if d.stored() && d.folder == "" && !v.skipped {
			f.general[orgKey{v.org, slug(d.title)}] = d
		}
	}
}

// titles are the folders that the provider's step finds or creates.
func (f *folders) titles(v *providerView) []string {
	if !v.fromFiles {
		if !v.folder.Known || v.folder.Text == "" {
			return nil
		}
		return []string{v.folder.Text}
	}
	var out []string
	for _, file := range v.files {
		if t := folderOf(f.Pass, v, file); t != "" {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// fail reports an error in the folder step, or a warning if the reload does not get that far.
func (f *folders) fail(v *providerView, at validation.Place, rule, hint, why string) {
	if v.skipped || v.missing {
		f.Warnf(at, rule, hint, "%s: Grafana fails here once the missing paths exist", why)
		return
	}
	f.Errorf(at, rule, hint, "%s: the reload fails here, and later providers are not read", why)
}

func (f *folders) folder(v *providerView, title string) {
	at := v.at
	if v.folder.Node != nil && !v.fromFiles {
		at = v.file.At(v.folder.Node)
	}
	key := orgKey{v.org, slug(title)}
	exists := false
	if f.Version.Before(validation.V12) {
		exists = f.made[key] || f.existing(key)
		if strings.EqualFold(title, "General") {
			f.fail(v, at, ruleFolderGeneral, "remove folder to use the General folder", "no folder can be called General")
			return
		}
		if d := f.general[key]; d != nil && !exists {
			f.fail(v, at, ruleFolderDashboard, "rename the folder or the dashboard", "the folder has the same name as the dashboard "+d.file.user+" in General")
			return
		}
		if !exists && f.liveDashboard(key) {
			f.fail(v, at, ruleFolderDashboard, "rename the folder or the dashboard", "the folder has the same name as a dashboard in General")
			return
		}
	}
	f.uid(v, title, exists)
	f.made[key] = true
}

// uid judges folderUid. exists says that the folder exists before Grafana 12: then folderUid has no effect.
func (f *folders) uid(v *providerView, title string, exists bool) {
	uid := v.folderUID
	if !uid.Known || uid.Text == "" || exists {
		return
	}
	at := v.file.At(uid.Node)
	if !validation.UidFits(uid.Text) {
		f.fail(v, at, ruleFolderUID, "use letters, digits, - and _, at most 40", "this folderUid is not allowed")
		return
	}
	if uid.Text == "general" && f.Version.AtLeast(validation.V9) {
		f.fail(v, at, ruleFolderUID, "use another folderUid", "folderUid cannot be general")
		return
	}
	key := orgKey{v.org, uid.Text}
	other := f.uids[key]
	if other == nil {
		f.uids[key] = v
		return
	}
	if other.folder.Text == title {
		return
	}
	switch {
	case f.Version.Before(validation.V9):
		f.fail(v, at, ruleFolderUIDDup, "use another folderUid", "another folder has this folderUid")
	case f.Version.Before(validation.V12):
		f.Warnf(at, ruleFolderUIDDup, "use another folderUid", "%s:%d has this folderUid for another folder: that one is renamed, and all dashboards end up in one", other.at.Path, other.at.Line)
	default:
		f.Warnf(at, ruleFolderUIDDup, "use another folderUid", "%s:%d has this folderUid for another folder: all dashboards end up in that one", other.at.Path, other.at.Line)
	}
}

// existing says whether the server is known to have the folder.
func (f *folders) existing(key orgKey) bool {
	return f.Live != nil && slices.ContainsFunc(f.Live.Folders, func(l validation.Folder) bool {
		return l.OrgID == key.org && slug(l.Title) == key.name
	})
}

func (f *folders) liveDashboard(key orgKey) bool {
	return f.Live != nil && slices.ContainsFunc(f.Live.Dashboards, func(l validation.Dashboard) bool {
		return l.OrgID == key.org && l.FolderUID == "" && slug(l.Title) == key.name
	})
}

// slug is the form in which older Grafana versions compare titles.
func slug(title string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(title) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 127 {
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		} else {
			dash = true
		}
	}
	return b.String()
}
