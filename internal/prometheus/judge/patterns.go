package judge

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/paths"
	"reloader/internal/prometheus/validator"
)

// maxCompared is how many comparisons of a path with a pattern one verdict makes. They take some seconds. Only ten thousand
// patterns with ten thousand files come near it, and only if they share no name and no ending.
const maxCompared = 100_000_000

// glob finds the visible files that match a pattern, as filepath.Glob would on the server, and reports what the server
// would fail on. unreadable is what a name does that it finds and cannot read; empty for nothing.
func (j *judge) glob(file int, n *yaml.Node, pattern, unreadable string) []validator.RulePath {
	at := func(s finding.Severity, rule, message, hint string) {
		j.report(file, problemAt(n, s, rule, message, hint))
	}
	if _, err := filepath.Match(pattern, ""); err != nil {
		at(finding.Error, validator.RuleValue, fmt.Sprintf("bad pattern %q", n.Value), "close the bracket, or escape it with \\")
		return nil
	}
	j.patterns = append(j.patterns, pattern)
	pattern, link := j.throughLink(pattern)
	if !strings.ContainsAny(pattern, `*?[\`) {
		if i, ok := j.paths[pattern]; ok {
			if i == j.q.Main {
				at(finding.Error, validator.RulePatternMain, fmt.Sprintf("%q is the main file itself", n.Value), "name another file here")
				return nil
			}
			p := relink(pattern, link)
			if path.IsAbs(n.Value) {
				p = n.Value // the server uses the path as it is written
			}
			return []validator.RulePath{{File: i, Path: p}}
		}
		if j.dirs[pattern] {
			at(finding.Error, validator.RuleDirectory, fmt.Sprintf("%q is a directory", n.Value), `write the files as a pattern: "`+strings.TrimSuffix(n.Value, "/")+`/*.yml"`)
			return nil
		}
		if _, broken := j.unfit[pattern]; !broken {
			unreadable = "" // the server does not find it either
		}
		j.absent(file, n, pattern, unreadable)
		return nil
	}
	means := paths.NewPattern(pattern)
	files, dirs := j.byName.Candidates(means), j.dirsByName.Candidates(means)
	if j.compared += len(files) + len(dirs); j.compared > maxCompared {
		if !j.uncompared {
			at(finding.Warning, validator.RulePatternCost, fmt.Sprintf("the patterns from %q onward were not compared with the files: that takes more than %d comparisons", n.Value, maxCompared),
				"name the directory, or the beginning or ending of the files, without * and ?")
		}
		j.uncompared = true
		return nil
	}
	var matches []string
	meansMain := false
	for _, p := range files {
		if !means.Match(p) {
			continue
		}
		if j.paths[p] == j.q.Main {
			meansMain = true
		} else {
			matches = append(matches, p)
		}
	}
	if main := j.q.Files[j.q.Main].Path; meansMain {
		at(finding.Error, validator.RulePatternMain, fmt.Sprintf("the pattern %q also matches the main file %q, which Prometheus then reads as one of these files too", n.Value, path.Base(main)),
			withoutMain(n.Value, main, matches))
		return j.found(matches, link)
	}
	for _, d := range dirs {
		if means.Match(d) {
			at(finding.Error, validator.RuleDirectory, fmt.Sprintf("the pattern %q also matches the directory %q, which cannot be read as a file", n.Value, path.Base(d)),
				`match the files by their extension: "`+path.Join(path.Dir(n.Value), "*.yml")+`"`)
			break
		}
	}
	switch p := j.unfitFor(means); {
	case p != "" && unreadable != "":
		at(finding.Warning, validator.RuleMissingFile, fmt.Sprintf("the pattern %q also matches %q, which cannot be read: %s", n.Value, path.Base(p), unreadable), "remove this link or pipe")
	case p == "" && len(matches) == 0:
		where := validator.NotVisible
		if j.dirs[path.Dir(pattern)] {
			where = "the server reads none"
		}
		at(finding.Info, validator.RuleMissingFile, fmt.Sprintf("the pattern %q matches no file that reloader sees: %s", n.Value, where), "")
	}
	return j.found(matches, link)
}

// found are the files at these visible paths, with the paths that the server uses for them.
func (j *judge) found(paths []string, link string) []validator.RulePath {
	files := make([]validator.RulePath, len(paths))
	for i, p := range paths {
		files[i] = validator.RulePath{File: j.paths[p], Path: relink(p, link)}
	}
	return files
}

// throughLink removes the ..data link of a volume from a pattern: the same files are visible without it. It also returns
// the directory that contains the link; empty when there is none.
func (j *judge) throughLink(pattern string) (plain, dir string) {
	dir, rest, ok := strings.Cut(pattern, "/..data/")
	if !ok || !j.dirs[dir] {
		return pattern, ""
	}
	return dir + "/" + rest, dir
}

// relink puts the ..data link back into the path of a file below the directory that contains it.
func relink(p, dir string) string {
	if dir == "" {
		return p
	}
	return dir + "/..data" + strings.TrimPrefix(p, dir)
}

// withoutMain says how to match the other files but not the main file: by their extension if they share one that the main
// file does not have, or else in their own directory.
func withoutMain(written, main string, others []string) string {
	ext := ""
	if len(others) > 0 && !slices.ContainsFunc(others, func(p string) bool { return path.Ext(p) != path.Ext(others[0]) }) {
		ext = path.Ext(others[0])
	}
	if ext != "" && ext != path.Ext(main) {
		return "write " + quoted(path.Join(path.Dir(written), "*"+ext))
	}
	return "put the other files into their own directory, and write " + quoted(path.Join(path.Dir(written), "rules", "*"+cmp.Or(ext, ".yml")))
}
