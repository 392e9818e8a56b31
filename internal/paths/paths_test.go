package paths

import "testing"

// A path is inside a directory if whole names agree, after superfluous slashes and dots are removed.
func TestInside(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p, dir string
		want   bool
	}{
		{"/etc/grafana", "/etc/grafana", true},
		{"/etc/grafana/a/b.yaml", "/etc/grafana", true},
		{"/etc/grafana/a", "/etc/grafana/", true},
		{"/etc/grafana//a/../b", "/etc/grafana", true},
		{"/etc/grafana/..data/a", "/etc/grafana", true},
		{"/etc/grafana-old/a", "/etc/grafana", false},
		{"/etc", "/etc/grafana", false},
		{"/etc/grafana/../passwd", "/etc/grafana", false},
		{"/anything", "/", true},
		{"rules/a", ".", true},
		{"../a", ".", false},
		{"/a", ".", false},
	} {
		if got := Inside(c.p, c.dir); got != c.want {
			t.Errorf("Inside(%q, %q) = %v, want %v", c.p, c.dir, got, c.want)
		}
	}
	if !Overlap("/a", "/a/b") || !Overlap("/a/b", "/a") || Overlap("/a", "/ab") {
		t.Error("Overlap")
	}
}
