package sources

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"reloader/internal/snapshot"
)

// Role is what a file means to Prometheus.
type Role string

// The roles. A change of a file_sd file needs no reload: Prometheus watches those itself. Nor does one
// of Other: what nobody reads, and credentials, which are read again for each use.
const (
	Main         Role = "main"
	Rule         Role = "rule"
	ScrapeConfig Role = "scrape-config"
	FileSD       Role = "file-sd"
	Other        Role = "other"
)

// NeedsReload reports whether Prometheus reads files of the role only when it is told to.
func (r Role) NeedsReload() bool { return r == Main || r == Rule || r == ScrapeConfig }

// PrometheusOptions say where a Prometheus' files are.
type PrometheusOptions struct {
	// ConfigFile is the main file as this process sees it.
	ConfigFile string
	// ServerConfigFile is where the server sees it; empty means ConfigFile.
	ServerConfigFile string
	// Dirs are further directories that must exist. An empty Name means the directory's base name.
	Dirs   []snapshot.Source
	Limits snapshot.Limits
}

// PrometheusReader reads the directory of the main file, the directories named by the user, and
// those that the files themselves name (rule_files, scrape_config_files, file_sd_configs) as far
// as they are in view: they exist here under the path that the server uses. Of these only the files that
// match are read.
type PrometheusReader struct {
	Reader
	main     string // as the server sees it
	patterns map[Role][]string
	// scans are those of the files of the last reading, by contents.
	scans map[snapshot.Digest]scanned
}

type scanned struct {
	refs References
	ok   bool
}

// Prometheus makes the reader of one Prometheus. The main file's directory is the source "config".
func Prometheus(o PrometheusOptions) *PrometheusReader {
	config := snapshot.Source{Name: "config", Dir: filepath.Dir(o.ConfigFile)}
	if o.ServerConfigFile != "" {
		config.ServerDir = path.Dir(o.ServerConfigFile)
	}
	r := &PrometheusReader{main: config.ServerPath(filepath.Base(o.ConfigFile))}
	if o.ServerConfigFile != "" {
		r.main = path.Clean(o.ServerConfigFile)
	}
	r.required = []snapshot.Source{config}
	for _, src := range o.Dirs {
		src.Dir = filepath.Clean(src.Dir)
		if src.Name == "" {
			src.Name = filepath.Base(src.Dir)
		}
		if !slices.ContainsFunc(r.required, func(known snapshot.Source) bool { return holds(known, src) }) {
			r.required = append(r.required, src)
		}
	}
	r.required = unique(r.required)
	r.limits = o.Limits
	r.follow = r.references
	if path.Clean(config.ServerPath("")) == filepath.ToSlash(filepath.Clean(config.Dir)) {
		r.narrow = r.referenced
	}
	return r
}

// referenced reads, of the main file's directory, the main file and what the files name: for a main file in
// somebody's home directory, or beside a password that only the server may read. It is not for a
// directory that is mapped to another one: a gate must publish all of it.
func (r *PrometheusReader) referenced(ctx context.Context, src snapshot.Source) (*snapshot.Snapshot, error) {
	src.Include = []string{escape(path.Base(r.main))}
	for range maxRounds {
		s, err := r.snap(ctx, src)
		if err != nil {
			return nil, err
		}
		r.references(snapshot.NewSet(s))
		include := r.inside(src)
		if slices.Equal(include, src.Include) {
			return s, nil
		}
		src.Include = include
	}
	return r.snap(ctx, src)
}

// inside are the main file and all patterns that lie in the source, relative to it.
func (r *PrometheusReader) inside(src snapshot.Source) []string {
	include := []string{escape(path.Base(r.main))}
	for _, patterns := range r.patterns {
		for _, p := range patterns {
			rel, ok := strings.CutPrefix(p, strings.TrimSuffix(src.ServerPath(""), "/")+"/")
			if src.ServerPath("") == "." {
				rel, ok = p, !path.IsAbs(p)
			}
			if _, err := path.Match(rel, ""); ok && err == nil {
				include = append(include, rel)
			}
		}
	}
	slices.Sort(include)
	return slices.Compact(include)
}

// holds reports that everything in src is in known too, at the same place for the server.
func holds(known, src snapshot.Source) bool {
	rel, err := filepath.Rel(known.Dir, src.Dir)
	return err == nil && filepath.IsLocal(rel) && len(known.Include) == 0 &&
		path.Clean(known.ServerPath(filepath.ToSlash(rel))) == path.Clean(src.ServerPath(""))
}

// MainFile is the main file's path as the server sees it.
func (r *PrometheusReader) MainFile() string { return r.main }

// Role tells what the file at the server's path is, by the newest main file that could be read.
func (r *PrometheusReader) Role(serverPath string) Role {
	if serverPath == r.main {
		return Main
	}
	for _, role := range []Role{Rule, ScrapeConfig, FileSD} {
		for _, pattern := range r.patterns[role] {
			if ok, err := filepath.Match(pattern, serverPath); err == nil && ok {
				return role
			}
		}
	}
	return Other
}
