package inject

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/yamledit"
)

// For any input, inject does not panic. It returns either an error with a text and no output, or an
// output that is YAML. The output has all documents, all comments outside of removed parts and the
// same line ends, and a second inject changes nothing in it.
func FuzzInject(f *testing.F) {
	for _, pattern := range []string{"testdata/ok/*.yaml", "testdata/err/*.yaml"} {
		list, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for i, file := range list {
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b, uint8(i))
			f.Add(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")), uint8(i+1))
			f.Add(append([]byte("\xef\xbb\xbf# first\n"), bytes.ReplaceAll(b, []byte("\n"), []byte(" # end\n"))...), uint8(i+2))
			f.Add(bytes.ReplaceAll(b, []byte("\n"), []byte("\n# between\n")), uint8(i+3))
		}
	}
	f.Add([]byte("kind: Pod\nspec:\n  containers:\n  - image: prometheus\n    args:\n    - -config.file\n    volumeMounts:\n    -"), uint8(1))
	f.Add([]byte("["), uint8(3)) // the error is on the last line
	f.Fuzz(func(t *testing.T, src []byte, flags uint8) {
		o := options()
		o.Gated, o.FastPropagation, o.Events = flags&1 != 0, flags&2 != 0, flags&4 != 0
		res, err := Inject(src, o)
		if err != nil {
			if res.Output != nil {
				t.Fatal("both an output and an error")
			}
			if e := (*Error)(nil); !errors.As(err, &e) || e.Text == "" || e.Line < 0 || e.Line > bytes.Count(src, []byte("\n"))+bytes.Count(src, []byte("\r"))+len(src)/2+1 {
				t.Fatalf("an error without a text or with an impossible line: %#v", err)
			}
			return
		}
		again, err := Inject(res.Output, o)
		if err != nil {
			t.Fatalf("its own output is refused: %v\n%s", err, res.Output)
		}
		if !bytes.Equal(again.Output, res.Output) {
			t.Fatalf("not idempotent:\n%s", Diff("once", res.Output, "twice", again.Output))
		}
		docs, err := yamledit.Parse(res.Output)
		if err != nil {
			t.Fatalf("not YAML: %v", err)
		}
		p, _, err := inject(src, o)
		if err != nil || len(docs) < len(p.docs) {
			t.Fatalf("%d documents of %d: %v", len(docs), len(p.docs), err)
		}
		if n := bytes.Count(src, []byte("\n")); n > 0 && n == bytes.Count(src, []byte("\r\n")) && bytes.Count(res.Output, []byte("\n")) != bytes.Count(res.Output, []byte("\r\n")) {
			t.Fatal("CRLF line ends were replaced")
		}
		left := map[string]int{}
		for _, line := range strings.FieldsFunc(string(res.Output), isBreak) {
			left[strings.TrimSpace(line)]++
		}
		for _, c := range p.comments() {
			if left[c]--; left[c] < 0 {
				t.Fatalf("the comment %q is gone:\n%s", c, Diff("before", src, "after", res.Output))
			}
		}
	})
}

func isBreak(r rune) bool { return strings.ContainsRune("\r\n\u0085\u2028\u2029", r) }

// comments are the comment lines of the input, except those inside of removed parts.
func (p *planner) comments() []string {
	gone := map[int]bool{}
	for _, d := range p.docs {
		for _, n := range d.Nodes() {
			if !p.ed.Removed(n) {
				continue
			}
			for line := n.Line; line <= p.ed.LastLine(yamledit.Cursor{Node: n, Doc: d}, 1<<30); line++ {
				gone[line] = true
			}
		}
	}
	var list []string
	for line := 1; line <= p.ed.LastLineNumber(); line++ {
		text := strings.TrimSpace(p.ed.LineText(line))
		if strings.HasPrefix(text, "#") && !gone[line] {
			list = append(list, text)
		}
	}
	return list
}
