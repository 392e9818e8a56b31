package driver

import (
	"bytes"
	"crypto/md5" // Grafana's own sourceChecksum is an MD5
	"encoding/hex"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/snapshot"
)

func (e *expectation) readProviders(d *provisioning.Decoder, m *provisioning.Map, _ string) {
	for _, p := range d.Items(m.Get("providers"), "providers") {
		e.entries++
		if e.providerOrgs == nil {
			e.providerOrgs = map[int64]bool{}
		}
		if org := d.Int(p, "orgId"); org.Known || !org.Set {
			e.providerOrgs[max(org.Value, 1)] = true
		}
		found := providerEntry{name: d.Text(p, "name").Text}
		if options, ok := d.Map(p.Get("options"), "options"); ok {
			dir := d.Text(options, "path")
			if !dir.Set {
				dir = d.Text(options, "folder") // the old name
			}
			if dir.Known && path.IsAbs(dir.Text) {
				found.path = path.Clean(dir.Text)
			}
		}
		e.providers = append(e.providers, found)
	}
}

// orgs are the organizations in which dashboards are looked for.
func (e *expectation) orgs() []int64 {
	if len(e.providerOrgs) == 0 {
		return []int64{1}
	}
	return slices.Sorted(maps.Keys(e.providerOrgs))
}

func (e *expectation) readDashboards(s *snapshot.Snapshot, known *boards) {
	for _, f := range s.Files {
		if path.Ext(f.Name) != ".json" {
			continue
		}
		e.entries++
		found, ok := known.read(s, f)
		if ok {
			found.file, found.path = path.Join(s.Source.Name, f.Name), s.Source.ServerPath(f.Name)
			e.dashboards = append(e.dashboards, found)
		}
	}
}

// boards remembers what dashboard files say, so that only new contents are read.
type boards struct {
	known, next map[snapshot.Digest]board
	contents    int
}

type board struct {
	dashboard
	skipped bool
}

func (b *boards) begin() { b.next, b.contents = map[snapshot.Digest]board{}, 0 }

func (b *boards) end() { b.known, b.next = b.next, nil }

// read gives what one file says; false when Grafana skips it.
func (b *boards) read(s *snapshot.Snapshot, f snapshot.File) (dashboard, bool) {
	found, ok := b.known[f.Digest]
	if !ok {
		text, there := s.Bytes(f.Name)
		if !there {
			return dashboard{}, false
		}
		found = b.parse(text)
	}
	b.next[f.Digest] = found
	return found.dashboard, !found.skipped
}

func (b *boards) parse(text []byte) board {
	var doc map[string]any
	if json.NewDecoder(bytes.NewReader(text)).Decode(&doc) != nil {
		return board{skipped: true}
	}
	title, uid, resource := names(doc)
	if strings.TrimSpace(title) == "" || len(uid) > 40 || strings.ContainsFunc(uid, notInUID) {
		return board{skipped: true} // and warned of
	}
	sum := md5.Sum(text)
	found := board{dashboard: dashboard{uid: uid, title: title, checksum: hex.EncodeToString(sum[:])}}
	// No more are compared by content.
	if !resource && b.contents < maxDetails {
		b.contents++
		found.content = dashboardContent(doc)
	}
	return found
}

// names are the title and uid of a dashboard, in its own form or as a resource of the newer API.
func names(doc map[string]any) (title, uid string, resource bool) {
	if _, ok := doc["apiVersion"].(string); ok {
		if spec, ok := doc["spec"].(map[string]any); ok {
			metadata, _ := doc["metadata"].(map[string]any)
			title, _ = spec["title"].(string)
			uid, _ = metadata["name"].(string)
			return title, uid, true
		}
	}
	title, _ = doc["title"].(string)
	uid, _ = doc["uid"].(string)
	return title, uid, false
}

func notInUID(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// dashboardContent leaves out what Grafana sets itself.
func dashboardContent(doc map[string]any) uint64 {
	bare := make(map[string]any, len(doc))
	for k, v := range doc {
		switch k {
		case "id", "uid", "version", "refresh":
		default:
			bare[k] = v
		}
	}
	return fingerprintJSON(bare)
}

// keepCertainDashboards drops what Grafana may rightly not show: files that no provider is known
// to read, uids that more than one file has (which one wins is left to chance), and what providers of the same
// name take from each other.
func (e *expectation) keepCertainDashboards() {
	uids, names := map[string]int{}, map[string]int{}
	for _, d := range e.dashboards {
		uids[d.uid]++
	}
	for _, p := range e.providers {
		names[p.name]++
	}
	e.dashboards = slices.DeleteFunc(e.dashboards, func(d dashboard) bool {
		if d.uid != "" && uids[d.uid] > 1 {
			return true
		}
		read := false
		for _, p := range e.providers {
			if p.path == "" || d.path != p.path && !strings.HasPrefix(d.path, strings.TrimSuffix(p.path, "/")+"/") {
				continue
			}
			if names[p.name] > 1 {
				return true
			}
			read = true
		}
		return !read
	})
}
