package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/check"
	"reloader/internal/config"
	gates "reloader/internal/gate"
	"reloader/internal/snapshot"
)

// The gate holds exactly the files that docs/gated.md says, at the paths where the server finds them.
func TestPlacesInAGate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files []string
		// target makes the target, given the directory of the files and that of the gate.
		target func(dir, gate string) config.Target
		want   []string
	}{
		"grafana": {
			files: []string{
				"source/datasources/a.yaml", "source/dashboards/p.yaml", "ini/grafana.ini", "ini/other.ini", "boards/b.json",
			},
			target: func(dir, gate string) config.Target {
				c := config.TargetDefaults(config.Grafana)
				c.Provisioning.Path = filepath.Join(dir, "source")
				c.Ini = config.Mount{Path: filepath.Join(dir, "ini/grafana.ini"), ServerPath: "/gate/grafana.ini"}
				return c
			},
			want: []string{"dashboards/p.yaml", "datasources/a.yaml", "grafana.ini"},
		},
		"grafana reads its ini elsewhere": {
			files: []string{"source/datasources/a.yaml", "ini/grafana.ini"},
			target: func(dir, gate string) config.Target {
				c := config.TargetDefaults(config.Grafana)
				c.Provisioning.Path = filepath.Join(dir, "source")
				c.Ini.Path = filepath.Join(dir, "ini/grafana.ini")
				return c
			},
			want: []string{"datasources/a.yaml"},
		},
		"http, one directory": {
			files: []string{"a/x.yml", "a/sub/y.yml"},
			target: func(dir, _ string) config.Target {
				return config.Target{Kind: config.HTTP, Dirs: []config.Mount{{Path: filepath.Join(dir, "a")}}}
			},
			want: []string{"sub/y.yml", "x.yml"},
		},
		"http, two directories and one elsewhere": {
			files: []string{"a/x.yml", "b/x.yml", "c/x.yml"},
			target: func(dir, _ string) config.Target {
				return config.Target{Kind: config.HTTP, Dirs: []config.Mount{
					{Path: filepath.Join(dir, "a")}, {Path: filepath.Join(dir, "b")}, {Path: filepath.Join(dir, "c"), ServerPath: "/elsewhere"},
				}}
			},
			want: []string{"a/x.yml", "b/x.yml"},
		},
	}
	contents := map[string]string{
		".yaml": "apiVersion: 1\n", ".yml": "x: 1\n", ".json": "{}", ".ini": "[server]\n",
		"p.yaml": "apiVersion: 1\nproviders:\n- name: p\n  type: file\n  options: {path: DIR/boards}\n",
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, file := range test.files {
				text, ok := contents[filepath.Base(file)]
				if !ok {
					text = contents[filepath.Ext(file)]
				}
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			gate := filepath.Join(dir, "gate")
			target := test.target(dir, gate)
			target.Name, target.KeepGenerations = "t", 3
			target.Gate = config.Mount{Path: gate, ServerPath: "/gate"}
			passed := check.Once(t.Context(), config.Config{Targets: []config.Target{target}})
			if len(passed) != 1 || !passed[0].Published {
				t.Fatalf("not published: %+v", passed)
			}
			var got []string
			root := filepath.Join(gate, "..data") + string(filepath.Separator)
			err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					got = append(got, strings.TrimPrefix(p, root))
				}
				return err
			})
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("the gate (-want +got), %v:\n%s", err, diff)
			}
		})
	}
}

// Before a server starts, files that it refused earlier do not get into its gate, as long as there are
// accepted ones.
func TestOnceSkipsWhatWasRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, gate := filepath.Join(dir, "source/file"), filepath.Join(dir, "gate")
	target := config.Target{Name: "t", Kind: config.HTTP, KeepGenerations: 3,
		Dirs: []config.Mount{{Path: filepath.Dir(file)}}, Gate: config.Mount{Path: gate}}
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	once := func(text string) check.OnceResult {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return check.Once(t.Context(), config.Config{Targets: []config.Target{target}})[0]
	}
	good, refused := once("good").Digest, once("refused").Digest
	note := func(digests ...snapshot.Digest) {
		t.Helper()
		g, err := gates.Open(gate, gates.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		if err := errors.Join(g.Accept(good), g.Refuse("3.15.0", "1", digests)); err != nil {
			t.Fatal(err)
		}
	}
	note(refused)
	if p := once("refused"); p.Published || p.Kept != good || p.Err == nil || !strings.Contains(p.Err.Error(), "refused these files before") {
		t.Errorf("refused files: %+v", p)
	}
	if text, err := os.ReadFile(filepath.Join(gate, "file")); err != nil || string(text) != "good" {
		t.Errorf("the gate holds %q, %v", text, err)
	}
	if p := once("new"); !p.Published {
		t.Errorf("other files: %+v", p)
	}
	note(refused, good)
	if p := once("refused"); !p.Published {
		t.Errorf("no accepted files are left, yet not published: %+v", p)
	}
}
