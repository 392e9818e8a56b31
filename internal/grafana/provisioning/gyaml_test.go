package provisioning

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/grafana/expand"
)

func testEnv(same bool) *expand.Env {
	vars := map[string]string{
		"URL": "http://env", "TOKEN": "tok", "ONE": "1", "TRUE": "true", "DOLLAR": "x$TOKEN", "MULTI": "a\nb", "YAML": "a: b # c", "INF": "inf",
		"LEAD": "007", "EXP": "1e5", "T": "t", "FILE": "$__file{/secret}",
	}
	files := map[string]string{"/secret": " s3cret\n", "/dollar": "pa$TOKEN"}
	return &expand.Env{
		Same:      same,
		LookupEnv: func(n string) (string, bool) { v, ok := vars[n]; return v, ok },
		Hostname:  func() (string, error) { return "host", nil },
		ReadFile: func(p string) ([]byte, error) {
			if c, ok := files[p]; ok {
				return []byte(c), nil
			}
			return nil, os.ErrNotExist
		},
	}
}

// With Grafana's environment, a value becomes what a real Grafana made of it, and each surprise has its remark.
func TestExpand(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		text  string
		rules []string
	}{
		"plain":                             {"plain", nil},
		"${URL}/x":                          {"http://env/x", nil},
		"$URL/x":                            {"http://env/x", nil},
		"$__env{URL}":                       {"http://env", nil},
		"$__file{/secret}":                  {"s3cret", nil},
		"$__file{/secret}-$__file{/secret}": {"s3cret-s3cret", nil},
		"$__file{/dollar}":                  {"patok", []string{RuleExpandedTwice}},
		"${DOLLAR}":                         {"xtok", []string{RuleExpandedTwice}},
		"$DOLLAR":                           {"x$TOKEN", nil},
		"${FILE}":                           {"s3cret", []string{RuleExpandedTwice}}, // a variable's $__file{} is read
		"$FILE":                             {"$__file{/secret}", nil},
		"$__env{HOSTNAME}":                  {"host", nil},
		"${HOSTNAME}":                       {"host", nil},
		"$HOSTNAME":                         {"", []string{RuleVariableUnset}},
		"x$$URL":                            {"x$URL", nil},
		"$${URL}":                           {"${URL}", []string(nil)},
		"$$$$":                              {"$$", nil},
		"a$":                                {"a$", nil},
		"a$ b":                              {"a$ b", nil},
		"${NOPE}":                           {"", []string{RuleVariableUnset}},
		"${NOPE:-x}":                        {"", []string{RuleDefaultSyntax}},
		"${URL:-x}":                         {"", []string{RuleDefaultSyntax}},
		"pa$word":                           {"pa", []string{RuleDollarCut}},
		"a$1b$-c":                           {"abc", []string{RuleDollarCut}},
		"${1bad}":                           {"", []string{RuleVariableUnset}},
		"${__value.raw}":                    {"", []string{RuleOwnVariable}},
		"$${__value.raw}":                   {"${__value.raw}", nil},
		"$nope":                             {"", []string{RuleVariableUnset}},
		"${UNCLOSED":                        {"UNCLOSED", []string{RuleDollarCut}},
		"$__file{}":                         {"{}", []string{RuleDollarCut}},
		"$__vault{x}":                       {"{x}", []string{RuleUnknownExpander}},
		"$MULTI":                            {"a\nb", nil},
		"$YAML":                             {"a: b # c", nil},
		"$__file{/nope}":                    {"", []string{RuleFileMissing}},
		"$__file{ /secret}":                 {"", []string{RuleFileMissing}},
		"$__file{/x/${URL}}":                {"}", []string{RuleFileMissing}},
	} {
		x := Expand(testEnv(true), in, false)
		var rules []string
		for _, r := range x.Remarks {
			rules = append(rules, r.Rule)
		}
		if x.Text != want.text || !slices.Equal(rules, want.rules) {
			t.Errorf("%q: got %q %v, want %q %v", in, x.Text, rules, want.text, want.rules)
		}
	}
}

// Without Grafana's environment the value of a variable is unknown, and only what is surely a mistake has a remark.
func TestExpandElsewhere(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"$TOKEN":                    nil,
		"${TOKEN}":                  nil,
		"http://$HOST:1/":           nil,
		"pa$word":                   {RuleDollarCut},
		"$word":                     nil, // the documented form
		" $word ":                   nil,
		"http://a:$PORT/x":          nil,
		"http://$host/":             {RuleDollarCut},
		"${__value.raw}":            {RuleOwnVariable},
		"${__span.tags}":            {RuleOwnVariable},
		"${a.b}":                    {RuleOwnVariable},
		"${a[0]}":                   {RuleOwnVariable},
		"x/${__data.fields[\"a\"]}": {RuleOwnVariable},
		"pa$WORD":                   {RuleDollarCut},
		"${A:-b}":                   {RuleDefaultSyntax},
		"$__file{/secret}":          nil,
		"$__file{/nope}":            {RuleFileMissing},
	} {
		x := Expand(testEnv(false), in, false)
		var rules []string
		for _, r := range x.Remarks {
			rules = append(rules, r.Rule)
			if r.Fatal {
				t.Errorf("%q: an error, although Grafana's files are unknown", in)
			}
		}
		if x.Known || !slices.Equal(rules, want) {
			t.Errorf("%q: known %v, %v, want %v", in, x.Known, rules, want)
		}
	}
	if x := Expand(testEnv(false), "$__file{/a b/${X}}", false); len(x.Remarks) == 0 || !x.Remarks[0].Fatal {
		t.Error("a variable in the path of a file is not an error")
	}
	if x := Expand(testEnv(false), "!-$X", true); len(x.Remarks) != 1 {
		t.Errorf("a dollar sign inside a secret: %v", x.Remarks)
	}
}

// decode runs read over the map in src and returns the rules of the errors and of the rest.
func decode(t testing.TB, dialect Dialect, src string, read func(*Decoder, *Map)) (errs, others []string) {
	t.Helper()
	root, serr := Parse([]byte(src))
	if serr != nil {
		return []string{RuleSyntax}, nil
	}
	d := &Decoder{Dialect: dialect, TypedJSON: dialect == V3, Env: testEnv(true)}
	d.Report = func(f finding.Finding) {
		if f.Line == 0 || f.Column == 0 {
			t.Errorf("%s without a position", f.Rule)
		}
		if f.Severity == finding.Error {
			errs = append(errs, f.Rule)
		} else {
			others = append(others, f.Rule)
		}
	}
	if m, ok := d.Map(root, "the file"); ok {
		read(d, m)
	}
	return errs, others
}

// Booleans are read as Go's strconv reads them, after variables are expanded. An empty or null value is false.
func TestBool(t *testing.T) {
	t.Parallel()
	for _, dialect := range []Dialect{V2, V3} {
		for in, want := range map[string]string{
			"1": "true", "t": "true", "T": "true", "TRUE": "true", "true": "true", "True": "true", `"true"`: "true", "$TRUE": "true",
			"0": "false", "f": "false", "F": "false", "FALSE": "false", "false": "false", "False": "false", "~": "false", "": "false", "null": "false",
			"yes": "", "no": "", "on": "", "off": "", `""`: "", "$NOPE": "", "maybe": "", "[true]": "", "{a: b}": "", "2": "",
		} {
			var got Bool
			errs, _ := decode(t, dialect, "b: "+in, func(d *Decoder, m *Map) { got = d.Bool(m, "b") })
			if (want == "") != (len(errs) > 0) || want != "" && fmt.Sprint(got.Value) != want {
				t.Errorf("dialect %d, %q: got %v %v, want %q", dialect, in, got.Value, errs, want)
			}
		}
	}
}

// Integers are decimal, also in quotes or from a variable. An empty or null value is 0.
func TestInt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"5": "5", `"5"`: "5", "-3": "-3", "$ONE": "1", `""`: "0", "~": "0", "": "0", "$NOPE": "0",
		"0x1": "", "1.5": "", "one": "", "10s": "", "1_000": "", "[1]": "", "99999999999999999999": "",
	} {
		var got Int
		errs, _ := decode(t, V3, "i: "+in, func(d *Decoder, m *Map) { got = d.Int(m, "i") })
		if (want == "") != (len(errs) > 0) || want != "" && fmt.Sprint(got.Value) != want {
			t.Errorf("%q: got %d %v, want %q", in, got.Value, errs, want)
		}
	}
}

// Plain fields are read by the YAML library's own rules, without variables and without quotes.
func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"1": "1", "1.0": "1", "1.5": "1", "-1": "-1", "0x10": "16", "~": "0", `"1"`: "", "one": "", "$ONE": "", "[1]": ""} {
		var got Int
		errs, _ := decode(t, V3, "i: "+in, func(d *Decoder, m *Map) { got = d.PlainInt(m, "i") })
		if (want == "") != (len(errs) > 0) || want != "" && fmt.Sprint(got.Value) != want {
			t.Errorf("int %q: got %d %v, want %q", in, got.Value, errs, want)
		}
	}
	for in, want := range map[string]string{"true": "true", "yes": "true", "TRUE": "true", "off": "false", "~": "false", `"true"`: "", "1": "", "$TRUE": "", "maybe": ""} {
		var got Bool
		errs, _ := decode(t, V3, "b: "+in, func(d *Decoder, m *Map) { got = d.PlainBool(m, "b") })
		if (want == "") != (len(errs) > 0) || want != "" && fmt.Sprint(got.Value) != want {
			t.Errorf("bool %q: got %v %v, want %q", in, got.Value, errs, want)
		}
	}
}

// Any scalar is a text, as it is written; a list, a map or a scalar that does not fit its tag is an error.
func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a": "a", "5": "5", "1.50": "1.50", "true": "true", "2020-01-01": "2020-01-01", "~": "", `" x "`: " x ", "!!binary YQ==": "a"} {
		var got Value
		if errs, _ := decode(t, V3, "s: "+in, func(d *Decoder, m *Map) { got = d.Text(m, "s") }); len(errs) > 0 || got.Text != want {
			t.Errorf("%q: got %q %v", in, got.Text, errs)
		}
	}
	for _, in := range []string{"[a]", "{a: b}", "!!int x", "!!binary '?'"} {
		if errs, _ := decode(t, V3, "s: "+in, func(d *Decoder, m *Map) { d.Text(m, "s") }); len(errs) != 1 {
			t.Errorf("%q: %v", in, errs)
		}
	}
}

// V3 refuses a duplicate key and V2 uses the last one. The two merge differently, as their libraries do.
func TestDuplicatesAndMerges(t *testing.T) {
	t.Parallel()
	read := func(got *string) func(*Decoder, *Map) {
		return func(d *Decoder, m *Map) { *got = d.Text(m, "a").Text }
	}
	var got string
	if errs, _ := decode(t, V3, "a: 1\na: 2", read(&got)); !slices.Equal(errs, []string{RuleDuplicateKey}) {
		t.Errorf("V3 accepted a duplicate key: %v", errs)
	}
	if errs, others := decode(t, V2, "a: 1\na: 2", read(&got)); len(errs) > 0 || len(others) != 1 || got != "2" {
		t.Errorf("V2: %v %v %q", errs, others, got)
	}
	const merged = "x: &x {a: base}\ny: &y {a: other}\nm:\n  a: own\n  <<: *x\nn:\n  <<: [*x, *y]\n"
	for _, c := range []struct {
		dialect Dialect
		key     string
		want    string
	}{{V3, "m", "own"}, {V2, "m", "base"}, {V3, "n", "base"}, {V2, "n", "base"}} {
		errs, _ := decode(t, c.dialect, merged, func(d *Decoder, m *Map) {
			inner, _ := d.Map(m.Get(c.key), c.key)
			got = d.Text(inner, "a").Text
		})
		if len(errs) > 0 || got != c.want {
			t.Errorf("dialect %d, %s: got %q %v, want %q", c.dialect, c.key, got, errs, c.want)
		}
	}
	for _, bad := range []string{"<<: 1\na: 2", "<<: [1]\na: 2", "x: &x [1]\n<<: *x"} {
		if errs, _ := decode(t, V3, bad, read(&got)); len(errs) == 0 {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// A free map, such as jsonData, has Grafana's values in each dialect, and what JSON cannot hold is an error.
func TestFreeMap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dialect Dialect
		in      string
		want    map[string]any
		rules   []string
	}{
		{V3, "{s: x, i: 1, f: 1.5, b: true, n: ~, l: [1, {k: v}]}", map[string]any{"s": "x", "i": 1, "f": 1.5, "b": true, "n": nil, "l": []any{1, map[string]any{"k": "v"}}}, nil},
		{V3, "{1: a, true: b}", map[string]any{"1": "a", "true": "b"}, nil},
		{V3, `{a: "$ONE", b: "$LEAD", c: "$EXP", d: "$T", e: "$$ONE", f: "1", g: $TOKEN}`,
			map[string]any{"a": int64(1), "b": int64(7), "c": 1e5, "d": true, "e": "$ONE", "f": "1", "g": "tok"}, []string{RuleRetyped, RuleRetyped, RuleRetyped, RuleRetyped}},
		{V2, `{a: "$ONE"}`, map[string]any{"a": "1"}, nil},
		{V3, "{a: {1: b}}", nil, []string{RuleNonTextKey}},
		{V3, "{a: [{true: b}]}", nil, []string{RuleNonTextKey}},
		{V2, "{a: {1: b, c: d}}", map[string]any{"a": map[string]any{"c": "d"}}, []string{RuleNonTextKey}},
		{V3, "{a: .nan}", nil, []string{RuleNotFinite}},
		{V3, "{a: -.inf}", nil, []string{RuleNotFinite}},
		{V3, "{a: $INF}", nil, []string{RuleNotFinite}},
		{V3, "{a: 2020-01-01, b: '2020-01-01'}", nil, []string{RuleDate}},
		{V2, "{a: 2020-01-01}", map[string]any{"a": "2020-01-01"}, nil},
		{V3, "[a]", nil, []string{RuleWrongType}},
		{V3, "hello", nil, []string{RuleWrongType}},
		{V3, "{a: {b: 1, b: 2}}", nil, []string{RuleDuplicateKey}},
		{V3, "{a: $__file{/nope}}", nil, []string{RuleSyntax}},
		{V3, `{a: ["$__file{/nope}"]}`, nil, []string{RuleFileMissing}},
	} {
		var got map[string]any
		errs, others := decode(t, c.dialect, "j: "+c.in, func(d *Decoder, m *Map) { got, _ = d.FreeMap(m.Get("j"), "j") })
		rules := slices.Concat(errs, others)
		if !slices.Equal(rules, c.rules) || c.want != nil && !reflect.DeepEqual(got, c.want) {
			t.Errorf("dialect %d, %s: got %v %v, want %v %v", c.dialect, c.in, got, rules, c.want, c.rules)
		}
	}
}

// A map of texts or a list of entries has one error for each value of another kind.
func TestTextMapAndList(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{"{p: 5, q: true, r: ~, s: x}": 0, "[a]": 1, "x": 1, "{p: {a: b}}": 1, "{p: [a]}": 1, "~": 0} {
		if errs, _ := decode(t, V3, "s: "+in, func(d *Decoder, m *Map) { d.TextMap(m.Get("s"), "s", true) }); len(errs) != want {
			t.Errorf("%s: %v", in, errs)
		}
	}
	for in, want := range map[string]int{"[{a: b}]": 0, "~": 0, "{}": 1, "x": 1, "[~]": 1, "[x]": 1, "[{a: b}, ~, [c]]": 2, "[]": 0} {
		if errs, _ := decode(t, V3, "l: "+in, func(d *Decoder, m *Map) {
			for range d.Items(m.Get("l"), "l") {
			}
		}); len(errs) != want {
			t.Errorf("%s: %v", in, errs)
		}
	}
}

// utf16 encodes ASCII text as UTF-16.
func utf16(s string) string {
	out := "\xff\xfe"
	for _, c := range []byte(s) {
		out += string([]byte{c, 0})
	}
	return out
}

// Parse accepts what Grafana's library accepts. An error has a position, also for a file above the size limit.
func TestParse(t *testing.T) {
	t.Parallel()
	for in, ok := range map[string]bool{
		"": true, "# only\n": true, "a: b": true, "\xef\xbb\xbfa: b": true, "a: b\r\nc: d\r\n": true, utf16("a: b\n"): true,
		"a: b\n---\n[": true, "a: b\n...\n[": true, "a: b # \xe9": false, "a: \x00": false, "a: \x01": false, "a:\n\t- b": false, "a: [1,": false,
		"a: \"b": false, "a: *nope": false, "a: {b: ${X}}": false, "{{{": false,
	} {
		_, serr := Parse([]byte(in))
		if (serr == nil) != ok {
			t.Errorf("%q: %+v", in, serr)
		}
		if serr != nil && (serr.Line < 1 || serr.Column < 1) {
			t.Errorf("%q: no position", in)
		}
	}
	if _, serr := Parse(make([]byte, MaxSize+1)); serr == nil || !serr.TooLarge {
		t.Error("a file beyond the limit was parsed")
	}
	_, serr := Parse([]byte("a: 1\nb: 2\n  c: [\n"))
	if serr == nil || serr.Line < 2 || serr.Message == "" {
		t.Errorf("no position or message: %+v", serr)
	}
}

// Files that multiply through aliases, contain themselves or nest deeply end quickly.
func TestBounds(t *testing.T) {
	t.Parallel()
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 12; i++ {
		ref := fmt.Sprintf("*a%d", i-1)
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.Join(slices.Repeat([]string{ref}, 10), ","))
	}
	free := func(key string) func(*Decoder, *Map) {
		return func(d *Decoder, m *Map) { d.FreeMap(m.Get(key), key) }
	}
	if errs, _ := decode(t, V3, bomb+"j: {x: *a11}", free("j")); !slices.Equal(errs, []string{RuleAlias}) {
		t.Errorf("bomb: %v", errs)
	}
	if errs, _ := decode(t, V3, "j: &j {x: *j}", free("j")); !slices.Equal(errs, []string{RuleAlias}) {
		t.Errorf("itself: %v", errs)
	}
	if errs, _ := decode(t, V3, "j: &j\n  <<: *j\n  a: b", free("j")); !slices.Equal(errs, []string{RuleAlias}) {
		t.Errorf("merge of itself: %v", errs)
	}
	if errs, _ := decode(t, V3, "j: {a: "+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+"}", free("j")); len(errs) != 0 {
		t.Errorf("deep: %v", errs)
	}
	if errs, _ := decode(t, V3, "j: "+strings.Repeat("[", 100_000), free("j")); len(errs) == 0 {
		t.Error("a file that nests too deeply was accepted")
	}
}

// An unknown key has its position, and the known key that it probably means.
func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	var hints []string
	root, _ := Parse([]byte("isdefault: 1\nurl: x\nzzzzz: 1\n"))
	d := &Decoder{Dialect: V3, Env: testEnv(true), Report: func(f finding.Finding) { hints = append(hints, fmt.Sprint(f.Line, f.Hint)) }}
	m, _ := d.Map(root, "x")
	d.UnknownKeys(m, "a thing", []string{"isDefault", "url"})
	if !slices.Equal(hints, []string{"1did you mean isDefault?", "3"}) {
		t.Errorf("%q", hints)
	}
}

// A long key is cut between two characters, not within one.
func TestALongKeyStaysUTF8(t *testing.T) {
	t.Parallel()
	root, _ := Parse([]byte(strings.Repeat("a", 59) + "üü: 1\n"))
	message := ""
	d := &Decoder{Dialect: V3, Env: testEnv(true), Report: func(f finding.Finding) { message = f.Message }}
	m, _ := d.Map(root, "x")
	d.UnknownKeys(m, "a thing", nil)
	if !utf8.ValidString(message) || !strings.Contains(message, "a...'") {
		t.Errorf("%q", message)
	}
}

// FuzzExpand: a value without a dollar sign stays as it is, and no remark about a secret shows a part of it.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"$", "$$", "${A}", "$__file{/x}", "$__env{A}$B", "pa$word", "${", "$__file{${A}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, same := range []bool{true, false} {
			x := Expand(testEnv(same), s, true)
			if !strings.Contains(s, "$") && (x.Text != s || x.Changed) {
				t.Fatalf("%q changed to %q", s, x.Text)
			}
			for _, r := range x.Remarks {
				if r.Subject != "" && !strings.HasPrefix(r.Subject, "/") {
					t.Fatalf("%q of a secret is shown", r.Subject)
				}
			}
		}
	})
}

// FuzzDecode: whatever can be parsed is read without a panic, and what the library itself refuses to decode is not accepted.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"a: 1", "a: &x {b: *x}", "<<: {a: b}", "a: [~, {1: 2}]", "? [a]\n: b", "a: !!int x", "a: .nan", "- a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, dialect := range []Dialect{V2, V3} {
			errs, _ := decode(t, dialect, s, func(d *Decoder, m *Map) {
				d.PlainMap(m.Node, "m")
				d.FreeList(m.Get("a"), "a")
				d.TextMap(m.Get("a"), "a", true)
				for range d.Items(m.Get("a"), "a") {
				}
				d.Text(m, "a")
				d.Bool(m, "a")
				d.PlainInt(m, "a")
			})
			var lib map[string]any
			if dialect == V3 && len(errs) == 0 && yaml.Unmarshal([]byte(s), &lib) != nil {
				t.Fatalf("accepted, but the library refuses it: %q", s)
			}
		}
	})
}
