// Package house tests rules of this module that linters do not check: its layout, its imports and its words.
package house

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// sources calls f for each Go file of the module, with its slash-separated name.
func sources(t *testing.T, f func(name string, text []byte)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if e.IsDir() && (strings.HasPrefix(e.Name(), ".") && name != "." || e.Name() == "testdata" || e.Name() == "node_modules") {
			return fs.SkipDir
		}
		if filepath.Ext(name) != ".go" || e.IsDir() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f(filepath.ToSlash(name), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Exactly one file of each package says what the package is for, in a sentence that begins with its name.
func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	said := map[string][]string{} // by directory and package, the files that say it
	names := map[string]string{}
	sources(t, func(name string, text []byte) {
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		pkg := strings.TrimSuffix(file.Name.Name, "_test")
		if !strings.HasSuffix(name, "_test.go") || names[dir] == "" {
			names[dir] = pkg
		}
		said[dir] = slices.Clip(said[dir]) // an entry, even if no file says anything
		if file.Doc == nil {
			return
		}
		first, _, _ := strings.Cut(file.Doc.Text(), "\n")
		want := "Package " + pkg + " "
		if pkg == "main" {
			want = "Command " + filepath.Base(dir) + " "
		}
		if !strings.HasPrefix(first, want) {
			if !strings.HasPrefix(first, "go:build") {
				t.Errorf("%s: the comment of the package begins %q, want %q", name, first, want)
			}
			return
		}
		said[dir] = append(said[dir], name)
	})
	for dir, files := range said {
		if len(files) != 1 {
			t.Errorf("%s: package %s says in %d files what it is for, want one: %q", dir, names[dir], len(files), files)
		}
	}
}

// tooLong are files that were already too long when this rule was introduced. None may be added, and a file that has become
// short must be removed.
var tooLong = []string{
	"internal/gate/crash_test.go",
	"internal/gate/gate_test.go",
	"internal/grafana/provisioning/gyaml_test.go",
	"internal/grafana/validator/alerting_cases_test.go",
	"internal/kube/propagation_test.go",
	"internal/prometheus/driver/faults_test.go",
	"internal/reload/fakes_test.go",
	"internal/reload/simulator_test.go",
	"internal/reload/target_test.go",
}

// No file has more than 350 lines.
func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	const most = 350
	var long []string
	sources(t, func(name string, text []byte) {
		n := bytes.Count(text, []byte("\n"))
		if bytes.Contains(text, []byte("\n// Code generated ")) {
			return // no one reads it from end to end
		}
		known := slices.Contains(tooLong, name)
		switch {
		case n > most && !known:
			t.Errorf("%s has %d lines, more than %d", name, n, most)
		case n <= most && known:
			t.Errorf("%s has %d lines: remove it from tooLong", name, n)
		}
		if known {
			long = append(long, name)
		}
	})
	for _, name := range tooLong {
		if !slices.Contains(long, name) {
			t.Errorf("tooLong names %s, which does not exist", name)
		}
	}
}

// Only promcheck links Prometheus. Tests of other packages do not import it either: it would be compiled a second time for the race
// detector. The Makefile lists what is tested without the detector.
func TestOnlyTheJudgeLinksPrometheus(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{
		"github.com/prometheus/prometheus":   {"internal/prometheus/judge/"},
		"reloader/internal/prometheus/judge": {"internal/prometheus/judge/", "cmd/promcheck/"},
	}
	sources(t, func(name string, text []byte) {
		if strings.HasPrefix(name, "tools/") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			for heavy, dirs := range allowed {
				in := func(dir string) bool { return strings.HasPrefix(name, dir) }
				if (path == heavy || strings.HasPrefix(path, heavy+"/")) && !slices.ContainsFunc(dirs, in) {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	})
}
