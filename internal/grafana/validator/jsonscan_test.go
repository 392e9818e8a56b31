package validator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// decoderAccepts reports whether Go's decoder, with which Grafana reads dashboards, accepts the first value.
func decoderAccepts(b []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err == nil
}

// The scanner accepts what Go's decoder accepts, and finds the texts of an object's keys; the last of equal keys counts.
func TestScanJSON(t *testing.T) {
	t.Parallel()
	for in, ok := range map[string]bool{
		`{}`: true, ` {"a":1} x`: true, `[]`: true, `"x"`: true, `null`: true, `-1.5e+3`: true, `{"a":{"b":[1,2,{"c":"\u00e9\n"}]}}`: true,
		``: false, `{`: false, `{"a"}`: false, `{"a":1,}`: false, `{a:1}`: false, `{'a':1}`: false, `01`: true, `1.`: false, `tru`: false,
		"\xef\xbb\xbf{}": false, `// x`: false, "\"a\nb\"": false, `"\x"`: false, `"\u12"`: false, `[1,]`: false, `{"a":1 "b":2}`: false,
	} {
		o, err := scanJSON([]byte(in))
		if (err == nil) != ok {
			t.Errorf("%q: %v", in, err)
		}
		if _, accepts := decoderAccepts([]byte(in)); accepts != ok {
			t.Errorf("%q: the decoder says %v", in, accepts)
		}
		if ok && o.isObject != strings.HasPrefix(strings.TrimSpace(in), "{") {
			t.Errorf("%q: object %v", in, o.isObject)
		}
	}
	o, err := scanJSON([]byte(`{"title":"a","title":"b","\u0075id":"u","n":5} rest`))
	if err != nil || !o.trailing {
		t.Fatal(err)
	}
	if s, ok := o.fields["title"].text(); s != "b" || !ok {
		t.Errorf("the last of equal keys counts, got %q", s)
	}
	if s, _ := o.fields["uid"].text(); s != "u" {
		t.Errorf("escaped key: %q", s)
	}
	if _, ok := o.fields["n"].text(); ok || o.fields["n"].kind() != '5' || o.fields["none"].kind() != 0 {
		t.Error("a number counts as a text")
	}
}

// The scanner stops at the same depth as Go's decoder.
func TestScanJSONBounds(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 2_000_000)
	var at *jsonError
	if _, err := scanJSON([]byte(deep)); !errors.As(err, &at) || at.offset > maxJSONDepth+1 {
		t.Errorf("deep nesting: %v", err)
	}
	if _, err := scanJSON([]byte(strings.Repeat("[", maxJSONDepth) + strings.Repeat("]", maxJSONDepth))); err != nil {
		t.Errorf("what the decoder accepts is refused: %v", err)
	}
}

// Lines and columns count from 1; an offset behind the end is the end.
func TestLineColumn(t *testing.T) {
	t.Parallel()
	for offset, want := range map[int][2]int{0: {1, 1}, 1: {1, 2}, 3: {2, 1}, 4: {2, 2}, 99: {2, 3}} {
		if l, c := lineColumn([]byte("ab\ncd"), offset); l != want[0] || c != want[1] {
			t.Errorf("%d: got %d:%d, want %v", offset, l, c, want)
		}
	}
}

// FuzzScanJSON: the scanner accepts exactly what Go's decoder accepts, and finds the same texts.
func FuzzScanJSON(f *testing.F) {
	for _, s := range []string{`{"title":"x","uid":"y"}`, `{"a":[1,-0.5e9,true,null,"\ud800"]} x`, `{`, `"`, `[1,2`, `-`, "{\"a\":\"\xff\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := scanJSON(b)
		v, accepts := decoderAccepts(b)
		if (err == nil) != accepts {
			t.Fatalf("%q: scanner %v, decoder accepts %v", b, err, accepts)
		}
		m, isMap := v.(map[string]any)
		if err != nil {
			return
		}
		if isMap != o.isObject {
			t.Fatalf("%q: object %v, decoder %v", b, o.isObject, isMap)
		}
		for k, f := range o.fields {
			if s, ok := f.text(); ok && s != m[k] {
				t.Fatalf("%q: %q is %q, decoder %q", b, k, s, m[k])
			}
		}
		d := json.NewDecoder(bytes.NewReader(b))
		var skip json.RawMessage
		_ = d.Decode(&skip)
		rest, _ := io.ReadAll(d.Buffered())
		if o.trailing != (len(bytes.Trim(append(rest, b[min(len(b), int(d.InputOffset())+len(rest)):]...), " \t\r\n")) > 0) {
			t.Fatalf("%q: trailing %v", b, o.trailing)
		}
	})
}
