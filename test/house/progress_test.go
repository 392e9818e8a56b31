package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"reloader/test/rig"
)

// tools/progress counts what the go command downloads and compiles, and passes on everything else that it prints. If there
// is nothing to do, it prints nothing. A script stands in for the go command, because the real one would compile for minutes.
func TestProgress(t *testing.T) {
	t.Parallel()
	const list = `case "$*" in "list -deps -f"*) for i in $(seq 250); do echo "p example.org/p$i"; done; echo "main example.org/cmd/x" ;; "list -deps"*) seq 300 ;;`
	for name, c := range map[string]struct{ script, want string }{
		"nothing to do": {list + ` "build -v example.org/p1 "*) ;; esac`, ""},
		"compiles": {
			list + ` "build -v example.org/p1 "*) for i in $(seq 250); do echo "example.org/p$i"; done ;; esac`,
			"compiled 100 of at most 300 packages\ncompiled 200 of at most 300 packages\ncompiled 250 packages\n",
		},
		"downloads": {
			`case "$*" in "list -deps -f"*) for i in $(seq 120); do echo "go: downloading example.org/m$i v1" >&2; done; echo "p example.org/p1" ;; "list -deps"*) seq 3 ;; esac`,
			"downloaded 100 modules\ndownloaded 120 modules\n",
		},
		"does not compile": {
			list + ` "build -v example.org/p1 "*) echo "# example.org/p1"; echo "p1/a.go:3:1: syntax error" ;; esac`,
			"# example.org/p1\np1/a.go:3:1: syntax error\n",
		},
		"no such package": {`case "$*" in "list -deps -f"*) echo "stat ./nosuch: directory not found" >&2; exit 1 ;; esac`, "stat ./nosuch: directory not found\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			rig.WriteProgram(t, filepath.Join(dir, "go"), "#!/bin/bash\n"+c.script+"\n")
			cmd := exec.CommandContext(t.Context(), "../../tools/progress", ".", "./cmd/...")
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != c.want {
				t.Errorf("%v\n%s\nwant:\n%s", err, out, strings.TrimSpace(c.want))
			}
		})
	}
}
