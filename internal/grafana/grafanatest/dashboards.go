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
	"strings"
)

// provisionDashboards differs from the real server where a path is empty: that one walks its
// working directory.
func (s *Server) provisionDashboards(ctx context.Context, files []map[string]any) error {
	var providers []map[string]any
	for _, doc := range files {
		ps, err := list(doc, "providers")
		if err != nil {
			return err
		}
		providers = append(providers, ps...)
	}
	named := map[string]bool{}
	for _, p := range providers {
		options, _ := p["options"].(map[string]any)
		if text(p, "type") != "file" && p["type"] != nil || options["path"] == nil {
			return fmt.Errorf("provider %q: no usable type or path", text(p, "name"))
		}
		named[text(p, "name")] = true
	}
	s.mu.Lock()
	for uid, d := range s.state.dashboards {
		if d.provider != "" && !named[d.provider] {
			delete(s.state.dashboards, uid)
		}
	}
	s.mu.Unlock()
	for _, p := range providers {
		options, _ := p["options"].(map[string]any)
		path := text(options, "path")
		if _, err := os.Stat(path); err != nil || path == "" {
			return nil // later providers are skipped, the answer is still 200
		}
		if err := s.walk(ctx, text(p, "name"), path); err != nil {
			return err
		}
	}
	return nil
}

// walk reads a provider's directory. Bad files are skipped; their former version stays.
func (s *Server) walk(ctx context.Context, provider, root string) error {
	seen := map[string]bool{}
	real, err := filepath.EvalSymlinks(root)
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
		uid, d, ok := readDashboard(filepath.Join(root, relative), relative, provider)
		seen[d.path] = true
		if !ok {
			return nil
		}
		return s.write(ctx, func(st *state) {
			if old, had := st.dashboards[uid]; had {
				d.version = old.version
				if old.checksum == d.checksum {
					return
				}
			}
			d.version++
			st.dashboards[uid] = d
		})
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for uid, d := range s.state.dashboards {
		if d.provider == provider && !seen[d.path] {
			delete(s.state.dashboards, uid)
		}
	}
	return nil
}

func readDashboard(path, relative, provider string) (string, dashboard, bool) {
	d := dashboard{provider: provider, path: path, relative: filepath.ToSlash(relative)}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", d, false
	}
	if info, err := os.Stat(path); err == nil {
		d.modified = info.ModTime()
	}
	sum := md5.Sum(b)
	d.checksum = hex.EncodeToString(sum[:])
	if json.NewDecoder(strings.NewReader(string(b))).Decode(&d.json) != nil {
		return "", d, false
	}
	title, _ := d.json["title"].(string)
	uid, _ := d.json["uid"].(string)
	if spec, ok := d.json["spec"].(map[string]any); ok && d.json["apiVersion"] != nil { // as a resource
		title, _ = spec["title"].(string)
		metadata, _ := d.json["metadata"].(map[string]any)
		uid, _ = metadata["name"].(string)
	}
	if strings.TrimSpace(title) == "" || len(uid) > 40 {
		return "", d, false
	}
	if uid == "" {
		uid = "generated-" + d.checksum[:8]
	}
	return uid, d, true
}
