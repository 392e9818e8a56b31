package finding

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/snapshot"
)

// quoting is a validator that quotes each line of each file.
type quoting struct{}

func (quoting) Validate(_ context.Context, req Request) (Result, error) {
	var res Result
	for _, s := range req.Set.Snapshots {
		for _, f := range s.Files {
			b, _ := s.Bytes(f.Name)
			for i, line := range strings.Split(string(b), "\n") {
				res.Findings = append(res.Findings, Finding{
					File: s.Source.UserPath(f.Name), Line: i + 1, Severity: Error, Rule: "x", Message: fmt.Sprintf("unknown field %q", line), Hint: line,
				})
			}
		}
	}
	return res, nil
}

// Findings show no contents of files that are not the server's, whether a configuration file names them or a link
// leads to them. Contents of the server's own files are shown.
func TestForeignFilesAreNotShown(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	const (
		shadow = "root:$6$SALT$ZZSECRETZZ:19000:0:99999:7::\n"
		group  = "groups:x:12:ZZSECRETZZ\n"
		dotenv = "A=1\nPASSWORD=\"ZZSECRETZZ\nB: [\n"
		rules  = "groups:\n- name: a\n  rulez: [shown]\n"
		flow   = "{groups: [shown]}\n"
	)
	write := func(name, body string) string {
		p := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	link := func(name, to string) {
		if err := os.Symlink(to, filepath.Join(top, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, body := range map[string]string{"secret/shadow": shadow, "secret/group": group, "secret/.env": dotenv, "other/a.yml": rules, "volume/..1/flow.yml": flow, "volume/..1/own": shadow} {
		write(name, body)
	}
	link("volume/..data", "..1")
	link("volume/flow.yml", "..data/flow.yml")
	link("volume/own", "..data/own")
	link("volume/linked.yml", "../secret/shadow")
	link("volume/rules.yml", "../other/a.yml")
	link("mount", "volume")
	set := func(src snapshot.Source) *snapshot.Set {
		s, err := snapshot.Take(t.Context(), src, snapshot.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return snapshot.NewSet(s)
	}
	for _, c := range []struct {
		src   snapshot.Source
		shown map[string]bool
	}{
		{snapshot.Source{Name: "s", Dir: filepath.Join(top, "secret"), Followed: true}, map[string]bool{"shadow": false, "group": false, ".env": false}},
		{snapshot.Source{Name: "o", Dir: filepath.Join(top, "other"), Followed: true}, map[string]bool{"a.yml": true}},
		{snapshot.Source{Name: "s", Dir: filepath.Join(top, "secret")}, map[string]bool{"shadow": true, "group": true, ".env": true}},
		{snapshot.Source{Name: "m", Dir: filepath.Join(top, "mount")}, map[string]bool{"flow.yml": true, "own": true, "linked.yml": false, "rules.yml": true}},
	} {
		res, err := Guarded(quoting{}).Validate(t.Context(), Request{Set: set(c.src)})
		if err != nil || !res.Invalid() {
			t.Fatal(err, res)
		}
		seen := map[string]bool{}
		for _, f := range res.Findings {
			name := filepath.Base(f.File)
			seen[name] = true
			if hidden := f.Rule == RuleForeign; hidden == c.shown[name] || hidden && f.Line != 0 {
				t.Errorf("%s: %v", c.src.Dir, f)
			}
			if !c.shown[name] && strings.Contains(fmt.Sprint(f), "SECRET") {
				t.Errorf("leaked: %v", f)
			}
		}
		if len(seen) != len(c.shown) {
			t.Errorf("%s: findings about %v", c.src.Dir, seen)
		}
	}
}
