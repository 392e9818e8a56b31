// Package ci tests what other people's pipelines use from this repository, as far as that is possible without their servers: the
// GitHub Action, the hooks for pre-commit, the problem matcher, and the recipes of docs/ci.md.
package ci

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"

	"reloader/test/rig"
)

const root = "../.."

func TestMain(m *testing.M) { rig.Main(m) }

// programs is a directory with both programs.
func programs(tb testing.TB) string {
	tb.Helper()
	rig.Program(tb, "promcheck")
	return filepath.Dir(rig.Program(tb, "reloader"))
}

// readYAML decodes a file of the repository, and refuses keys that v does not have.
func readYAML(tb testing.TB, name string, v any) {
	tb.Helper()
	f, err := os.Open(filepath.Join(root, name))
	rig.Must(tb, err)
	defer f.Close()
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
}

// broken is a file of rules with a mistake in line 5; good is the same file without it.
const (
	broken = "groups:\n- name: app\n  rules:\n  - alert: Down\n    expr: up == (0\n"
	good   = "groups:\n- name: app\n  rules:\n  - alert: Down\n    expr: up == 0\n"
)
