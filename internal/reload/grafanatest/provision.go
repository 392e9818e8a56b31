package grafanatest

import (
	"context"
	"crypto/md5" // the real server's sourceChecksum is an MD5
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// kindOrder is the order in which a start provisions.
var kindOrder = []string{"datasources", "plugins", "notifications", "alerting", "dashboards"}

type state struct {
	datasources map[string]map[string]any // by name
	dashboards  map[string]dashboard      // by uid
	folders     map[string]string         // title -> uid
	contacts    map[string]map[string]any // by uid
	rules       map[string]map[string]any // by uid
	mutes       map[string]map[string]any // by name
	templates   map[string]map[string]any // by name
	policy      map[string]any
	apps        map[string]bool
}

type dashboard struct {
	json     map[string]any
	provider string
	path     string // full path of the file
	relative string // to the provider's directory
	checksum string
	modified time.Time
	version  int
}

func newState() state {
	return state{
		datasources: map[string]map[string]any{}, dashboards: map[string]dashboard{}, folders: map[string]string{},
		contacts: map[string]map[string]any{}, rules: map[string]map[string]any{}, mutes: map[string]map[string]any{},
		templates: map[string]map[string]any{}, apps: map[string]bool{},
	}
}

// provision does what the real server does for one kind: parse everything first, then write one
// entry after the other; what was written stays when a later entry fails or the caller goes away.
func (s *Server) provision(ctx context.Context, kind string) error {
	dir := kind
	if kind == "notifications" {
		dir = "notifiers"
	}
	files, err := s.parse(dir)
	if err != nil {
		return err
	}
	switch kind {
	case "datasources":
		return s.provisionDatasources(ctx, files)
	case "dashboards":
		return s.provisionDashboards(ctx, files)
	case "alerting":
		return s.provisionAlerting(ctx, files)
	case "plugins":
		return s.provisionPlugins(files)
	}
	return nil
}

// parse reads the plain files of a kind's directory in byte order of their names. A missing directory is empty.
func (s *Server) parse(kind string) ([]map[string]any, error) {
	dir := filepath.Join(s.opts.Provisioning, kind)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil
	}
	var files []map[string]any
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if ext != ".yaml" && ext != ".yml" && (kind != "alerting" || ext != ".json") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		var doc map[string]any
		if err := yaml.Unmarshal(b, &doc); err != nil {
			return nil, fmt.Errorf("parse %s: %w", e.Name(), err)
		}
		files = append(files, doc)
	}
	return files, nil
}

// list returns the maps under a key; a null item is the nil dereference of the real server.
func list(doc map[string]any, key string) ([]map[string]any, error) {
	raw, _ := doc[key].([]any)
	var out []map[string]any
	for _, item := range raw {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, errors.New("null list item")
		}
		out = append(out, m)
	}
	return out, nil
}

func text(m map[string]any, key string) string {
	if m[key] == nil {
		return ""
	}
	return os.ExpandEnv(fmt.Sprint(m[key]))
}

// write takes the time of one entry and then changes the state, unless the caller has gone.
func (s *Server) write(ctx context.Context, change func(*state)) error {
	if s.opts.PerEntry > 0 {
		timer := time.NewTimer(s.opts.PerEntry)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state)
	return nil
}

func (s *Server) provisionDatasources(ctx context.Context, files []map[string]any) error {
	defaults := 0
	for _, doc := range files {
		entries, err := list(doc, "datasources")
		if err != nil {
			return err
		}
		for _, e := range entries {
			if org, ok := e["orgId"].(int); ok && org > 0 && !slices.Contains(s.opts.Organizations, int64(org)) {
				return fmt.Errorf("organization %d not found", org)
			}
			if d, _ := e["isDefault"].(bool); d {
				defaults++
			}
		}
	}
	if defaults > 1 {
		return errors.New("only one datasource per organization can be marked as default")
	}
	for _, doc := range files {
		deletes, err := list(doc, "deleteDatasources")
		if err != nil {
			return err
		}
		for _, d := range deletes {
			if err := s.write(ctx, func(st *state) { delete(st.datasources, text(d, "name")) }); err != nil {
				return err
			}
		}
		entries, _ := list(doc, "datasources")
		for _, e := range entries {
			if err := s.writeDatasource(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) writeDatasource(ctx context.Context, e map[string]any) error {
	name, uid := text(e, "name"), text(e, "uid")
	if name == "" {
		return errors.New("unique identifier and org id are needed")
	}
	var conflict error
	err := s.write(ctx, func(st *state) {
		for other, ds := range st.datasources {
			if uid != "" && other != name && ds["uid"] == uid {
				conflict = errors.New("data source with the same uid already exists")
				return
			}
		}
		old, had := st.datasources[name]
		if had && uid != "" && old["uid"] != uid && s.newer(12, 0) {
			conflict = errors.New("data source not found")
			return
		}
		ds := mergeDatasource(old, e, name, uid, len(st.datasources)+1)
		if len(st.datasources) == 0 {
			ds["isDefault"] = true // the first one becomes the default by itself
		}
		st.datasources[name] = ds
	})
	return errors.Join(err, conflict)
}

// mergeDatasource is what an insert or update stores: url, basicAuthUser and type keep their old
// value when the file drops them.
func mergeDatasource(old, e map[string]any, name, uid string, id int) map[string]any {
	ds := map[string]any{
		"id": id, "name": name, "uid": uid, "version": 1, "readOnly": e["editable"] != true, "orgId": 1,
		"access": "proxy", "isDefault": e["isDefault"] == true, "basicAuth": e["basicAuth"] == true,
		"url": "", "type": "", "basicAuthUser": "", "user": text(e, "user"), "database": text(e, "database"),
		"withCredentials": e["withCredentials"] == true, "jsonData": map[string]any{}, "secureJsonFields": map[string]bool{},
	}
	if a := text(e, "access"); a == "direct" {
		ds["access"] = a
	}
	for _, key := range []string{"url", "type", "basicAuthUser"} {
		if v := text(e, key); v != "" {
			ds[key] = v
		} else if old != nil {
			ds[key] = old[key]
		}
	}
	if old != nil {
		ds["id"] = old["id"]
		if uid == "" {
			ds["uid"] = old["uid"]
		}
	}
	if ds["uid"] == "" {
		ds["uid"] = fmt.Sprintf("P%016X", id)
	}
	if m, ok := e["jsonData"].(map[string]any); ok {
		ds["jsonData"] = m
	}
	if m, ok := e["secureJsonData"].(map[string]any); ok {
		fields := map[string]bool{}
		for k := range m {
			fields[k] = true
		}
		ds["secureJsonFields"] = fields
	}
	return ds
}

func (s *Server) provisionPlugins(files []map[string]any) error {
	for _, doc := range files {
		apps, err := list(doc, "apps")
		if err != nil {
			return err
		}
		for _, a := range apps {
			if !slices.Contains(s.opts.Plugins, text(a, "type")) {
				return fmt.Errorf("plugin %q is not installed", text(a, "type"))
			}
		}
		s.mu.Lock()
		for _, a := range apps {
			s.state.apps[text(a, "type")] = a["disabled"] != true
		}
		s.mu.Unlock()
	}
	return nil
}

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
		if text(p, "type") != "file" && p["type"] != nil || text(options, "path") == "" {
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
		if _, err := os.Stat(path); err != nil {
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
	if strings.TrimSpace(title) == "" || len(uid) > 40 {
		return "", d, false
	}
	if uid == "" {
		uid = "generated-" + d.checksum[:8]
	}
	return uid, d, true
}
