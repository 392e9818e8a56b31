package proof

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Shown returns the values at and below some paths of a printed configuration, and nothing else.
func TestShown(t *testing.T) {
	t.Parallel()
	want := map[string]string{"runtime.gogc": "75", "storage.tsdb.retention": "", "storage.tsdb.retention.time": "15d"}
	if d := cmp.Diff(want, Shown(printed, []string{"runtime.gogc", "storage.tsdb.retention"})); d != "" {
		t.Error(d)
	}
}

// Different spellings of a path, also through ..data, have the same form.
func TestPath(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]string{
		"": "", "/a/b": "/a/b", "/a//b": "/a/b", "/a/./b": "/a/b", "/a/c/../b": "/a/b", "/a/..data/b": "/a/b", "/a/..data//b": "/a/b", "/a/..data": "/a", "/a/..database": "/a/..database",
	} {
		if got := Path(p); got != want {
			t.Errorf("%q is %q, want %q", p, got, want)
		}
	}
}
