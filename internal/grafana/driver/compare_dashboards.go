package driver

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"reloader/internal/grafana"
)

const (
	causeFolder = "Grafana leaves a dashboard in its folder when the provider's folder is removed, and since 13 when it is changed: change the dashboard's file, or move it in Grafana."
	causeShared = "Several files have this uid, and Grafana shows one of them: give each dashboard a uid of its own."
	causeNames  = "Several providers have the same name, and each takes over the dashboards of the others: give each a name of its own."
	causeUnread = "Grafana skips such a file, says so only in its log, and keeps the dashboard that it had: correct the file."
)

// compareDashboards compares files by the checksum that Grafana stores since 12.4, and on earlier
// versions by uid and content.
func (d *Driver) compareDashboards(ctx context.Context, e expectation, seen *comparison) error {
	if _, ok := e.Kinds["dashboards"]; !ok {
		return nil
	}
	for _, f := range e.Unread {
		seen.add("dashboards", causeUnread, "dashboard file %s: %s", f.File, f.Reason)
	}
	read, details := 0, 0
	for _, org := range d.dashboardOrgs(e) {
		have, err := d.listDashboards(ctx, org, e, seen)
		if err != nil {
			return err
		}
		if have == nil {
			continue // Grafana did not list them: seen has the refusal
		}
		missing := false
		for _, want := range e.Dashboards {
			if want.Org != org {
				continue
			}
			n, err := d.compareDashboard(ctx, &e, want, have, &details, seen)
			if err != nil {
				return err
			}
			read += n
			_, there := have.byUID[have.uidOf(want)]
			missing = missing || n > 0 && !there
		}
		if cause := ""; missing {
			if cause, err = d.overQuota(ctx, org, len(have.byUID)); err != nil {
				return err
			}
			seen.because(cause)
		}
		d.lookForLeftovers(e, org, have, seen)
	}
	seen.counted(read, "dashboard")
	return nil
}

// compareDashboard compares one dashboard; n is 0 when this server reports nothing to compare it with.
func (d *Driver) compareDashboard(ctx context.Context, e *expectation, want dashboard, have *stored, details *int, seen *comparison) (n int, err error) {
	uid, name := have.uidOf(want), cmp.Or(want.UID, want.Title)
	if want.UID == "" && !have.detailed {
		seen.hide("dashboards", "dashboards without uid")
		return 0, nil
	}
	shown, ok := have.byUID[uid]
	switch {
	case want.Skipped != "" && (!ok || !have.detailed || shown.checksum != want.Checksum):
		seen.add("dashboards", causeUnread, "dashboard file %s: Grafana skips it (%s)", want.File, want.Skipped)
		return 0, nil
	case !ok:
		cause := ""
		if want.Namesakes {
			cause = causeNames
		}
		seen.add("dashboards", cause, "dashboard %q (%s) is missing", name, want.File)
		return 1, nil
	case have.detailed && shown.checksum != want.Checksum:
		seen.isNot(want, name, e.withChecksum(want, shown.checksum))
		return 1, nil
	case have.detailed && !shown.edited:
	case want.Content == 0 || *details >= maxContents:
		seen.hide("dashboards", "the contents of some dashboards")
	default:
		*details++
		var answer struct{ Dashboard map[string]any }
		if err := d.api.get(ctx, "/api/dashboards/uid/"+url.PathEscape(uid), inOrg(want.Org), &answer); err != nil {
			return 1, seen.notReported("dashboards", fmt.Sprintf("dashboard %q", name), err)
		}
		if content := dashboardContent(answer.Dashboard); content != want.Content {
			seen.isNot(want, name, e.withContent(want, content))
			return 1, nil
		}
	}
	d.compareFolder(e.claims(want), shown, name, have, seen)
	return 1, nil
}

// isNot notes that Grafana does not show the dashboard of a file. The rival is another file with the same uid, if Grafana
// shows that one; otherwise nil.
func (c *comparison) isNot(want dashboard, name string, rival *dashboard) {
	if rival != nil {
		c.add("dashboards", causeShared, "dashboard %q is the one in %s, not the one in %s", name, rival.File, want.File)
		return
	}
	c.add("dashboards", "", "dashboard %q is not the one in %s", name, want.File)
}

// withChecksum finds a file with the uid of a dashboard and this checksum; nil if there is none.
func (e *expectation) withChecksum(want dashboard, checksum string) *dashboard {
	c, ok := e.copies[copyKey{key{Org: want.Org, ID: want.UID}, checksum}]
	if !ok {
		return nil
	}
	return &e.Dashboards[c.first]
}

// withContent finds a file with the uid of a dashboard and this content; nil if there is none.
func (e *expectation) withContent(want dashboard, content uint64) *dashboard {
	for _, i := range e.byUID[key{Org: want.Org, ID: want.UID}] {
		if want.UID != "" && e.Dashboards[i].Content == content {
			return &e.Dashboards[i]
		}
	}
	return nil
}

// uidOf is the uid of a file's dashboard. If the file has none, it is the uid that Grafana gave a file with this checksum.
func (s *stored) uidOf(want dashboard) string {
	return cmp.Or(want.UID, s.sums[want.Checksum])
}

// claims are the providers that read the file of a dashboard, and those that read another file with the same uid and
// contents.
func (e *expectation) claims(want dashboard) []*providerEntry {
	var out []*providerEntry
	for _, i := range slices.Concat(want.Providers, e.copies[copyKey{key{Org: want.Org, ID: want.UID}, want.Checksum}].providers) {
		out = append(out, &e.Providers[i])
	}
	return out
}

// compareFolder checks that a dashboard is in the folder of a provider that reads its file.
func (d *Driver) compareFolder(claims []*providerEntry, shown storedDashboard, name string, have *stored, seen *comparison) {
	for _, p := range claims {
		switch {
		case !p.ByFolder:
			return
		case !have.detailed || have.folders == nil && p.Folder != "":
			seen.hide("dashboards", "the folders of dashboards")
			return
		case shown.folder == "" && (p.Folder == "" || p.Folder == "General"),
			p.FolderUID != "" && p.FolderUID == shown.folder,
			p.Folder != "" && have.folders[shown.folder] == p.Folder:
			return
		}
	}
	p, cause := claims[0], ""
	stays := grafana.ParseVersion(d.version).AtLeast(grafana.Version{Major: 13})
	if p.Folder == "" || stays {
		cause = causeFolder
	}
	if stays && p.Folder != "" && have.hasFolder(p) {
		// Grafana moves a dashboard only when its file changes: this one may never move.
		seen.hide("dashboards", "the folders of dashboards whose files did not change")
		return
	}
	seen.add("dashboards", cause, "dashboard %q is not in the folder of its provider %q", name, p.Name)
}

// hasFolder says whether Grafana has the folder of a provider.
func (s *stored) hasFolder(p *providerEntry) bool {
	for uid, title := range s.folders {
		if title == p.Folder || p.FolderUID != "" && uid == p.FolderUID {
			return true
		}
	}
	return false
}

// overQuota is the cause of missing dashboards if Grafana's quota is reached; otherwise empty.
func (d *Driver) overQuota(ctx context.Context, org int64, there int) (string, error) {
	settings, err := d.readSettings(ctx)
	if err != nil {
		return "", err
	}
	const cause = "Grafana's quota of dashboards is reached (%s = %d): it answers 200, stores no new dashboard, and says so only in its log. Raise the quota, or delete dashboards."
	if settings.known["quota.enabled"] != "true" {
		return "", nil
	}
	if most, bad := strconv.Atoi(settings.known["quota.global_dashboard"]); bad == nil && most >= 0 && there >= most {
		return fmt.Sprintf(cause, "[quota] global_dashboard", most), nil
	}
	var quotas []struct {
		Target      string
		Limit, Used int
	}
	if err := d.api.list(ctx, "/api/org/quotas", inOrg(org), &quotas); err != nil {
		return "", optional(err)
	}
	for _, q := range quotas {
		if q.Target == "dashboard" && q.Limit >= 0 && q.Used >= q.Limit {
			return fmt.Sprintf(cause, fmt.Sprintf("[quota] org_dashboard, or that of organization %d alone,", org), q.Limit), nil
		}
	}
	return "", nil
}

// lookForLeftovers finds dashboards whose files were removed.
func (d *Driver) lookForLeftovers(e expectation, org int64, have *stored, seen *comparison) {
	providers, unsure := map[string]*providerEntry{}, false
	for i, p := range e.Providers {
		unsure = unsure || p.Name == ""
		providers[p.Name] = &e.Providers[i]
	}
	if !have.detailed {
		for key, file := range d.provided {
			_, there := have.byUID[key.ID]
			switch {
			case key.Org != org || e.has(key):
			case !there:
				delete(d.provided, key)
			default:
				seen.add("dashboards", "", "dashboard %q is still there, although %s was removed", key.ID, file)
			}
		}
		return
	}
	for uid, s := range have.byUID {
		p, named := providers[s.provider]
		switch {
		case s.provider == "" || s.path == "" || !e.HasProviders:
		case !named && !unsure:
			seen.add("dashboards", "", "dashboard %q is still there, although its provider %q was removed from the files", uid, s.provider)
		case named && p.Visible && p.owns(s.path) && !e.Files[s.path]:
			seen.add("dashboards", "", "dashboard %q is still there, although its file was removed", uid)
		}
	}
}

// has says whether a file provisions this dashboard, or may do so.
func (e *expectation) has(k key) bool {
	return len(e.byUID[k]) > 0 || slices.ContainsFunc(e.Providers, func(p providerEntry) bool {
		return p.Org == k.Org && (p.Keeps || !p.Visible)
	})
}

// dashboardOrgs are the organizations to compare: those of the providers, and those in which dashboards may be left
// behind.
func (d *Driver) dashboardOrgs(e expectation) []int64 {
	orgs := []int64{}
	for _, p := range e.Providers {
		orgs = append(orgs, p.Org)
	}
	for k := range d.provided {
		orgs = append(orgs, k.Org)
	}
	if len(orgs) == 0 {
		orgs = []int64{1}
	}
	slices.Sort(orgs)
	return slices.Compact(orgs)
}
