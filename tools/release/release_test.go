// Package release checks the files that a release is built from, and the example for docker compose, with the code of the
// programs that read them. It is a module of its own, so that reloader does not depend on that code; `make lint` runs it.
package release

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/goreleaser/goreleaser/v2/pkg/config"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"go.yaml.in/yaml/v3"
)

const root = "../.."

// checks return what is wrong with a file. The key is its name in the repository; the copy that is checked may be anywhere.
var checks = map[string]func(t *testing.T, file string) []string{
	".github/workflows/ci.yaml":      workflow,
	".github/workflows/newer.yaml":   workflow,
	".github/workflows/release.yaml": workflow,
	".github/dependabot.yml":         dependabot,
	".goreleaser.yaml":               goreleaser,
	"Dockerfile":                     dockerfile,
	"examples/compose.yaml":          compose,
}

// The files of the repository have no problem, and every workflow is checked.
func TestFiles(t *testing.T) {
	for name, check := range checks {
		for _, problem := range check(t, filepath.Join(root, name)) {
			t.Errorf("%s: %s", name, problem)
		}
	}
	workflows, err := filepath.Glob(root + "/.github/workflows/*")
	if err != nil || len(workflows) == 0 {
		t.Errorf("no workflows: %v", err)
	}
	for _, file := range workflows {
		if name := ".github/workflows/" + filepath.Base(file); checks[name] == nil {
			t.Errorf("%s has no check", name)
		}
	}
}

// Every check finds a mistake in a copy of the real file.
func TestBrokenFiles(t *testing.T) {
	for _, test := range []struct{ name, old, broken, want string }{
		{".github/workflows/ci.yaml", "actions/checkout@", "actions/checkout@v4 # ", "v4 # "},
		{".github/workflows/release.yaml", " # v7.0.1", "", "actions/checkout@"},
		{".github/dependabot.yml", "/tools/prometheus", "/tools/prom", "gomod does not update /tools/prometheus"},
		{".github/dependabot.yml", "schedule:", "schedules:", "field schedules not found"},
		{".goreleaser.yaml", "goarch:", "goarchs:", "field goarchs not found"},
		{".goreleaser.yaml", "version: 2", "version: 1", "version 1"},
		{"Dockerfile", "USER ", "USR ", "unknown instruction: USR"},
		{"Dockerfile", "AS build", "as build", "FromAsCasing"},
		{"examples/compose.yaml", "read_only: true", "read_only: [1]", "services.reloader.read_only"},
		{"examples/compose.yaml", "cap_drop:", "cap_drops:", "services.reloader.cap_drops"},
		{"examples/compose.yaml", "./grafana/config:", "config:", "undefined volume config"},
		{"examples/compose.yaml", "./prometheus:", "./nothing:", "nothing: no such file"},
	} {
		text := string(read(t, filepath.Join(root, test.name)))
		if !strings.Contains(text, test.old) {
			t.Errorf("%s has no %q", test.name, test.old)
		}
		file := filepath.Join(t.TempDir(), filepath.Base(test.name))
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, test.old, test.broken)), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(checks[test.name](t, file), "\n"); !strings.Contains(got, test.want) {
			t.Errorf("%s with %q: want %q, got %q", test.name, test.broken, test.want, got)
		}
	}
}

var (
	uses   = regexp.MustCompile(`(?m)^\s*(?:- )?uses: (.*)$`)
	pinned = regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
)

// workflow returns the actions that are not pinned to a commit: a tag can be moved to other code. actionlint finds everything else
// that can be wrong with a workflow.
func workflow(t *testing.T, file string) (problems []string) {
	for _, m := range uses.FindAllSubmatch(read(t, file), -1) {
		if !pinned.Match(m[1]) {
			problems = append(problems, fmt.Sprintf("want COMMIT # vX.Y.Z: %s", m[1]))
		}
	}
	return problems
}

// dependabot returns the directories whose dependencies are not updated.
func dependabot(t *testing.T, file string) (problems []string) {
	var doc struct {
		Version int
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directories []string
			Schedule    struct{ Interval string }
			Groups      map[string]struct{ Patterns []string }
		}
	}
	dec := yaml.NewDecoder(bytes.NewReader(read(t, file)))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		return []string{err.Error()}
	}
	seen := map[string][]string{}
	for _, u := range doc.Updates {
		seen[u.Ecosystem] = append(seen[u.Ecosystem], u.Directories...)
	}
	ls := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", "go.mod", "*/go.mod", "Dockerfile", "*/Dockerfile")
	files, err := ls.Output()
	if err != nil {
		t.Fatal(err)
	}
	ecosystems := map[string]string{"go.mod": "gomod", "Dockerfile": "docker"}
	for f := range strings.FieldsSeq(string(files)) {
		if f == "tools/skew/go.mod" {
			continue // it has an older Prometheus on purpose
		}
		if e, dir := ecosystems[path.Base(f)], path.Dir("/"+f); !slices.Contains(seen[e], dir) {
			problems = append(problems, fmt.Sprintf("%s does not update %s", e, dir))
		}
	}
	return problems
}

// goreleaser reads the file as `goreleaser check` does; the whole of goreleaser would take minutes to build.
func goreleaser(_ *testing.T, file string) []string {
	project, err := config.Load(file)
	switch {
	case err != nil:
		return []string{err.Error()}
	case project.Version != 2:
		return []string{fmt.Sprintf("version %d", project.Version)}
	}
	return nil
}

// dockerfile does what `docker build --check` does as long as it needs no image.
func dockerfile(t *testing.T, file string) (problems []string) {
	ast, err := parser.Parse(bytes.NewReader(read(t, file)))
	if err != nil {
		return []string{err.Error()}
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, _ []parser.Range) {
		problems = append(problems, rule+": "+message)
	}})
	if _, _, err := instructions.Parse(ast.AST, lint); err != nil {
		problems = append(problems, err.Error())
	}
	return problems
}

// compose does what `docker compose config` does.
func compose(t *testing.T, file string) (problems []string) {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithName("example"), cli.WithWorkingDirectory(root+"/examples"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		return []string{err.Error()}
	}
	for _, service := range project.Services {
		for _, v := range service.Volumes {
			// Docker makes an empty directory where there is none.
			if _, err := os.Stat(v.Source); v.Type == "bind" && err != nil {
				problems = append(problems, err.Error())
			}
		}
	}
	return problems
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
