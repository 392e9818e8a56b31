package inject

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/mounts"
)

// Check names each frozen mount of the servers with its place, and nothing after inject.
func TestCheck(t *testing.T) {
	t.Parallel()
	src := monitor(t)
	list := Check("m.yaml", src)
	var lines []int
	for _, f := range list {
		lines = append(lines, f.Line)
		if f.Rule != mounts.SubPathRule || f.Hint == "" || f.Column != 11 {
			t.Errorf("%+v", f)
		}
	}
	if d := cmp.Diff([]int{37, 66, 69}, lines); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
	res, err := Inject(src, options())
	if err != nil {
		t.Fatal(err)
	}
	if list := Check("m.yaml", res.Output); len(list) > 0 {
		t.Errorf("after inject: %v", list)
	}
	list = Check("m.yaml", []byte("kind: Deployment\nspec:\n\ttemplate:\n"))
	if len(list) != 1 || list[0].Rule != SyntaxRule || list[0].Line != 3 {
		t.Errorf("a tab: %+v", list)
	}
}
