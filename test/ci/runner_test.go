package ci

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reloader/test/rig"
)

// runner runs the action as GitHub's runner does.
type runner struct {
	t   *testing.T
	env map[string]string
	// context has the values of expressions.
	context map[string]string
	dir     string
	output  string
}

func newRunner(t *testing.T, server string, inputs map[string]string) *runner {
	t.Helper()
	temp := t.TempDir()
	here, err := filepath.Abs(root)
	rig.Must(t, err)
	r := &runner{t: t, dir: t.TempDir(), output: filepath.Join(temp, "output"), context: map[string]string{
		"github.action_ref": version, "github.action_repository": "owner/reloader", "github.repository": "someone/else",
	}}
	r.env = map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": temp, "RUNNER_TEMP": temp, "RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "GITHUB_SERVER_URL": server,
		"GITHUB_ACTION_PATH": here, "GITHUB_PATH": filepath.Join(temp, "path"), "GITHUB_OUTPUT": r.output,
	}
	var a action
	readYAML(t, "action.yml", &a)
	for name, in := range a.Inputs {
		r.context["inputs."+name] = in.Default
	}
	for name, value := range inputs {
		if _, ok := a.Inputs[name]; !ok {
			t.Fatalf("no input %s", name)
		}
		r.context["inputs."+name] = value
	}
	return r
}

var expression = regexp.MustCompile(`\$\{\{ (.*?) \}\}`)

// eval evaluates the only form of GitHub's expressions that the action uses: the first of several values that is not empty.
func (r *runner) eval(text string) string {
	return expression.ReplaceAllStringFunc(text, func(m string) string {
		for part := range strings.SplitSeq(expression.FindStringSubmatch(m)[1], " || ") {
			value, ok := r.context[part]
			if !ok {
				r.t.Fatalf("the runner has no value %s", part)
			}
			if value != "" {
				return value
			}
		}
		return ""
	})
}

// run runs the steps until one fails.
func (r *runner) run() (code int, out string) {
	r.t.Helper()
	var a action
	readYAML(r.t, "action.yml", &a)
	for _, step := range a.Runs.Steps {
		switch step.If {
		case "":
		case "inputs.install-only != 'true'":
			if r.context["inputs.install-only"] == "true" {
				continue
			}
		default:
			r.t.Fatalf("step %s: this test does not know the condition %q", step.Name, step.If)
		}
		script := filepath.Join(r.t.TempDir(), "script.sh")
		rig.Must(r.t, os.WriteFile(script, []byte(step.Run), 0o600))
		// This is how GitHub's runner calls "shell: bash".
		cmd := exec.CommandContext(r.t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", script)
		env := maps.Clone(r.env)
		if added, err := os.ReadFile(env["GITHUB_PATH"]); err == nil {
			env["PATH"] = strings.TrimSpace(string(added)) + ":" + env["PATH"]
		}
		for k, v := range step.Env {
			env[k] = r.eval(v)
		}
		for _, k := range slices.Sorted(maps.Keys(env)) {
			cmd.Env = append(cmd.Env, k+"="+env[k])
		}
		cmd.Dir = r.dir
		b, err := cmd.CombinedOutput()
		out += string(b)
		if err != nil {
			if cmd.ProcessState == nil {
				r.t.Fatal(err)
			}
			return cmd.ProcessState.ExitCode(), out
		}
	}
	return 0, out
}
