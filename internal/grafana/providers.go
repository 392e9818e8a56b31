package grafana

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"reloader/internal/snapshot"
	"reloader/internal/sources"
	"reloader/internal/yamlnode"
)

// maxProviders is the maximum number of dashboard directories that are followed.
const maxProviders = 100

// NewReader reads the sources that exist, and the dashboard directories that the provider files
// name if they are visible to reloader, under the path that the server uses. Such a source is
// called "provider/" and the provider's name.
func NewReader(lim snapshot.Limits, all ...snapshot.Source) *sources.Reader {
	return sources.New(sources.Options{Optional: all, Limits: lim,
		Follow: func(set *snapshot.Set) ([]snapshot.Source, bool) { return providerDirs(set, all) }})
}

// providerDirs skips what it does not understand: the validator reports it.
func providerDirs(set *snapshot.Set, known []snapshot.Source) ([]snapshot.Source, bool) {
	var found []snapshot.Source
	for _, s := range set.Snapshots {
		if s.Source.Name != Dashboards {
			continue
		}
		for _, f := range s.Files {
			if strings.Contains(f.Name, "/") || !slices.Contains(yamlFiles, path.Ext(f.Name)) {
				continue
			}
			b, _ := s.Bytes(f.Name)
			dirs, err := ScanProviders(b)
			if err != nil {
				return nil, false
			}
			found = append(found, dirs...)
		}
	}
	var out []snapshot.Source
	for _, src := range found {
		// A source that includes only some files, such as that of grafana.ini, does not cover a directory.
		inside := func(o snapshot.Source) bool { return len(o.Include) == 0 && sources.Serves(o, src) }
		if len(out) < maxProviders && !slices.ContainsFunc(known, inside) && !slices.ContainsFunc(out, inside) {
			out = append(out, src)
		}
	}
	return sources.Unique(out), true
}

// ScanProviders finds the directories that a dashboard provider file names. It leaves out paths
// with a variable, and paths relative to Grafana's own working directory.
func ScanProviders(file []byte) ([]snapshot.Source, error) {
	root, err := yamlnode.Mapping(file)
	if root == nil {
		return nil, err
	}
	var out []snapshot.Source
	for _, provider := range yamlnode.Items(yamlnode.Get(root, "providers")) {
		options := yamlnode.Get(provider, "options")
		for _, key := range []string{"path", "folder"} { // folder is the old name
			n := yamlnode.Get(options, key)
			if n == nil || strings.Contains(n.Value, "$") || !path.IsAbs(n.Value) || path.Clean(n.Value) == "/" {
				continue
			}
			name := "provider"
			if v := yamlnode.Get(provider, "name"); v != nil && v.Value != ".." { // which would leave "provider/"
				name = path.Join("provider", strings.ReplaceAll(v.Value, "/", "_"))
			}
			dir := path.Clean(n.Value)
			out = append(out, snapshot.Source{Name: name, Dir: filepath.FromSlash(dir), ServerDir: dir})
			break
		}
	}
	return out, nil
}
