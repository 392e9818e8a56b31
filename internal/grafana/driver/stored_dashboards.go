package driver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"reloader/internal/grafana"
	"reloader/internal/reload"
)

// storedDashboard is what Grafana reports about a dashboard.
type storedDashboard struct {
	checksum string // empty if this version does not report it
	provider string // the provider that created it; empty if none did, or if it is not reported
	path     string // of its file
	folder   string // uid; empty for General
	// edited says that the last change did not come from a file.
	edited bool
}

// stored are the dashboards of one organization.
type stored struct {
	byUID map[string]storedDashboard
	sums  map[string]string // checksum -> uid
	// detailed says that Grafana reports checksums, providers and folders.
	detailed bool
	folders  map[string]string // uid -> title; nil when not asked for or not reported
}

const (
	pageSize = 500
	maxPages = 40
	// maxFolders is the maximum number of folders that Grafana lists at once.
	maxFolders = 1000
)

// listDashboards reads the metadata of all dashboards of an organization; nil when Grafana does not list them.
func (d *Driver) listDashboards(ctx context.Context, org int64, e expectation, seen *comparison) (*stored, error) {
	if err := d.seesAll(ctx, org, "dashboards", "dashboards:read"); err != nil {
		return nil, seen.notReported("dashboards", "dashboards", err)
	}
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
		return nil, seen.notReported("dashboards", "dashboards", err)
	case err != nil && optional(err) != nil:
		return nil, err
	}
	// An older version, or an older storage: the search lists only the uids.
	listed := len(have.byUID)
	for page := 1; page <= maxPages; page++ {
		var found []struct{ UID string }
		if err := d.api.list(ctx, fmt.Sprintf("/api/search?type=dash-db&limit=5000&page=%d", page), inOrg(org), &found); err != nil {
			return nil, seen.notReported("dashboards", "dashboards", err)
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
		return nil, seen.notReported("dashboards", "dashboards", err) // this life of Grafana reported more before
	}
	return have, nil
}

// dashboardsPath is where Grafana reports the checksums of dashboards, for messages.
const dashboardsPath = "/apis/dashboard.grafana.app/v1beta1"

// listFolders reads the titles of the folders if a provider names one.
func (d *Driver) listFolders(ctx context.Context, org int64, e expectation, have *stored, seen *comparison) error {
	for _, p := range e.Providers {
		if p.Org != org || !p.ByFolder || p.Folder == "" {
			continue
		}
		have.folders = map[string]string{}
		var list []struct{ UID, Title string }
		if err := d.api.list(ctx, fmt.Sprintf("/api/folders?limit=%d", maxFolders), inOrg(org), &list); err != nil {
			have.folders = nil
			return seen.notReported("dashboards", "folders", err)
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

// editedByHand says that a person or another program changed a dashboard after it was provisioned. When Grafana itself
// provisions, it writes as an access policy.
func editedByHand(annotations map[string]string) bool {
	by := annotations["grafana.app/updatedBy"]
	return by != "" && !strings.HasPrefix(by, "access-policy:")
}
