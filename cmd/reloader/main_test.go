package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"
)

// update writes docs/flags.md and the scripts' expectations instead of comparing (make golden).
var update = os.Getenv("RELOADER_UPDATE") != ""

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"reloader": main})
}

// The command line as users see it: each script runs the real program and checks its exit code
// and both streams.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       update,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":     exitCode,
			"oneline":  oneLineOnly,
			"sparse":   sparseFile,
			"freeport": freePort(t),
		},
	})
}

const flagsDoc = "../../docs/flags.md"

// docs/flags.md is what --help prints: it lists every flag, and no flag that does not exist.
func TestFlagsDoc(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# The command line\n\nThis page is what `reloader --help` and `reloader COMMAND --help` print; `make docs` writes it.\n\n```\n")
	b.WriteString(overview())
	b.WriteString("```\n")
	for _, c := range commands() {
		b.WriteString("\n## reloader " + c.name + "\n\n```\n" + c.flags().usage() + "```\n")
	}
	if update {
		if err := os.WriteFile(flagsDoc, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := os.ReadFile(flagsDoc)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(doc), b.String()); diff != "" {
		t.Errorf("docs/flags.md is not what --help prints (run make docs):\n%s", diff)
	}
}

// Each command has a usage line and an example, and each of its flags says what it does.
func TestHelpTexts(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		fs := c.flags()
		if !strings.Contains(fs.help, "Example") || !strings.Contains(fs.help, "reloader "+c.name) {
			t.Errorf("%s: no usage or no example", c.name)
		}
		if fs.Name() != c.name {
			t.Errorf("%s: its flags are named %s", c.name, fs.Name())
		}
		fs.VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: --%s does not say what it does", c.name, f.Name)
			}
		})
	}
}

// A variable sets the flag of its name, also a list. A flag on the command line counts before its variable, an empty variable
// counts as unset, and an error about a value names the variable.
func TestEnvironmentVariables(t *testing.T) {
	t.Parallel()
	fs, o := waitFlags()
	dirs := fs.StringArray("dir-list", nil, "")
	if err := fs.Parse([]string{"--digest=given"}); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"RELOADER_URL": "http://h", "RELOADER_DIGEST": "ignored", "RELOADER_DIR_LIST": "a, b", "RELOADER_TARGET": ""}
	err := fs.readEnvironment(func(k string) (string, bool) { v, ok := env[k]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(o.urls, []string{"http://h"}) || o.digest != "given" || len(*dirs) != 2 || (*dirs)[1] != "b" || fs.Changed("target") {
		t.Errorf("url %q, digest %q, list %q", o.urls, o.digest, *dirs)
	}
	env["RELOADER_TIMEOUT"] = "soon"
	if err := fs.readEnvironment(func(k string) (string, bool) { v, ok := env[k]; return v, ok }); err == nil || !strings.Contains(err.Error(), "RELOADER_TIMEOUT") {
		t.Errorf("a wrong value: %v", err)
	}
}
