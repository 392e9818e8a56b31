package grafanatest

import (
	"context"
	"crypto/md5" // the real server's sourceChecksum is an MD5
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// provider is an entry of a provider file.
type provider struct {
	name, path, folder, folderUID string
	org                           int64
	keep                          bool
}

// provisionDashboards differs from the real server if a path is empty: the real one then reads its
// working directory.
func (s *Server) provisionDashboards(ctx context.Context, files []map[string]any) error {
	var providers []provider
	named := map[string]bool{}
	for _, doc := range files {
		entries, err := list(doc, "providers")
		if err != nil {
			return err
		}
		for _, p := range entries {
			options, _ := p["options"].(map[string]any)
			if text(p, "type") != "file" && p["type"] != nil || options["path"] == nil {
				return fmt.Errorf("provider %q: no usable type or path", text(p, "name"))
			}
			one := provider{name: text(p, "name"), path: text(options, "path"), folder: text(p, "folder"), folderUID: text(p, "folderUid"), org: org(p), keep: boolean(p, "disableDeletion")}
			named[one.name] = true
			providers = append(providers, one)
		}
	}
	s.mu.Lock()
	for uid, d := range s.state.dashboards {
		if d.provider != "" && !named[d.provider] {
			delete(s.state.dashboards, uid)
		}
	}
	s.mu.Unlock()
	for _, p := range providers {
		if _, err := os.Stat(p.path); err != nil || p.path == "" {
			return nil // later providers are skipped, the answer is still 200
		}
		if err := s.walk(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// folderOf returns the uid of a provider's folder, and creates the folder if needed.
func (st *state) folderOf(p provider) string {
	if p.folder == "" {
		return ""
	}
	if uid, ok := st.folders[p.folder]; ok {
		return uid
	}
	uid := p.folderUID
	if uid == "" {
		uid = fmt.Sprintf("folder%d", len(st.folders)+1)
	}
	st.folders[p.folder] = uid
	return uid
}

// walk reads a provider's directory. It skips invalid files: their previous version stays.
func (s *Server) walk(ctx context.Context, p provider) error {
	seen := map[string]bool{}
	real, err := filepath.EvalSymlinks(p.path)
	if err != nil {
		return err
	}
	err = filepath.WalkDir(real, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if path != real && strings.HasPrefix(e.Name(), ".") {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".json" {
			return nil
		}
		relative, _ := filepath.Rel(real, path)
		uid, d, ok := readDashboard(filepath.Join(p.path, relative), relative, p)
		seen[d.path] = true
		if !ok {
			return nil
		}
		most, bad := strconv.Atoi(s.setting("quota", "org_dashboard"))
		limited := bad == nil && s.setting("quota", "enabled") == "true"
		return s.write(ctx, func(st *state) {
			if _, had := st.dashboards[uid]; had || !limited || len(st.dashboards) < most {
				st.store(uid, d, p, !s.newer(13, 0))
			}
		})
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for uid, d := range s.state.dashboards {
		switch {
		case d.provider != p.name || seen[d.path]:
		case p.keep: // it stays, but belongs to no file
			d.provider, d.path, d.checksum = "", "", ""
			s.state.dashboards[uid] = d
		default:
			delete(s.state.dashboards, uid)
		}
	}
	return nil
}

// store writes a dashboard if its file has changed; moves says that another folder of its provider is a change too.
func (st *state) store(uid string, d dashboard, p provider, moves bool) {
	d.folder = st.folderOf(p)
	if old, had := st.dashboards[uid]; had {
		d.version = old.version
		moved := moves && d.folder != old.folder && p.folder != "" // removing the folder from the provider moves nothing
		if old.checksum == d.checksum && !moved && !old.edited {
			return
		}
	}
	d.version++
	st.dashboards[uid] = d
}

func readDashboard(path, relative string, p provider) (string, dashboard, bool) {
	d := dashboard{provider: p.name, path: path, relative: filepath.ToSlash(relative)}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", d, false
	}
	sum := md5.Sum(b)
	d.checksum = hex.EncodeToString(sum[:])
	if json.NewDecoder(strings.NewReader(string(b))).Decode(&d.json) != nil {
		return "", d, false
	}
	title, _ := d.json["title"].(string)
	tags, _ := d.json["tags"].([]any)
	uid, _ := d.json["uid"].(string)
	if spec, ok := d.json["spec"].(map[string]any); ok && d.json["apiVersion"] != nil { // as a resource
		title, _ = spec["title"].(string)
		tags, _ = spec["tags"].([]any)
		metadata, _ := d.json["metadata"].(map[string]any)
		uid, _ = metadata["name"].(string)
		if !fits(text(d.json, "apiVersion"), metadata, p) {
			return "", d, false
		}
	}
	long := slices.ContainsFunc(tags, func(tag any) bool { s, _ := tag.(string); return len(s) > 50 })
	if strings.TrimSpace(title) == "" || len(title) > 5000 || len(uid) > 40 || long {
		return "", d, false
	}
	if uid == "" {
		uid = "generated-" + d.checksum[:8]
	}
	return uid, d, true
}

// fits says that a dashboard as a resource has a version that 12.4 knows, and the organization and the folder of its provider.
func fits(version string, metadata map[string]any, p provider) bool {
	version, ours := strings.CutPrefix(version, "dashboard.grafana.app/")
	namespace := "default"
	if p.org > 1 {
		namespace = fmt.Sprintf("org-%d", p.org)
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	folder, given := annotations["grafana.app/folder"]
	return ours && slices.Contains([]string{"v0alpha1", "v1beta1", "v2alpha1", "v2beta1"}, version) &&
		(metadata["namespace"] == nil || metadata["namespace"] == namespace) && (!given || folder == p.folderUID)
}
