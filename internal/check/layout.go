package check

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/config"
	"reloader/internal/finding"
	prometheusvalidator "reloader/internal/prometheus/validator"
	"reloader/internal/sources"
	"reloader/internal/yamlnode"
)

// maxMain is the largest main file in bytes for which a path is assumed.
const maxMain = 32 << 20

// assumePath sets where the server sees the main file, if its patterns are absolute paths in the server's container and matching
// files are next to the main file here: with /etc/prometheus/rules/*.yml and a directory rules, the server sees the main file as
// /etc/prometheus/prometheus.yml. The finding reports the assumption; there is none without one.
func assumePath(m *config.Mount) []finding.Finding {
	if m.Path == "" || m.ServerPath != "" {
		return nil
	}
	main, err := filepath.Abs(m.Path)
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(main)
	if err != nil || len(text) > maxMain {
		return nil // reading it for the check reports why
	}
	root, err := yamlnode.Mapping(text)
	if root == nil || err != nil {
		return nil
	}
	for _, key := range []string{"rule_files", "scrape_config_files"} {
		for _, n := range yamlnode.Items(yamlnode.Get(root, key)) {
			if n.Kind != yaml.ScalarNode {
				continue
			}
			dir := serverDir(main, n.Value)
			if dir == "" {
				continue
			}
			m.ServerPath = path.Join(dir, filepath.Base(main))
			return []finding.Finding{{
				File: main, Line: n.Line, Column: n.Column, Severity: finding.Info, Rule: prometheusvalidator.RuleAssumedPath,
				Message: fmt.Sprintf("reloader assumes that the server sees this file as %s, because files that %s names as %s are next to it", m.ServerPath, key, n.Value),
				Hint:    "if that is wrong, give the right path: --prometheus-config " + m.Path + "=/SERVER/PATH",
			}}
		}
	}
	return nil
}

// serverDir is the directory where the server sees the main file, judging by one pattern; empty when that is unclear.
func serverDir(main, pattern string) string {
	if !path.IsAbs(pattern) {
		return ""
	}
	if _, err := os.Stat(filepath.FromSlash(path.Dir(pattern))); err == nil {
		return "" // the directory exists here, too
	}
	// The longest rest of the pattern that matches below the main file's directory is the most certain.
	for at := 1; ; {
		rest := pattern[at:]
		matches, err := filepath.Glob(filepath.Join(sources.Literal(filepath.Dir(main)), filepath.FromSlash(rest)))
		if err != nil {
			return ""
		}
		if len(matches) > 0 {
			if slices.Contains(matches, main) {
				return "" // it matches the main file itself
			}
			return path.Clean(pattern[:at])
		}
		next := strings.IndexByte(rest, '/')
		if next < 0 {
			return ""
		}
		at += next + 1
	}
}

// unchecked warns about each pattern whose files were not checked. Otherwise the check would seem to have judged them.
func unchecked(found []finding.Finding) {
	for i, f := range found {
		if f.Rule == prometheusvalidator.RuleMissingFile && f.Severity == finding.Info && strings.HasSuffix(f.Message, prometheusvalidator.NotVisible) {
			found[i].Severity = finding.Warning
			found[i].Hint = "give the path where the server sees the main file (--prometheus-config FILE=SERVERFILE) or the directory (--prometheus-dir DIR=SERVERDIR)"
		}
	}
}
