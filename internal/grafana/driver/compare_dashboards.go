package driver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"reloader/internal/grafana"
	"reloader/internal/reload"
)

// storedDashboard is what Grafana tells of a dashboard.
type storedDashboard struct {
	checksum string // empty where the version does not tell
	provider string // the provider that made it; empty when none did, or it is not told
	path     string // of its file
	folder   string // uid; empty for General
	// edited says that something but a file wrote it last.
	edited bool
}

// stored are the dashboards of one organization.
type stored struct {
	byUID map[string]storedDashboard
	sums  map[string]string // checksum -> uid
	// detailed says that Grafana tells checksums, providers and folders.
	detailed bool
	folders  map[string]string // uid -> title; nil when not asked or not told
}

const (
	pageSize = 500
	maxPages = 40
	// maxFolders is how many folders Grafana lists at once.
	maxFolders = 1000

	causeFolder = "Grafana leaves a dashboard in its folder when the provider's folder is removed, and since 13 when it is changed: change the dashboard's file, or move it in Grafana."
	causeUnread = "Grafana skips such a file with a line in its log and keeps what it had: correct the file."
)

// compareDashboards proves files by the checksum that Grafana stores since 12.4, and before
// that by uid and content.
func (d *Driver) compareDashboards(ctx context.Context, e expectation, seen *comparison) error {
	if _, ok := e.kinds["dashboards"]; !ok {
		return nil
	}
	for _, f := range e.unread {
		seen.add("dashboards", causeUnread, "dashboard file %s: %s", f.file, f.reason)
	}
	read, details := 0, 0
	for _, org := range d.dashboardOrgs(e) {
		have, err := d.listDashboards(ctx, org, e, seen)
		if err != nil {
			return err
		}
		if have == nil {
			continue // not told, which is noted
		}
		for _, want := range e.dashboards {
			if want.org != org {
				continue
			}
			n, err := d.compareDashboard(ctx, want, have, &details, seen)
			if err != nil {
				return err
			}
			read += n
		}
		d.lookForLeftDashboards(e, org, have, seen)
	}
	seen.counted(read, "dashboard")
	return nil
}

// compareDashboard looks at one dashboard; n is 0 when nothing that this server tells could show it.
func (d *Driver) compareDashboard(ctx context.Context, want dashboard, have *stored, details *int, seen *comparison) (n int, err error) {
	uid, name := want.uid, want.uid
	if uid == "" {
		name = want.title
		if !have.detailed {
			seen.hide("dashboards", "dashboards without uid")
			return 0, nil
		}
		uid = have.sums[want.checksum]
	}
	shown, ok := have.byUID[uid]
	switch {
	case !ok:
		seen.add("dashboards", "", "dashboard %q (%s) is missing", name, want.file)
		return 1, nil
	case have.detailed && shown.checksum != want.checksum:
		seen.add("dashboards", "", "dashboard %q is not the one of %s", name, want.file)
	case have.detailed && !shown.edited:
	case want.content == 0 || *details >= maxContents:
		seen.hide("dashboards", "the contents of some dashboards")
	default:
		*details++
		var answer struct{ Dashboard map[string]any }
		if err := d.api.get(ctx, "/api/dashboards/uid/"+url.PathEscape(uid), inOrg(want.org), &answer); err != nil {
			return 1, seen.untold("dashboards", fmt.Sprintf("dashboard %q", name), err)
		}
		if dashboardContent(answer.Dashboard) != want.content {
			seen.add("dashboards", "", "dashboard %q is not the one of %s", name, want.file)
		}
	}
	d.compareFolder(want, shown, name, have, seen)
	return 1, nil
}

// compareFolder looks whether a dashboard is in the folder of its provider.
func (d *Driver) compareFolder(want dashboard, shown storedDashboard, name string, have *stored, seen *comparison) {
	p := want.provider
	switch {
	case !p.byFolder:
		return
	case !have.detailed || have.folders == nil && p.folder != "":
		seen.hide("dashboards", "the folders of dashboards")
		return
	case shown.folder == "" && (p.folder == "" || p.folder == "General"),
		p.folderUID != "" && p.folderUID == shown.folder,
		p.folder != "" && have.folders[shown.folder] == p.folder:
		return
	}
	cause := ""
	if p.folder == "" || grafana.ParseVersion(d.version).AtLeast(grafana.Version{Major: 13}) {
		cause = causeFolder
	}
	seen.add("dashboards", cause, "dashboard %q is not in the folder of its provider %q", name, p.name)
}

// lookForLeftDashboards looks for dashboards that files made which have gone.
func (d *Driver) lookForLeftDashboards(e expectation, org int64, have *stored, seen *comparison) {
	providers, unsure := map[string]*providerEntry{}, false
	for i, p := range e.providers {
		unsure = unsure || p.name == ""
		providers[p.name] = &e.providers[i]
	}
	if !have.detailed {
		for key, file := range d.provided {
			_, there := have.byUID[key.id]
			switch {
			case key.org != org || e.has(key):
			case !there:
				delete(d.provided, key)
			default:
				seen.add("dashboards", "", "dashboard %q is still there, although %s has gone", key.id, file)
			}
		}
		return
	}
	for uid, s := range have.byUID {
		p, named := providers[s.provider]
		switch {
		case s.provider == "" || s.path == "" || !e.hasProviders:
		case !named && !unsure:
			seen.add("dashboards", "", "dashboard %q is still there, although its provider %q has left the files", uid, s.provider)
		case named && p.visible && p.owns(s.path) && !e.files[s.path]:
			seen.add("dashboards", "", "dashboard %q is still there, although its file has gone", uid)
		}
	}
}

// has says whether a file makes this dashboard, or may do so.
func (e *expectation) has(k key) bool {
	for _, d := range e.dashboards {
		if d.uid == k.id && d.org == k.org {
			return true
		}
	}
	for _, p := range e.providers {
		if p.org == k.org && (p.keeps || !p.visible) {
			return true
		}
	}
	return false
}

// listDashboards reads the metadata of all dashboards of an organization; nil when Grafana does not tell.
func (d *Driver) listDashboards(ctx context.Context, org int64, e expectation, seen *comparison) (*stored, error) {
	have := &stored{byUID: map[string]storedDashboard{}, sums: map[string]string{}}
	err := d.listResources(ctx, "dashboard.grafana.app", "dashboards", org, func(name string, annotations map[string]string) {
		s := storedDashboard{
			checksum: annotations["grafana.app/sourceChecksum"], provider: annotations["grafana.app/managerId"],
			path: annotations["grafana.app/sourcePath"], folder: annotations["grafana.app/folder"],
		}
		if annotations["grafana.app/managedBy"] != "classic-file-provisioning" {
			s.provider, s.path, s.checksum = "", "", ""
		}
		s.edited = editedByHand(annotations)
		have.byUID[name] = s
		if s.checksum != "" {
			have.sums[s.checksum], have.detailed = name, true
		}
	})
	f, _ := errors.AsType[*reload.Failure](err)
	switch {
	case err == nil && have.detailed:
		d.detailed[org] = d.life.number
		return have, d.listFolders(ctx, org, e, have, seen)
	case f != nil && f.Class != reload.ClassNotFound && grafana.ParseVersion(d.version).AtLeast(grafana.Version{Major: 12, Minor: 4}):
		return nil, seen.untold("dashboards", "dashboards", err)
	case err != nil && optional(err) != nil:
		return nil, err
	}
	// An older version, or an older storage: the search knows no more than the uids.
	listed := len(have.byUID)
	for page := 1; page <= maxPages; page++ {
		var found []struct{ UID string }
		if err := d.api.list(ctx, fmt.Sprintf("/api/search?type=dash-db&limit=5000&page=%d", page), inOrg(org), &found); err != nil {
			return nil, seen.untold("dashboards", "dashboards", err)
		}
		for _, one := range found {
			if _, ok := have.byUID[one.UID]; !ok {
				have.byUID[one.UID] = storedDashboard{}
			}
		}
		if len(found) < 5000 {
			break
		}
	}
	if life, ok := d.detailed[org]; ok && life == d.life.number && listed == 0 && len(have.byUID) > 0 {
		if err == nil {
			err = notGrafanas(dashboardsPath)
		}
		return nil, seen.untold("dashboards", "dashboards", err) // this life of Grafana told more before
	}
	return have, nil
}

// dashboardsPath is where Grafana tells the checksums of dashboards, for messages.
const dashboardsPath = "/apis/dashboard.grafana.app/v1beta1"

// listFolders reads the titles of the folders, where a provider names one.
func (d *Driver) listFolders(ctx context.Context, org int64, e expectation, have *stored, seen *comparison) error {
	for _, p := range e.providers {
		if p.org != org || !p.byFolder || p.folder == "" {
			continue
		}
		have.folders = map[string]string{}
		var list []struct{ UID, Title string }
		if err := d.api.list(ctx, fmt.Sprintf("/api/folders?limit=%d", maxFolders), inOrg(org), &list); err != nil {
			have.folders = nil
			return seen.untold("dashboards", "folders", err)
		}
		if len(list) >= maxFolders {
			have.folders = nil // there may be more
			return nil
		}
		for _, f := range list {
			have.folders[f.UID] = f.Title
		}
		return nil
	}
	return nil
}

// listResources reads the metadata of all resources of a kind in an organization.
func (d *Driver) listResources(ctx context.Context, group, kind string, org int64, each func(name string, annotations map[string]string)) error {
	namespace := "default"
	if org != 1 {
		namespace = fmt.Sprintf("org-%d", org)
	}
	header := http.Header{"Accept": {"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"}}
	next := ""
	for range maxPages {
		var page struct {
			Metadata struct{ Continue string }
			Items    []struct {
				Metadata struct {
					Name        string
					Annotations map[string]string
				}
			}
		}
		path := fmt.Sprintf("/apis/%s/v1beta1/namespaces/%s/%s?limit=%d", group, namespace, kind, pageSize)
		if next != "" {
			path += "&continue=" + url.QueryEscape(next)
		}
		if err := d.api.get(ctx, path, header, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			each(item.Metadata.Name, item.Metadata.Annotations)
		}
		if next = page.Metadata.Continue; next == "" {
			return nil
		}
	}
	return nil
}

// editedByHand says that a person or another program wrote a dashboard after its file did. Grafana itself, when it
// provisions, is an access policy.
func editedByHand(annotations map[string]string) bool {
	by := annotations["grafana.app/updatedBy"]
	return by != "" && !strings.HasPrefix(by, "access-policy:")
}

// dashboardOrgs are the organizations in which dashboards are looked for: those of the providers, and where
// dashboards may be left behind.
func (d *Driver) dashboardOrgs(e expectation) []int64 {
	orgs := []int64{}
	for _, p := range e.providers {
		orgs = append(orgs, p.org)
	}
	for k := range d.provided {
		orgs = append(orgs, k.org)
	}
	if len(orgs) == 0 {
		orgs = []int64{1}
	}
	slices.Sort(orgs)
	return slices.Compact(orgs)
}
