package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// publish prints the digest that the digest command prints for the source and for the result. Equal files are not published
// again, --from-file adds files under any key, and old files and generations are removed.
func TestPublishCommand(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	src, to := filepath.Join(tmp, "src"), filepath.Join(tmp, "to")
	writeFile(t, filepath.Join(src, "prometheus.yml"), "global: {}\n")
	writeFile(t, filepath.Join(src, "rules/a.yml"), "groups: []\n")
	writeFile(t, filepath.Join(tmp, "extra.yml"), "x")

	code, out, errOut := runCommand(t, "", "publish", "--to", to, src)
	if code != exitOK || errOut != "" {
		t.Fatalf("exit %d, %q", code, errOut)
	}
	for _, dir := range []string{src, to} {
		if _, digest, _ := runCommand(t, "", "digest", dir); !strings.HasPrefix(digest, strings.TrimSpace(out)+" ") {
			t.Errorf("publish printed %q, digest of %s is %q", out, dir, digest)
		}
	}
	if target, err := os.Readlink(filepath.Join(to, "rules")); err != nil || target != "..data/rules" {
		t.Errorf("rules leads to %q, %v", target, err)
	}

	before, err := os.Readlink(filepath.Join(to, "..data"))
	if err != nil {
		t.Fatal(err)
	}
	code, again, errOut := runCommand(t, "", "publish", "--to", to, src)
	after, err := os.Readlink(filepath.Join(to, "..data"))
	if code != exitOK || again != out || before != after || err != nil || !strings.Contains(errOut, "already has exactly these files; nothing was swapped") {
		t.Errorf("equal contents: exit %d, %q, %q, swapped %v, %v", code, again, errOut, before != after, err)
	}

	code, _, errOut = runCommand(t, "", "publish", "--to", to, "--from-file", filepath.Join(tmp, "extra.yml"),
		"--from-file", "rules/b.yml="+filepath.Join(tmp, "extra.yml"), src)
	if code != exitOK {
		t.Fatalf("exit %d, %q", code, errOut)
	}
	for name, want := range map[string]string{"extra.yml": "x", "rules/b.yml": "x", "rules/a.yml": "groups: []\n"} {
		if b, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(b) != want {
			t.Errorf("%s contains %q, %v", name, b, err)
		}
	}
	if _, err := os.Stat(filepath.Join(to, before)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old generation is still there: %v", err)
	}

	if code, _, errOut = runCommand(t, "", "publish", "--to", to, "--from-file", src); code != exitOK {
		t.Errorf("a directory as --from-file: exit %d, %q", code, errOut)
	}
	if _, err := os.Stat(filepath.Join(to, "rules")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("--from-file went into a subdirectory: %v", err)
	}
}

// What cannot be published is refused with one line that says why, and nothing goes to standard output.
func TestPublishCommandRefuses(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	src := filepath.Join(tmp, "src")
	file := filepath.Join(src, "a.yml")
	writeFile(t, file, "a")
	full := filepath.Join(tmp, "full")
	writeFile(t, filepath.Join(full, "a.yml"), "by hand")
	if err := os.Mkdir(filepath.Join(tmp, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(tmp, "to")
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{src}, exitUsage, "give the directory to write with --to"},
		{[]string{"--to", to}, exitUsage, "give a directory, or files with --from-file"},
		{[]string{"--to", to, src, tmp}, exitUsage, "one directory can be published"},
		{[]string{"--to", to, "--from-fil", file}, exitUsage, "did you mean --from-file?"},
		{[]string{"--to", to, filepath.Join(tmp, "none")}, exitFailed, "no such file or directory"},
		{[]string{"--to", to, filepath.Join(tmp, "empty")}, exitFailed, "has no file to publish"},
		{[]string{"--to", to, file}, exitFailed, "not a directory"},
		{[]string{"--to", file, src + "/../full"}, exitFailed, "not a directory"},
		{[]string{"--to", filepath.Join(src, "out"), src}, exitFailed, "would be published into itself"},
		{[]string{"--to", tmp, src}, exitFailed, "publish from another place"},
		{[]string{"--to", full, src}, exitFailed, `"a.yml" is in the way: reloader did not publish it`},
		{[]string{"--to", to, "--from-file", filepath.Join(tmp, "none")}, exitFailed, "no such file or directory"},
		{[]string{"--to", to, "--from-file", "=x"}, exitFailed, "want PATH or KEY=PATH"},
		{[]string{"--to", to, "--from-file", "k=" + src}, exitFailed, "a directory cannot have a key"},
		{[]string{"--to", to, "--from-file", "../k=" + file}, exitFailed, "is not a name for a file"},
		{[]string{"--to", to, "--from-file", "..data=" + file}, exitFailed, "names that begin with two dots"},
		{[]string{"--to", to, "--from-file", "..reloader/lock=" + file}, exitFailed, "names that begin with two dots"},
		{[]string{"--to", to, "--from-file", "/abs=" + file}, exitFailed, "is not a name for a file"},
		{[]string{"--to", to, "--from-file", "a/../../x=" + file}, exitFailed, "is not a name for a file"},
		{[]string{"--to", to, "--from-file", file, src}, exitFailed, `there is another file for "a.yml"`},
	}
	for _, test := range tests {
		code, out, errOut := runCommand(t, "", append([]string{"publish"}, test.args...)...)
		if code != test.code || out != "" || !strings.Contains(errOut, test.want) || strings.Count(errOut, "\n") != 1 {
			t.Errorf("%q: exit %d, %q, %q; want exit %d and one line with %q", test.args, code, out, errOut, test.code, test.want)
		}
	}
}
