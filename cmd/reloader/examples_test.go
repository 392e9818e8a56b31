package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// knownFlags are the flags of all commands with their dashes, and the environment variables that set them.
func knownFlags() map[string]bool {
	known := map[string]bool{"--help": true, "--version": true}
	for _, c := range commands() {
		for _, name := range c.flags().names() {
			known["--"+name] = true
			known[environmentName(name)] = true
		}
	}
	return known
}

// documents are the texts that people copy from, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, dir := range []string{"../../docs", "../../manifests", "../../examples", "../../README.md"} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			texts[path] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

var (
	ownFlag     = regexp.MustCompile(`--(?:prometheus|grafana|http)-[a-z][a-z-]*`)
	ownVariable = regexp.MustCompile(`RELOADER_[A-Z][A-Z_]*[A-Z]`)
	// call is a command line of reloader, up to a pipe or comment.
	call    = regexp.MustCompile(`(?m)(?:^|[\s|;/])reloader (run|once|check|publish|digest|status|history|wait|inject) ([^\n|#]*)`)
	anyFlag = regexp.MustCompile(`(?:^|\s)(--[a-z][a-z-]*)`)
)

// testSettings are variables that only tests read.
var testSettings = map[string]bool{"RELOADER_PROMETHEUS_BINARY": true, "RELOADER_PROMTOOL_BINARY": true, "RELOADER_TEST_TABLE": true, "RELOADER_CHAOS_RECORD": true, "RELOADER_PROGRAMS": true, "RELOADER_TEST_SET_CLOCK": true}

// demoFlags are those of cmd/demo.
var demoFlags = map[string]bool{"--grafana-binary": true, "--grafana-home": true}

// Every flag and every variable that documents, manifests and examples use exists.
func TestDocumentedFlagsExist(t *testing.T) {
	known := knownFlags()
	byCommand := map[string]map[string]bool{}
	for _, c := range commands() {
		byCommand[c.name] = map[string]bool{"--help": true}
		for _, name := range c.flags().names() {
			byCommand[c.name]["--"+name] = true
		}
	}
	seen := 0
	for path, text := range documents(t) {
		for _, word := range append(ownFlag.FindAllString(text, -1), ownVariable.FindAllString(text, -1)...) {
			seen++
			if !known[word] && !demoFlags[word] && !testSettings[word] {
				t.Errorf("%s: there is no %s", path, word)
			}
		}
		for _, m := range call.FindAllStringSubmatch(text, -1) {
			for _, f := range anyFlag.FindAllStringSubmatch(" "+m[2], -1) {
				if seen++; byCommand[m[1]] != nil && !byCommand[m[1]][f[1]] {
					t.Errorf("%s: reloader %s has no %s", path, m[1], f[1])
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d flags seen: the patterns are wrong", seen)
	}
}

// The sidecars in compose.yaml and monitor.yaml start with flags that reloader accepts, and follow both servers.
func TestManifestsStart(t *testing.T) {
	var compose struct {
		Services map[string]struct {
			Command []string
		}
	}
	b, err := os.ReadFile("../../examples/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(strings.NewReader(string(b)))
	if err := dec.Decode(&compose); err != nil {
		t.Fatal(err)
	}
	parse := func(where string, args []string) {
		if len(args) == 0 || args[0] != "run" {
			t.Errorf("%s: the command is %q", where, args)
			return
		}
		fs, flags, _ := runFlags()
		if err := fs.Parse(args[1:]); err != nil {
			t.Errorf("%s: %v", where, err)
		}
		if cfg, err := flags.Config(nil); err != nil || len(cfg.Targets) != 2 {
			t.Errorf("%s: %d targets, %v", where, len(cfg.Targets), err)
		}
	}
	parse("compose.yaml", compose.Services["reloader"].Command)

	f, err := os.Open("../../manifests/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for dec := yaml.NewDecoder(f); ; {
		var obj struct {
			Kind string
			Spec struct {
				Template struct {
					Spec struct {
						Containers []struct {
							Name string
							Args []string
						}
					}
				}
			}
		}
		if err := dec.Decode(&obj); err != nil {
			break
		}
		for _, c := range obj.Spec.Template.Spec.Containers {
			if c.Name == "reloader" {
				parse("monitor.yaml", c.Args)
				return
			}
		}
	}
	t.Error("no sidecar in monitor.yaml")
}

// The sidecar in monitor.yaml is the one that inject adds: inject changes nothing in the manifest, and adds the same lines when the
// sidecar is cut out.
func TestMonitorIsInjected(t *testing.T) {
	b, err := os.ReadFile("../../manifests/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	code, out, reasons := runCommand(t, string(b), "inject", "-f", "-")
	if code != exitOK || out != string(b) {
		t.Errorf("exit %d, and inject would change it:\n%s", code, reasons)
	}
	i := strings.Index(string(b), "      - name: reloader\n")
	j := strings.Index(string(b), "      volumes:\n")
	if i < 0 || j < i {
		t.Fatal("no sidecar in monitor.yaml")
	}
	code, injected, reasons := runCommand(t, string(b[:i])+string(b[j:]), "inject", "-f", "-", "--image", "reloader:latest")
	if code != exitOK {
		t.Fatal(reasons)
	}
	for line := range strings.Lines(string(b[i:j])) {
		// inject writes the list [ALL] on a line of its own.
		if line = strings.ReplaceAll(line, "[ALL]", ""); !strings.Contains(injected, strings.TrimRight(line, " \n")) {
			t.Errorf("inject has no line %q", line)
		}
	}
}
