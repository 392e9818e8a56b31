package driver

import (
	"bytes"
	"crypto/md5" // Grafana's own sourceChecksum is an MD5
	"encoding/hex"
	"encoding/json"
	"strings"

	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// maxContents is the maximum number of dashboards that are compared by content if Grafana stores no checksum.
const maxContents = 200

// dashboardFiles reads dashboard files.
type dashboardFiles struct {
	contents int // how many were fingerprinted by content
}

// read returns the dashboard of one file, or the reason why Grafana skips it.
func (b *dashboardFiles) read(s *snapshot.Snapshot, f snapshot.File) (dashboard, string) {
	text, there := s.Bytes(f.Name)
	if !there {
		return dashboard{}, "it could not be read"
	}
	return b.parse(text)
}

func (b *dashboardFiles) parse(text []byte) (found dashboard, skipped string) {
	var doc map[string]any
	if json.NewDecoder(bytes.NewReader(text)).Decode(&doc) != nil {
		return dashboard{}, "it is not a JSON object"
	}
	title, uid, resource := names(doc)
	switch {
	case strings.TrimSpace(title) == "":
		return dashboard{}, "it has no title"
	case !validation.UidFits(uid):
		return dashboard{}, "its uid has more than 40 characters, or others than letters, digits, - and _"
	}
	sum := md5.Sum(text)
	found = dashboard{UID: uid, Title: title, Checksum: hex.EncodeToString(sum[:])}
	if !resource && b.contents < maxContents {
		b.contents++
		found.Content = dashboardContent(doc)
	}
	return found, ""
}

// names are the title and uid of a dashboard, in the classic form or as a resource of the newer API.
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

// dashboardContent is a fingerprint without the fields that Grafana sets itself.
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
