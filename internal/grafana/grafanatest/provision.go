package grafanatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// kindOrder is the order in which Grafana provisions when it starts.
var kindOrder = []string{"datasources", "plugins", "notifications", "alerting", "dashboards"}

type state struct {
	datasources map[orgName]map[string]any
	dashboards  map[string]dashboard      // by uid
	folders     map[string]string         // title -> uid
	contacts    map[string]map[string]any // by uid
	rules       map[string]rule           // by uid
	mutes       map[string]map[string]any // by name
	templates   map[string]map[string]any // by name
	policy      map[string]any
	apps        map[string]bool
	// correlations are those of each data source, by its organization and uid.
	correlations map[orgName][]map[string]any
}

// rule is an alert rule as the ruler's API shows it.
type rule struct {
	folder, group, interval string
	shown                   map[string]any
}

type orgName struct {
	org  int64
	name string
}

type dashboard struct {
	json     map[string]any
	provider string // empty when it belongs to no file
	path     string // full path of the file
	folder   string // uid
	edited   bool   // by hand since its file was read
	relative string // to the provider's directory
	checksum string
	version  int
}

func newState() state {
	return state{
		datasources: map[orgName]map[string]any{}, dashboards: map[string]dashboard{}, folders: map[string]string{},
		contacts: map[string]map[string]any{}, rules: map[string]rule{}, mutes: map[string]map[string]any{},
		templates: map[string]map[string]any{}, apps: map[string]bool{}, correlations: map[orgName][]map[string]any{},
	}
}

// provision does what the real server does for one kind: it parses everything first, then writes one
// entry after the other. What was written stays when a later entry fails or the client goes away.
func (s *Server) provision(ctx context.Context, kind string) error {
	dir := kind
	if kind == "notifications" {
		dir = "notifiers"
	}
	files, err := s.parse(dir)
	if err != nil {
		return err
	}
	if kind == "alerting" && s.setting("unified_alerting", "enabled") == "false" {
		return nil
	}
	if err := s.refuses(kind, files); err != nil {
		return err
	}
	switch kind {
	case "datasources":
		if err := s.provisionDatasources(ctx, files); err != nil {
			return err
		}
		return s.writeCorrelations(ctx, files)
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
	s.mu.Lock()
	dir := filepath.Join(s.opts.Provisioning, kind)
	if other := s.settings["paths"]["provisioning"]; filepath.IsAbs(other) {
		dir = filepath.Join(other, kind)
	}
	s.mu.Unlock()
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

// setting returns a setting of the running process; empty means the default.
func (s *Server) setting(section, key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings[section][key]
}

// list returns the maps in the list under a key. It fails for a null item, with which the real server panics.
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
	pieces := strings.Split(fmt.Sprint(m[key]), "$$")
	for i, p := range pieces {
		pieces[i] = os.ExpandEnv(p)
	}
	return strings.Join(pieces, "$")
}

// org is the organization of an entry; 0 or missing means 1.
func org(m map[string]any) int64 {
	if n, ok := m["orgId"].(int); ok && n != 0 {
		return int64(n)
	}
	return 1
}

// write waits for as long as one entry takes and then changes the state, unless the client has gone away.
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
