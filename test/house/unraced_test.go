package house

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A test that is skipped with the race detector is in a package that make test also runs without it. Otherwise it would never run.
func TestWhatIsSkippedWithTheRaceDetectorRuns(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^UNRACED := ((?:.*\\\n)*.*)$`).FindSubmatch(makefile)
	if list == nil {
		t.Fatal("the Makefile has no UNRACED")
	}
	runs := func(dir string) bool {
		for unraced := range strings.FieldsSeq(strings.ReplaceAll(string(list[1]), "\\\n", " ")) {
			below, all := strings.CutSuffix(unraced, "/...")
			if "./"+dir == below || all && strings.HasPrefix("./"+dir, below+"/") {
				return true
			}
		}
		return false
	}
	skipped := regexp.MustCompile(`(?m)^//go:build .*\brace\b|\brig\.WithoutRaces\(`)
	found := 0
	sources(t, func(name string, text []byte) {
		if !strings.HasSuffix(name, "_test.go") || !skipped.Match(text) {
			return
		}
		found++
		if dir := path.Dir(name); !runs(dir) {
			t.Errorf("%s: the Makefile's UNRACED does not name ./%s", name, dir)
		}
	})
	if found < 5 {
		t.Errorf("only %d files with such tests were found", found)
	}
}
