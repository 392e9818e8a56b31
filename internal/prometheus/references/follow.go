package references

import (
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"reloader/internal/snapshot"
	"reloader/internal/sources"
)

// reference is a pattern in a file.
type reference struct {
	written string
	server  string // resolved as the server does
}

// references finds the directories that the files name, and keeps the patterns for Role.
func (r *Reader) references(set *snapshot.Set) ([]snapshot.Source, bool) {
	scans := map[snapshot.Digest]*References{}
	defer func() { r.scans = scans }()
	main := r.scan(set, r.main, scans)
	if main == nil {
		return nil, false
	}
	var all []reference
	patterns := map[Role][]string{}
	add := func(role Role, from string, written []string) {
		for _, w := range written {
			ref := reference{written: w, server: joinDir(path.Dir(from), w)}
			all = append(all, ref)
			patterns[role] = append(patterns[role], ref.server)
		}
	}
	add(Rule, r.main, main.RuleFiles)
	add(ScrapeConfig, r.main, main.ScrapeConfigFiles)
	add(FileSD, r.main, main.FileSD)
	if scrapes := patterns[ScrapeConfig]; len(scrapes) > 0 {
		for ref := range set.All() {
			server := ref.ServerPath()
			if !matchesAny(scrapes, server) {
				continue
			}
			// The validator reports a broken file.
			if scrape := r.scan(set, server, scans); scrape != nil {
				add(FileSD, server, scrape.FileSD)
			}
		}
	}
	r.patterns = patterns
	return r.directories(all), true
}

// scan scans a file of the set, unless its contents were scanned the last time; nil when it is missing or cannot be scanned.
func (r *Reader) scan(set *snapshot.Set, serverPath string, keep map[snapshot.Digest]*References) *References {
	ref, ok := set.File(serverPath)
	if !ok {
		return nil
	}
	refs, known := r.scans[ref.Digest]
	if !known {
		b, _ := ref.Bytes()
		if found, err := Scan(b); err == nil {
			refs = &found
		}
	}
	keep[ref.Digest] = refs
	return refs
}

func matchesAny(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := filepath.Match(pattern, p)
		return err == nil && ok
	})
}

// joinDir resolves a path as Prometheus does.
func joinDir(dir, p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(dir, p)
}

// systemDir reports whether a directory belongs to the system and holds no server configuration. An entry in rule_files
// must not make this process walk /proc, or list the directory of its credentials.
func systemDir(dir string) bool {
	dir = path.Clean(dir)
	for _, whole := range []string{"/proc", "/sys", "/dev", "/run/secrets", "/var/run/secrets"} {
		if dir == whole || strings.HasPrefix(dir, whole+"/") {
			return true
		}
	}
	return slices.Contains([]string{"/", "/etc", "/root", "/home"}, dir)
}

// directories turns patterns into sources, one per directory. It leaves out directories in sources that are read anyway.
func (r *Reader) directories(refs []reference) []snapshot.Source {
	var found []snapshot.Source
	patterns := map[string][]string{} // by directory
	names := map[string]string{}
	for _, ref := range refs {
		dir, pattern := sources.Split(ref.server)
		if dir == "." || systemDir(dir) {
			continue // --prometheus-dir can name it
		}
		if _, err := path.Match(pattern, ""); err != nil {
			continue // the validator reports it
		}
		// The server sees it under the same path, even if a gate publishes the other files.
		here := snapshot.Source{Dir: filepath.FromSlash(dir), ServerDir: dir, Followed: true}
		if slices.ContainsFunc(r.Required, func(known snapshot.Source) bool { return sources.Serves(known, here) }) {
			continue
		}
		if _, ok := names[dir]; !ok {
			written, _ := sources.Split(ref.written)
			names[dir] = written
			found = append(found, here)
		}
		patterns[dir] = append(patterns[dir], pattern)
	}
	sort.SliceStable(found, func(i, j int) bool { return len(found[i].Dir) < len(found[j].Dir) })
	var out []snapshot.Source
	for _, src := range found {
		include := patterns[filepath.ToSlash(src.Dir)]
		i := slices.IndexFunc(out, func(o snapshot.Source) bool { return strings.HasPrefix(src.Dir, o.Dir+string(filepath.Separator)) })
		if i < 0 {
			src.Name = names[filepath.ToSlash(src.Dir)]
			i, out = len(out), append(out, src)
		} else {
			// It is inside another one. One source reads both, so that no file appears twice.
			rel := filepath.ToSlash(strings.TrimPrefix(src.Dir, out[i].Dir+string(filepath.Separator)))
			for j, pattern := range include {
				include[j] = path.Join(rel, pattern)
			}
		}
		out[i].Include = append(out[i].Include, include...)
	}
	for i := range out {
		slices.Sort(out[i].Include)
		out[i].Include = slices.Compact(out[i].Include)
	}
	return sources.Unique(append(slices.Clone(r.Required), out...))[len(r.Required):]
}
