package sources

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// Required directories must exist, optional ones may appear later, and each appearance counts as a change. Sources with the same
// name get different ones.
func TestRequiredAndOptional(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	rig.WriteTree(t, top, map[string]string{"one/a": "1", "two/b": "2"})
	r := New(Options{Required: []snapshot.Source{{Name: "x", Dir: filepath.Join(top, "one")}, {Name: "x", Dir: filepath.Join(top, "two")}},
		Optional: []snapshot.Source{{Name: "x", Dir: filepath.Join(top, "three")}}})
	if r.Unchanged(t.Context()) {
		t.Error("unchanged before the first reading")
	}
	set, err := r.Read(t.Context())
	rig.Must(t, err)
	if d := cmp.Diff(map[string][]string{"x": {"a"}, "x-2": {"b"}}, rig.FilesBySource(t, set, top)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"one", "three", "two"}, rig.Relative(r.Dirs(), top)); d != "" {
		t.Error(d)
	}
	rig.Until(t, "an untouched tree counts as unchanged", func() bool { _, err := r.Read(t.Context()); rig.Must(t, err); return r.Unchanged(t.Context()) })
	rig.WriteTree(t, top, map[string]string{"three/c": "3"})
	if r.Unchanged(t.Context()) {
		t.Error("unchanged, although the optional directory was made")
	}
	set, err = r.Read(t.Context())
	rig.Must(t, err)
	if d := cmp.Diff(map[string][]string{"x": {"a"}, "x-2": {"b"}, "x-3": {"c"}}, rig.FilesBySource(t, set, top)); d != "" {
		t.Error(d)
	}
	rig.Must(t, os.RemoveAll(filepath.Join(top, "one")))
	if _, err = r.Read(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("got %v, want that source x does not exist", err)
	}
	if r.Unchanged(t.Context()) {
		t.Error("unchanged after a failed reading")
	}
}

// If no source exists at all, reading is an error.
func TestOnlyOptional(t *testing.T) {
	t.Parallel()
	r := New(Options{Optional: []snapshot.Source{{Name: "x", Dir: filepath.Join(t.TempDir(), "none")}}})
	if _, err := r.Read(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that nothing exists", err)
	}
	if _, err := New(Options{}).Read(t.Context()); err == nil {
		t.Error("a reader without sources returned no error")
	}
}
