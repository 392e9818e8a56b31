// Package references reads the files of one Prometheus: the main file, and the files that it names.
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

// The roles. A change of a file_sd file needs no reload: Prometheus watches it. Nor does a change of an Other file: no
// server reads it, or it is a credential, which is read again for each use.
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

// Reader reads the directory of the main file, the directories named by the user, and those that the files name
// (rule_files, scrape_config_files, file_sd_configs). A directory that only a file names is read if it exists here under
// the path that the server uses, and only its matching files are read.
type Reader struct {
	*sources.Reader
	main     string // its path on the server; the base name is that of the local file, which may differ
	patterns map[Role][]string
	// scans are the references in the files of the last read, by contents; nil for a file that cannot be scanned.
	scans map[snapshot.Digest]*References
}

// New creates the reader of one Prometheus. The main file's directory is the source "config".
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

// referenced reads only the main file and the files that are named from the main file's directory: the main file may be in
// someone's home directory, or next to a password that only the server may read. It is not used for a directory that is
// mapped to another one: a gate must publish all of it.
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

// inside are the main file and all patterns within the source, relative to it.
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

// Role is the role of the file at a path on the server, according to the newest main file that could be read.
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
