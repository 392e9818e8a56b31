package ci

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"reloader/test/rig"
)

// action is action.yml, with the keys of GitHub's "metadata syntax".
type action struct {
	Name, Description string
	Branding          struct{ Icon, Color string }
	Inputs            map[string]struct {
		Description, Default string
		Required             bool
	}
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []struct {
			Name, ID, Shell, If, Run string
			Env                      map[string]string
		}
	}
}

// The action downloads the release's archive for the runner's platform, verifies it, and runs the check with its inputs. It ends
// with the exit code of the check, which is also its output.
func TestAction(t *testing.T) {
	t.Parallel()
	server := newRelease(t)
	for name, c := range map[string]struct {
		inputs, env map[string]string
		files       map[string]string
		code        int
		unchecked   bool // it ends without a check, and without the output
		want        []string
	}{
		"good":     {inputs: map[string]string{"paths": "rules.yml\n"}, files: map[string]string{"rules.yml": good}, want: []string{"reloader dev (revision", "::add-matcher::"}},
		"no paths": {files: map[string]string{"prometheus.yml": "scrape_configs: [{job_name: a, static_configs: [{targets: [a]}]}]\n"}, want: []string{"checking prometheus.yml"}},
		"error": {
			inputs: map[string]string{"paths": "a b\nother"}, files: map[string]string{"a b/rules.yml": broken, "other/rules.yml": good}, code: 1,
			want: []string{"::error file=a b/rules.yml,line=5,col="},
		},
		"nothing": {code: 2, want: []string{"nothing to check"}},
		"strict": {
			inputs: map[string]string{"paths": "pod.yaml", "strict": "true"}, files: map[string]string{"pod.yaml": subPath}, code: 1, want: []string{"::warning file=pod.yaml,line=8,col="},
		},
		"flags": {
			inputs: map[string]string{"flags": "--prometheus-config=p.yml\n--prometheus-version=2.45.0\n"}, files: map[string]string{"p.yml": "rule_files: [r.yml]\n", "r.yml": broken}, code: 1,
			want: []string{"::error file=r.yml,line=5,col="},
		},
		"no flag as a path": {inputs: map[string]string{"paths": "--help"}, code: 3, want: []string{"--help"}},
		"macOS":             {inputs: map[string]string{"paths": "rules.yml"}, env: map[string]string{"RUNNER_OS": "macOS", "RUNNER_ARCH": "ARM64"}, files: map[string]string{"rules.yml": good}},
		"arm":               {inputs: map[string]string{"paths": "rules.yml"}, env: map[string]string{"RUNNER_ARCH": "ARM"}, files: map[string]string{"rules.yml": good}},
		"Windows":           {env: map[string]string{"RUNNER_OS": "Windows"}, code: 3, unchecked: true, want: []string{"::error title=reloader::there is no release for Windows"}},
		"no release":        {inputs: map[string]string{"version": "v9.9.9"}, code: 3, unchecked: true, want: []string{"::error title=reloader::could not get " + server.URL + "/owner/reloader/releases/download/v9.9.9/checksums.txt"}},
		"branch":            {inputs: map[string]string{"version": "main"}, code: 3, unchecked: true, want: []string{`"main" is not the tag of a release: give the input version`}},
		"a command":         {inputs: map[string]string{"version": "v1.2.3; touch x"}, code: 3, unchecked: true, want: []string{"is not the tag of a release"}},
		"install only":      {inputs: map[string]string{"install-only": "true", "paths": "nothing"}, unchecked: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, server.URL, c.inputs)
			maps.Copy(r.env, c.env)
			rig.WriteTree(t, r.dir, c.files)
			code, out := r.run()
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("the log lacks %q", want)
				}
			}
			if t.Failed() {
				t.Log(out)
			}
			wantOutput := fmt.Sprintf("exit-code=%d\n", code)
			if c.unchecked {
				wantOutput = ""
			}
			if got, err := os.ReadFile(r.output); string(got) != wantOutput || err != nil && !c.unchecked {
				t.Errorf("the output is %q, %v, want %q", got, err, wantOutput)
			}
		})
	}
}

// subPath is a manifest that gives a warning.
const subPath = `apiVersion: v1
kind: Pod
metadata: {name: monitor}
spec:
  containers:
  - name: prometheus
    image: prom/prometheus
    volumeMounts: [{name: config, mountPath: /etc/prometheus/prometheus.yml, subPath: prometheus.yml}]
  volumes: [{name: config, configMap: {name: prometheus-yml, optional: true}}]
`

// The findings are also written as SARIF, even if there are errors.
func TestActionWritesSARIF(t *testing.T) {
	t.Parallel()
	server := newRelease(t)
	r := newRunner(t, server.URL, map[string]string{"paths": "rules.yml", "sarif-file": "reloader.sarif"})
	rig.WriteTree(t, r.dir, map[string]string{"rules.yml": broken})
	if code, out := r.run(); code != 1 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	text, err := os.ReadFile(filepath.Join(r.dir, "reloader.sarif"))
	rig.Must(t, err)
	if !strings.Contains(string(text), `"ruleId": "rule-promql"`) || !strings.Contains(string(text), `"startLine": 5`) {
		t.Errorf("%s", text)
	}
}

// An archive without the checksum of the release is not used; where cosign is installed, checksums without a valid signature are
// not used either. The signature must be that of the release workflow.
func TestActionChecksWhatItGets(t *testing.T) {
	t.Parallel()
	server := newRelease(t)
	good := server.files["checksums.txt"]
	refuses := func(name, want string, prepare func(r *runner)) {
		r := newRunner(t, server.URL, map[string]string{"install-only": "true"})
		prepare(r)
		code, out := r.run()
		if _, err := os.Stat(r.env["GITHUB_PATH"]); code != 3 || !strings.Contains(out, want) || err == nil {
			t.Errorf("%s: exit code %d, in PATH %v\n%s", name, code, err == nil, out)
		}
	}
	server.files["checksums.txt"] = bytes.ReplaceAll(good, []byte("  reloader_1.2.3_linux_amd64"), []byte("  reloader_1.2.3_linux_amd64.old"))
	refuses("no checksum", "does not have the checksum", func(*runner) {})
	server.files["checksums.txt"] = append([]byte("0000"), good[4:]...)
	server.files["checksums.txt"] = bytes.ReplaceAll(server.files["checksums.txt"], good[:20], []byte("00000000000000000000"))
	refuses("another checksum", "does not have the checksum", func(*runner) {})
	server.files["checksums.txt"] = good
	cosign := func(code int) func(r *runner) {
		return func(r *runner) {
			dir := t.TempDir()
			rig.WriteProgram(t, filepath.Join(dir, "cosign"), fmt.Sprintf("#!/bin/sh\necho \"$@\" >%s/said\nexit %d\n", dir, code))
			r.env["PATH"] = dir + ":" + r.env["PATH"]
		}
	}
	refuses("no signature", "is not signed by the workflow", cosign(1))
	r := newRunner(t, server.URL, map[string]string{"install-only": "true"})
	cosign(0)(r)
	if code, out := r.run(); code != 0 {
		t.Errorf("with a signature: exit code %d\n%s", code, out)
	}
	said, err := os.ReadFile(filepath.Join(strings.Split(r.env["PATH"], ":")[0], "said"))
	rig.Must(t, err)
	identity := server.URL + "/owner/reloader/.github/workflows/release.yaml@refs/tags/v1.2.3"
	if _, err := os.Stat(filepath.Join(root, ".github/workflows/release.yaml")); err != nil || !strings.Contains(string(said), "--certificate-identity "+identity) {
		t.Errorf("cosign was asked %q, want the workflow %s (%v)", said, identity, err)
	}
}

// Inputs reach the scripts only as environment variables, so text that someone else wrote never becomes part of a script. Each
// input is explained in docs/ci.md.
func TestActionInputs(t *testing.T) {
	t.Parallel()
	var a action
	readYAML(t, "action.yml", &a)
	page, err := os.ReadFile(filepath.Join(root, "docs/ci.md"))
	rig.Must(t, err)
	for name, in := range a.Inputs {
		if in.Description == "" || !strings.Contains(string(page), "| `"+name+"` |") {
			t.Errorf("the input %s is not explained", name)
		}
	}
	documented := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllString(between(string(page), "## GitHub\n", "## pre-commit\n"), -1)
	if len(documented) != len(a.Inputs)+len(a.Outputs) {
		t.Errorf("docs/ci.md explains %d inputs and outputs, action.yml has %d", len(documented), len(a.Inputs)+len(a.Outputs))
	}
	if a.Runs.Using != "composite" || len(a.Runs.Steps) == 0 {
		t.Errorf("using %s, %d steps", a.Runs.Using, len(a.Runs.Steps))
	}
	for _, step := range a.Runs.Steps {
		if step.Shell != "bash" || strings.Contains(step.Run, "${{") {
			t.Errorf("step %s: shell %s, want bash and no expression in the script:\n%s", step.Name, step.Shell, step.Run)
		}
	}
}
