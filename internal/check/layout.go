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

// maxMain bounds the main file that is looked at here, in bytes; a larger one is judged without an assumption.
const maxMain = 32 << 20

// assumePath sets where the server sees the main file, when its patterns are absolute paths of the server's
// container and the files that they mean lie in the same way beside the main file: for /etc/prometheus/rules/*.yml
// and a directory rules, the main file is /etc/prometheus/prometheus.yml there. The finding says so; there is none
// when nothing was assumed.
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
		return nil // the reading says why
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
				Message: fmt.Sprintf("reloader assumes that the server sees this file as %s, because files that %s names as %s are beside it", m.ServerPath, key, n.Value),
				Hint:    "if that is wrong, give the right path: --prometheus-config " + m.Path + "=/SERVER/PATH",
			}}
		}
	}
	return nil
}

// serverDir is the server's name for the main file's directory, as far as a pattern tells; empty when it does not.
func serverDir(main, pattern string) string {
	if !path.IsAbs(pattern) {
		return ""
	}
	if _, err := os.Stat(filepath.FromSlash(path.Dir(pattern))); err == nil {
		return "" // it is read where it is
	}
	// The longest rest that exists below the main file's directory is the surest.
	for at := 1; ; {
		rest := pattern[at:]
		matches, err := filepath.Glob(filepath.Join(sources.Literal(filepath.Dir(main)), filepath.FromSlash(rest)))
		if err != nil {
			return ""
		}
		if len(matches) > 0 {
			if slices.Contains(matches, main) {
				return "" // no file of rules
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

// unchecked warns about each pattern whose files were not checked: a check that passes them without a word
// would seem to have judged them.
func unchecked(found []finding.Finding) {
	for i, f := range found {
		if f.Rule == prometheusvalidator.RuleMissingFile && f.Severity == finding.Info && strings.HasSuffix(f.Message, prometheusvalidator.NotVisible) {
			found[i].Severity = finding.Warning
			found[i].Hint = "give the path where the server sees the main file (--prometheus-config FILE=SERVERFILE) or the directory (--prometheus-dir DIR=SERVERDIR)"
		}
	}
}
