package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const pod = `# first
kind: Pod # kind
spec:
  containers:
  - name: a   # one
    args: [x, 'y']
    # between
    mounts:
      - {name: v, path: "/p", sub: s}
      # below
      - name: w
        path: /q
        sub: t
  # last
`

// edited is the text after one change at its first container.
func edited(t *testing.T, src string, change func(e *Editor, c Cursor)) (string, error) {
	t.Helper()
	docs, err := Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	e := NewEditor([]byte(src))
	change(e, docs[0].Top().Get("spec", "containers").Items()[0])
	out, err := e.Apply()
	return string(out), err
}

// Each operation changes only the bytes that it must, in block and in flow style.
func TestOperations(t *testing.T) {
	t.Parallel()
	mount := func(c Cursor, i int) Cursor { return c.Get("mounts").Items()[i] }
	for name, c := range map[string]struct {
		change   func(e *Editor, c Cursor)
		old, new string
	}{
		"nothing":             {func(*Editor, Cursor) {}, "", ""},
		"scalar":              {func(e *Editor, c Cursor) { e.SetScalar(c.Get("name"), "b") }, "name: a   #", "name: b   #"},
		"scalar to be quoted": {func(e *Editor, c Cursor) { e.SetScalar(c.Get("name"), "yes") }, "name: a   #", `name: "yes"   #`},
		"raw":                 {func(e *Editor, c Cursor) { e.SetRaw(c.Get("name"), "true") }, "name: a   #", "name: true   #"},
		"quoted scalar":       {func(e *Editor, c Cursor) { e.SetScalar(mount(c, 0).Get("path"), `/"`) }, `path: "/p"`, `path: "/\""`},
		"item in brackets":    {func(e *Editor, c Cursor) { e.AppendItem(c.Get("args"), "z", 0) }, "'y']", `'y', "z"]`},
		"item of a block": {func(e *Editor, c Cursor) { e.AppendItem(c.Get("mounts"), Map{{"name", "u"}}, 0) },
			"        sub: t\n", "        sub: t\n      - name: u\n"},
		"key of a block":          {func(e *Editor, c Cursor) { e.AddKey(c, "name", Pair{"image", "i"}, 0) }, "# one\n", "# one\n    image: i\n"},
		"key in brackets":         {func(e *Editor, c Cursor) { e.AddKey(mount(c, 0), "", Pair{"ro", Raw("true")}, 0) }, "sub: s}", "sub: s, ro: true}"},
		"new list":                {func(e *Editor, c Cursor) { e.Put(c, "env", "name", 2, "x") }, "# one\n", "# one\n    env:\n      - x\n"},
		"removed key":             {func(e *Editor, c Cursor) { e.RemoveKey(mount(c, 1), "sub") }, "        sub: t\n", ""},
		"removed first key":       {func(e *Editor, c Cursor) { e.RemoveKey(mount(c, 1), "name") }, "name: w\n        path", "path"},
		"removed key in brackets": {func(e *Editor, c Cursor) { e.RemoveKey(mount(c, 0), "sub") }, ", sub: s}", "}"},
		"removed item": {func(e *Editor, c Cursor) { e.RemoveItem(c.Get("mounts"), mount(c, 0)) },
			`      - {name: v, path: "/p", sub: s}` + "\n", ""},
		"removed item in brackets": {func(e *Editor, c Cursor) { e.RemoveItem(c.Get("args"), c.Get("args").Items()[0]) }, "[x, ", "["},
		"document":                 {func(e *Editor, _ Cursor) { e.AppendDocument(Map{{"kind", "Role"}}, 0) }, "  # last\n", "  # last\n---\nkind: Role\n"},
	} {
		want := strings.Replace(pod, c.old, c.new, 1)
		got, err := edited(t, pod, c.change)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, d)
		}
		// The same with the line ends of Windows, and behind a byte order mark and letters of several bytes.
		for _, other := range []func(string) string{
			func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
			func(s string) string { return "\xef\xbb\xbf" + s },
			func(s string) string { return strings.ReplaceAll(s, "# ", "# äöü€😀 ") },
		} {
			got, err := edited(t, other(pod), c.change)
			if d := cmp.Diff(other(want), got); d != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, d)
			}
		}
	}
}

// An edit that is impossible in place, or that would change other places too, is an error with its line, and there is no output.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src    string
		change func(e *Editor, c Cursor)
		line   int
	}{
		"anchor":              {"spec:\n  containers:\n  - &a {name: x}\n  - *a\n", func(e *Editor, c Cursor) { e.SetScalar(c.Get("name"), "y") }, 3},
		"several lines":       {"spec:\n  containers:\n  - name: >-\n      x\n", func(e *Editor, c Cursor) { e.SetScalar(c.Get("name"), "y") }, 3},
		"no value":            {"spec:\n  containers:\n  - name: x\n", func(e *Editor, c Cursor) { e.SetScalar(c.Get("path"), "y") }, 0},
		"comment in brackets": {"spec:\n  containers:\n  - a: [x, # why\n    y]\n", func(e *Editor, c Cursor) { e.RemoveItem(c.Get("a"), c.Get("a").Items()[0]) }, 3},
	} {
		out, err := edited(t, c.src, c.change)
		var e *Error
		if err == nil || out != "" {
			t.Errorf("%s: %q, no error", name, out)
			continue
		}
		if !errors.As(err, &e) || c.line > 0 && e.Line != c.line || e.Text == "" {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

// The place of a column in a long line is the same as by counting from the start of the line, and is found without that.
func TestOffset(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("\xef\xbb\xbf[")
	for i := range 3000 {
		fmt.Fprintf(&b, "%d, 'ä€😀', ", i)
	}
	b.WriteString("x]\n")
	src := []byte(b.String())
	docs, err := Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	e := NewEditor(src)
	for _, n := range docs[0].Nodes() {
		want := 3
		for range n.Column - 1 {
			_, size := utf8.DecodeRune(src[want:])
			want += size
		}
		if got := e.offset(n); got != want {
			t.Fatalf("column %d begins at %d, want %d", n.Column, got, want)
		}
	}
	if marks := len(e.runes.marks); marks < len(src)/markEvery/3 {
		t.Errorf("only %d marks in %d bytes: places are counted from far away", marks, len(src))
	}
}

// For any text and any edit, there is no panic. The result is an error, or a text that differs only by that edit: all other
// lines are still there.
func FuzzEdit(f *testing.F) {
	for i := range uint8(8) {
		f.Add([]byte(pod), i, uint16(i))
		f.Add([]byte(strings.ReplaceAll(pod, "\n", "\r\n")), i, uint16(3*i))
	}
	f.Add([]byte(`{"spec": {"containers": [{"name": "a", "x": [1, 2]}]}}`), uint8(3), uint16(4))
	f.Fuzz(func(t *testing.T, src []byte, operation uint8, place uint16) {
		docs, err := Parse(src)
		if err != nil || len(docs) == 0 || docs[0].Root == nil || len(docs[0].order) == 0 {
			return
		}
		d := docs[0]
		e := NewEditor(src)
		c := Cursor{Node: d.order[int(place)%len(d.order)], Doc: d}
		items := c.Items()
		switch operation % 5 {
		case 0:
		case 1:
			e.SetScalar(c, "new: text")
		case 2:
			if len(items) == 0 {
				return
			}
			e.AppendItem(c, "item", 0)
		case 3:
			if len(items) == 0 {
				return
			}
			e.RemoveItem(c, items[int(place)%len(items)])
		case 4:
			e.AppendDocument(Map{{"kind", "New"}}, 0)
		}
		out, err := e.Apply()
		if err != nil {
			return
		}
		if operation%5 == 0 && !bytes.Equal(out, src) {
			t.Fatal("without a change the text changes")
		}
		again, err := Parse(out)
		if err != nil || len(again) < len(docs) {
			return // callers of the editor parse its output again, and then write nothing
		}
		if _, ok := e.Same(d.Root, again[0].Root); !ok {
			if operation%5 == 0 {
				t.Fatal("the same text says something else")
			}
			return // callers check this too
		}
		// The oracle knows nothing about the edits, only which bytes may differ. It counts lines by \n alone.
		if strings.ContainsAny(strings.ReplaceAll(string(src), "\r\n", ""), "\r\u0085\u2028\u2029") {
			return
		}
		before, after := strings.SplitAfter(string(src), "\n"), strings.SplitAfter(string(out), "\n")
		switch operation % 5 {
		case 1: // one line
			if len(before) != len(after) {
				t.Fatalf("%d lines became %d", len(before), len(after))
			}
			for i := range before {
				if i != c.Node.Line-1 && before[i] != after[i] {
					t.Fatalf("line %d changed: %q, %q", i+1, before[i], after[i])
				}
			}
		case 2, 4: // nothing is removed
			if !subsequence(src, out) {
				t.Fatalf("adding removed something: %q became %q", src, out)
			}
		case 3: // nothing is added, and everything around the item stays
			if !subsequence(out, src) {
				t.Fatalf("removing added something: %q became %q", src, out)
			}
			for i := range min(items[int(place)%len(items)].Node.Line-2, len(before)) {
				if IsBlock(c.Node) && before[i] != after[i] {
					t.Fatalf("line %d, before the item, changed: %q, %q", i+1, before[i], after[i])
				}
			}
		}
	})
}

// subsequence reports whether b contains all bytes of a in their order.
func subsequence(a, b []byte) bool {
	for _, x := range a {
		i := bytes.IndexByte(b, x)
		if i < 0 {
			return false
		}
		b = b[i+1:]
	}
	return true
}
