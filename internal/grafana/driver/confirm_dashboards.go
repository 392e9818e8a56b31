package driver

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// storedDashboard is what Grafana tells of a provisioned dashboard.
type storedDashboard struct {
	checksum string // empty where the version does not tell
	org      int64
}

const (
	checksumAnnotation = "grafana.app/sourceChecksum"
	pageSize           = 500
	maxPages           = 40
)

// compareDashboards proves files by the checksum that Grafana stores since 12.4, and before
// that by uid and content.
func (d *Driver) compareDashboards(ctx context.Context, e expectation, seen *comparison) error {
	if len(e.dashboards) == 0 {
		return nil
	}
	stored, sums := map[string]storedDashboard{}, map[string]bool{}
	for _, org := range e.orgs() {
		told, err := d.listChecksums(ctx, org, stored, sums)
		if err != nil {
			return err
		}
		if !told {
			if err := d.searchDashboards(ctx, org, stored); err != nil {
				return err
			}
		}
	}
	details, compared := 0, len(e.dashboards)
	for _, want := range e.dashboards {
		have, ok := stored[want.uid]
		switch {
		case want.uid == "" && len(sums) == 0:
			compared-- // nothing that this server tells could show it
		case want.uid == "":
			if !sums[want.checksum] {
				seen.add("dashboards", "dashboard %q (%s) is missing", want.title, want.file)
			}
		case !ok:
			seen.add("dashboards", "dashboard %q (%s) is missing", want.uid, want.file)
		case have.checksum != "" && have.checksum != want.checksum:
			seen.add("dashboards", "dashboard %q is not the one of %s", want.uid, want.file)
		case have.checksum == "" && want.content != 0 && seen.changed[want.file] && details < maxDetails:
			details++
			if err := d.compareContent(ctx, want, have.org, seen); err != nil {
				return err
			}
		}
	}
	seen.counted(compared, plural("dashboard", compared))
	return nil
}

// listChecksums reads the metadata of all dashboards of an organization; false where the version
// or its storage has no checksums.
func (d *Driver) listChecksums(ctx context.Context, org int64, stored map[string]storedDashboard, sums map[string]bool) (bool, error) {
	namespace := "default"
	if org != 1 {
		namespace = fmt.Sprintf("org-%d", org)
	}
	header := http.Header{"Accept": {"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"}}
	next, told := "", false
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
		path := fmt.Sprintf("/apis/dashboard.grafana.app/v1beta1/namespaces/%s/dashboards?limit=%d", namespace, pageSize)
		if next != "" {
			path += "&continue=" + url.QueryEscape(next)
		}
		if err := d.api.get(ctx, path, header, &page); err != nil {
			return false, optional(err)
		}
		for _, item := range page.Items {
			sum := item.Metadata.Annotations[checksumAnnotation]
			stored[item.Metadata.Name] = storedDashboard{checksum: sum, org: org}
			if sum != "" {
				sums[sum], told = true, true
			}
		}
		if next = page.Metadata.Continue; next == "" {
			return told, nil
		}
	}
	return told, nil
}

func (d *Driver) searchDashboards(ctx context.Context, org int64, stored map[string]storedDashboard) error {
	for page := 1; page <= maxPages; page++ {
		var found []struct{ UID string }
		path := fmt.Sprintf("/api/search?type=dash-db&limit=5000&page=%d", page)
		if err := d.api.get(ctx, path, inOrg(org), &found); err != nil {
			return optional(err)
		}
		for _, f := range found {
			if _, ok := stored[f.UID]; !ok {
				stored[f.UID] = storedDashboard{org: org}
			}
		}
		if len(found) < 5000 {
			return nil
		}
	}
	return nil
}

func (d *Driver) compareContent(ctx context.Context, want dashboard, org int64, seen *comparison) error {
	var shown struct{ Dashboard map[string]any }
	if err := d.api.get(ctx, "/api/dashboards/uid/"+url.PathEscape(want.uid), inOrg(org), &shown); err != nil {
		return optional(err)
	}
	if dashboardContent(shown.Dashboard) != want.content {
		seen.add("dashboards", "dashboard %q is not the one of %s", want.uid, want.file)
	}
	return nil
}
