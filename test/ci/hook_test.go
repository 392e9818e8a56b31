package ci

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"reloader/test/rig"
)

// hook is an entry of .pre-commit-hooks.yaml.
type hook struct {
	ID, Name, Description, Entry, Language, Files string
	PassFilenames                                 bool `yaml:"pass_filenames"`
}

func unmarshal(text []byte, v any) error { return yaml.Unmarshal(text, v) }

func hooks(t *testing.T) []hook {
	t.Helper()
	var all []hook
	readYAML(t, ".pre-commit-hooks.yaml", &all)
	if len(all) == 0 {
		t.Fatal("no hooks")
	}
	return all
}

// repository is someone's git repository with these files, and an environment in which nothing of the user's is configured.
func repository(t *testing.T, files map[string]string) (dir string, env []string) {
	t.Helper()
	dir = t.TempDir()
	rig.WriteTree(t, dir, files)
	env = append(os.Environ(), "HOME="+t.TempDir(), "PRE_COMMIT_HOME="+t.TempDir(), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	// The build and module caches are shared, because the hook compiles reloader.
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		b, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		rig.Must(t, err)
		env = append(env, name+"="+strings.TrimSpace(string(b)))
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"commit", "-qm", "files"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir, cmd.Env = dir, env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	return dir, env
}

// The real pre-commit runs the hook that builds the programs, and the one that finds them in PATH. It reports the mistake in
// someone's repository, and passes once that is corrected.
func TestHooksByPreCommit(t *testing.T) {
	t.Parallel()
	preCommit, err := exec.LookPath("pre-commit")
	if err != nil {
		t.Skip("no pre-commit: install Debian's package of that name")
	}
	here, err := filepath.Abs(root)
	rig.Must(t, err)
	if _, err := os.Stat(filepath.Join(here, ".git")); err != nil {
		t.Skip("not a git checkout, which pre-commit needs to clone")
	}
	for _, id := range []string{"reloader-check", "reloader-check-system"} {
		dir, env := repository(t, map[string]string{"prometheus.yml": "rule_files: [rules/*.yml]\n", "rules/app.yml": broken})
		env = append(env, "PATH="+programs(t)+":"+os.Getenv("PATH"))
		run := func() (string, error) {
			cmd := exec.CommandContext(t.Context(), preCommit, "try-repo", "--all-files", "--color=never", here, id)
			cmd.Dir, cmd.Env = dir, env
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		if out, err := run(); err == nil || !strings.Contains(out, "rules/app.yml:5:") || !strings.Contains(out, "exit code: 1") {
			t.Errorf("%s, broken: %v\n%s", id, err, out)
		}
		rig.WriteTree(t, dir, map[string]string{"rules/app.yml": good})
		if out, err := run(); err != nil || !strings.Contains(out, "Passed") {
			t.Errorf("%s, corrected: %v\n%s", id, err, out)
		}
	}
}

// Each hook's command, run as pre-commit runs it, checks the files with the usual names, or the paths in the hook's arguments.
func TestHookCommands(t *testing.T) {
	t.Parallel()
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	rig.Must(t, err)
	page, err := os.ReadFile(filepath.Join(root, "docs/ci.md"))
	rig.Must(t, err)
	for _, h := range hooks(t) {
		if !strings.Contains(string(page), "`"+h.ID+"`") {
			t.Errorf("docs/ci.md does not name the hook %s", h.ID)
		}
		if h.PassFilenames || h.Description == "" || h.Name == "" {
			t.Errorf("%+v", h)
		}
		files := regexp.MustCompile(h.Files)
		for _, name := range []string{"deploy/monitor.yaml", "prometheus.yml", "grafana.ini", "dashboards/a.json"} {
			if !files.MatchString(name) {
				t.Errorf("%s does not run for %s", h.ID, name)
			}
		}
		entry := strings.Fields(h.Entry)
		switch h.Language {
		case "golang", "system":
		case "docker": // the program is in the root directory of the image
			if !strings.Contains(string(dockerfile), "/out/reloader /out/promcheck /\n") || entry[0] != "/reloader" {
				t.Errorf("%s: the image has no %s", h.ID, entry[0])
			}
			entry[0] = "reloader"
		default:
			t.Errorf("%s: this test does not know the language %s", h.ID, h.Language)
		}
		dir, env := repository(t, map[string]string{"prometheus.yml": "rule_files: [rules/*.yml]\n", "rules/app.yml": broken, "deploy/a/rules.yml": good})
		for _, c := range []struct {
			args []string
			code int
		}{{nil, 1}, {[]string{"--strict", "deploy/a"}, 0}} {
			cmd := exec.CommandContext(t.Context(), filepath.Join(programs(t), entry[0]), slices.Concat(entry[1:], c.args)...)
			cmd.Dir, cmd.Env = dir, env
			out, _ := cmd.CombinedOutput()
			if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != c.code {
				t.Errorf("%s %q: want exit code %d\n%s", h.ID, c.args, c.code, out)
			}
		}
	}
}
