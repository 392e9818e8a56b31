// Package references reads the files of one Prometheus: the main file, and what it names.
package references

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"reloader/internal/snapshot"
	"reloader/internal/sources"
)

// Role is what a file means to Prometheus.
type Role string

// The roles. A change of a file_sd file needs no reload: Prometheus watches those itself. Nor does one
// of Other: what no server reads, and credentials, which are read again for each use.
const (
	Main         Role = "main"
	Rule         Role = "rule"
	ScrapeConfig Role = "scrape-config"
	FileSD       Role = "file-sd"
	Other        Role = "other"
)

// NeedsReload reports whether Prometheus reads files of the role only when it is told to.
func (r Role) NeedsReload() bool { return r == Main || r == Rule || r == ScrapeConfig }

// Options say where a Prometheus' files are.
type Options struct {
	// ConfigFile is the main file as this process sees it.
	ConfigFile string
	// ServerConfigFile is where the server sees it; empty means ConfigFile.
	ServerConfigFile string
	// Dirs are further directories that must exist. An empty Name means the directory's base name.
	Dirs   []snapshot.Source
	Limits snapshot.Limits
}

// Reader reads the directory of the main file, the directories named by the user, and
// those that the files themselves name (rule_files, scrape_config_files, file_sd_configs) as far
// as they are visible: they exist here under the path that the server uses. Of these only the files that
// match are read.
type Reader struct {
	*sources.Reader
	main     string // where the server sees it; its base name is ours, which the server's may differ from
	patterns map[Role][]string
	// scans are those of the files of the last reading, by contents.
	scans map[snapshot.Digest]scanned
}

type scanned struct {
	refs References
	ok   bool
}

// New makes the reader of one Prometheus. The main file's directory is the source "config".
func New(o Options) *Reader {
	config := snapshot.Source{Name: "config", Dir: filepath.Dir(o.ConfigFile)}
	if o.ServerConfigFile != "" {
		config.ServerDir = path.Dir(o.ServerConfigFile)
	}
	r := &Reader{main: config.ServerPath(filepath.Base(o.ConfigFile))}
	required := []snapshot.Source{config}
	for _, src := range o.Dirs {
		src.Dir = filepath.Clean(src.Dir)
		if src.Name == "" {
			src.Name = filepath.Base(src.Dir)
		}
		if !slices.ContainsFunc(required, func(known snapshot.Source) bool { return sources.Holds(known, src) }) {
			required = append(required, src)
		}
	}
	r.Reader = sources.New(sources.Options{Required: required, Limits: o.Limits, Follow: r.references})
	if path.Clean(config.ServerPath("")) == filepath.ToSlash(filepath.Clean(config.Dir)) {
		r.Narrow = r.referenced
	}
	return r
}

// referenced reads, of the main file's directory, the main file and what the files name: for a main file in
// someone's home directory, or beside a password that only the server may read. It is not for a
// directory that is mapped to another one: a gate must publish all of it.
func (r *Reader) referenced(ctx context.Context, src snapshot.Source) (*snapshot.Snapshot, error) {
	src.Include = []string{sources.Literal(path.Base(r.main))}
	for range sources.MaxRounds {
		s, err := r.Snap(ctx, src)
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
	return r.Snap(ctx, src)
}

// inside are the main file and all patterns that lie in the source, relative to it.
func (r *Reader) inside(src snapshot.Source) []string {
	include := []string{sources.Literal(path.Base(r.main))}
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

// Role tells what the file at the server's path is, by the newest main file that could be read.
func (r *Reader) Role(serverPath string) Role {
	if serverPath == r.main {
		return Main
	}
	for _, role := range []Role{Rule, ScrapeConfig, FileSD} {
		if matchesAny(r.patterns[role], serverPath) {
			return role
		}
	}
	return Other
}
