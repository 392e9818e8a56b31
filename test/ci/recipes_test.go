package ci

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reloader/test/rig"
)

// between is the part of a text after from and before to.
func between(text, from, to string) string {
	_, text, _ = strings.Cut(text, from)
	text, _, _ = strings.Cut(text, to)
	return text
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

// recipe is the first YAML block of a section of docs/ci.md.
func recipe(t *testing.T, section string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs/ci.md"))
	rig.Must(t, err)
	m := yamlBlock.FindStringSubmatch(between(string(page)+"\n## ", "\n## "+section+"\n", "\n## "))
	if m == nil {
		t.Fatalf("docs/ci.md has no YAML below %q", section)
	}
	return m[1]
}

// pipeline has the keywords of GitLab that the recipe uses.
type pipeline map[string]struct {
	Image        string
	Variables    map[string]string
	BeforeScript []string `yaml:"before_script"`
	Script       []string
	Artifacts    struct {
		When    string
		Reports map[string]string
	}
}

// GitLab's recipe, run as one shell script as GitLab's runner does: it downloads an archive that releases have, checks, writes a
// report in the form of GitLab's code quality, and ends with the exit code of the check.
func TestGitLabRecipe(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("no jq: install Debian's package of that name")
	}
	var p pipeline
	rig.Must(t, unmarshal([]byte(recipe(t, "GitLab")), &p))
	if len(p) != 1 {
		t.Fatalf("%d jobs", len(p))
	}
	for _, job := range p {
		server := newRelease(t)
		for _, c := range []struct {
			rules string
			code  int
		}{{good, 0}, {broken, 1}} {
			dir, bin := t.TempDir(), t.TempDir()
			rig.WriteTree(t, dir, map[string]string{"prometheus.yml": "rule_files: [r.yml]\n", "r.yml": c.rules, "deploy/monitoring/monitor.yaml": subPath})
			rig.WriteProgram(t, filepath.Join(bin, "wget"), "#!/bin/sh\necho \"$2\" >>"+bin+"/said\ncat "+bin+"/archive >\"$4\"\n")
			rig.WriteProgram(t, filepath.Join(bin, "apk"), "#!/bin/sh\n")
			rig.Must(t, os.WriteFile(filepath.Join(bin, "archive"), server.files["reloader_1.2.3_linux_amd64.tar.gz"], 0o600))
			script := strings.ReplaceAll(strings.Join(slices.Concat(job.BeforeScript, job.Script), "\n"), "/usr/local/bin", bin)
			// It would fail because of the subPath mount; this test needs its error to be the only one.
			script = strings.ReplaceAll(script, " --strict", "")
			cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", script)
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir}
			for k, v := range job.Variables {
				cmd.Env = append(cmd.Env, k+"="+v)
			}
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, out)
			}
			said, err := os.ReadFile(filepath.Join(bin, "said"))
			rig.Must(t, err)
			_, name, _ := strings.Cut(strings.TrimSpace(string(said)), "/releases/download/v1.2.3/")
			if _, ok := server.files[name]; !ok {
				t.Errorf("a release has no %q", name)
			}
			qualityReport(t, filepath.Join(dir, job.Artifacts.Reports["codequality"]), c.code)
		}
	}
}

// qualityReport checks what GitLab requires: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
func qualityReport(t *testing.T, file string, errors int) {
	t.Helper()
	text, err := os.ReadFile(file)
	rig.Must(t, err)
	var list []struct {
		Description, Fingerprint, Severity string
		CheckName                          string `json:"check_name"`
		Location                           struct {
			Path  string
			Lines struct{ Begin int }
		}
	}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	rig.Must(t, dec.Decode(&list))
	seen, critical := map[string]bool{}, 0
	for _, f := range list {
		if f.Description == "" || f.CheckName == "" || f.Location.Path == "" || f.Location.Lines.Begin < 1 || f.Fingerprint == "" || seen[f.Fingerprint] ||
			!slices.Contains([]string{"info", "minor", "major", "critical", "blocker"}, f.Severity) {
			t.Errorf("%+v", f)
		}
		seen[f.Fingerprint] = true
		if f.Severity == "critical" {
			critical++
		}
	}
	if critical != errors || len(list) == 0 {
		t.Errorf("%d errors in the report, want %d:\n%s", critical, errors, text)
	}
}

// The command of Argo CD's Job, with a reloader that follows a real Prometheus: it ends with 0 if the server runs the files of the
// directory, and with 1 if it does not.
func TestJobRecipe(t *testing.T) {
	t.Parallel()
	var job struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct{ Args []string }
				}
			}
		}
	}
	rig.Must(t, unmarshal([]byte(recipe(t, "Argo CD")), &job))
	args := job.Spec.Template.Spec.Containers[0].Args
	if len(args) == 0 || args[0] != "wait" {
		t.Fatalf("the Job runs %q", args)
	}
	dir, want := t.TempDir(), t.TempDir()
	text := "global: {scrape_interval: 20s}\n"
	rig.WriteTree(t, dir, map[string]string{"prometheus.yml": text})
	p := rig.NewPrometheus(t, filepath.Join(dir, "prometheus.yml"))
	p.Start()
	p.Ready()
	r := rig.NewReloader(t, "--prometheus-url="+p.URL, "--prometheus-config="+filepath.Join(dir, "prometheus.yml"))
	r.Start()
	run := func(text, timeout string) rig.Outcome {
		rig.WriteTree(t, want, map[string]string{"prometheus.yml": text})
		list, changed := slices.Clone(args), 0
		for i, a := range list {
			for flag, value := range map[string]string{"--url=": r.URL, "--dir=": want, "--timeout=": timeout} {
				if strings.HasPrefix(a, flag) {
					list[i] = flag + value
					changed++
				}
			}
		}
		if changed != 3 {
			t.Fatalf("the Job's arguments are %q", args)
		}
		return rig.Command(t, list...)
	}
	if o := run(text, "60s"); o.Code != 0 {
		t.Errorf("the server runs the files: exit code %d\n%s%s", o.Code, o.Stdout, o.Stderr)
	}
	if o := run("global: {scrape_interval: 30s}\n", "5s"); o.Code != 1 {
		t.Errorf("the server runs other files: exit code %d\n%s%s", o.Code, o.Stdout, o.Stderr)
	}
}
