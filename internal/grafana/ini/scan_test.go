package ini

import (
	"testing"

	"gopkg.in/ini.v1"
)

// agree fails when scan and ini.v1 read data differently.
func agree(t *testing.T, data []byte) {
	t.Helper()
	doc := scan(data)
	file, err := ini.Load(data)
	if (err != nil) != (doc.fault != nil) {
		t.Fatalf("ini.v1: %v, scan: %+v", err, doc.fault)
	}
	if err != nil {
		return
	}
	type name struct{ section, key string }
	want := map[name]string{}
	for _, section := range file.Sections() {
		for _, key := range section.Keys() {
			want[name{section.Name(), key.Name()}] = key.Value()
		}
	}
	got := map[name]string{}
	for _, e := range doc.entries {
		got[name{e.section, e.key}] = e.value
	}
	if len(got) != len(want) {
		t.Errorf("scan found %d keys, ini.v1 %d", len(got), len(want))
	}
	for n, v := range want {
		if g, ok := got[n]; !ok || g != v {
			t.Errorf("[%s] %s: scan %q (found %v), ini.v1 %q", n.section, n.key, g, ok, v)
		}
	}
	for _, h := range doc.headers {
		if !file.HasSection(h.name) {
			t.Errorf("ini.v1 has no section %q", h.name)
		}
	}
}

var scanSeeds = []string{
	"", "\n", "a=1", "a = 1\n[b]\nc: 2\n", "[b]\r\nc = d\r\n", "\ufeff[server]\nhttp_port = 3000\n",
	"[a\n", "[]\n", "[a]]\nx=1\n", "= x\n", ": x\n", "no delimiter\n", "key =\n", "key = \"\"\n", "k = ''\n",
	"k = a # b ; c\n", "k = a#b\n", "k = \"a#b\"\n", "k = 'a;b'\n", "k = `a#b`\n", "k = \"\"\"a#b\"\"\"\n", "k = \"\"\"a\nb\nc\"\"\" # x\n",
	"k = `a\nb\n", "k = \"\"\"\n", "k = \"\"\"a\n", "k = \"open\n", "k = a \\\n  b \\\n c\nd = 1\n", "k = a \\", "k = \\\n\n", "k = a \\\n # b\nc=1\n",
	"k = a\n  indented = b\n", "k = a\n  indented\n", "\"quoted\" = 1\n", "`q` = 1\n", "\"\"\"qq\"\"\" = 1\n", "\"open = 1\n", "\"\" = 1\n", "`` = 1\n", "\"\"\" = 1\n",
	"- = a\n- = b\n[s]\n- = c\n", "a=1\na=2\n[x]\n[x]\na=3\n", "[a ; b]\nk=1\n", "[a] k = 1\n", "k=\u00e9\n\xe9=1\n", "k = it's # a\n", "k = \"a\" \"b\"\n", "k=\xa0x\n", "k = %(x)s\n",
	"[\x00s\x00]\x00\n\x00a\x00=\x001\x00\n\x00", "\xff\xfe[\x00a\x00]\x00\n\x00", "k = a `b`\n", "k=``\n", "k = `a` x`\n", "k=\"\"\"\"\n", "k=\"\"\"\"\"\"\n", "k = '\n", "k=a=b:c\n", "[DEFAULT]\na=1\n", "\"a\" b = c\n",
}

// scan accepts the same files as ini.v1, Grafana's library, and finds the same keys and values.
func TestScanReadsAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	for _, seed := range scanSeeds {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			agree(t, []byte(seed))
		})
	}
}

// FuzzScanReadsAsTheLibraryDoes: the same for any file, except for what this version of the library reads differently from Grafana's (see
// backslashAfterQuote).
func FuzzScanReadsAsTheLibraryDoes(f *testing.F) {
	for _, seed := range scanSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 || backslashAfterQuote(data) {
			return
		}
		agree(t, data)
	})
}

// Each key has its line and column, also after values of several lines, and a value that was cut has the column of the cut.
func TestScanPositions(t *testing.T) {
	t.Parallel()
	doc := scan([]byte("# top\n[server]\n  http_port = 3000\nroot_url = a;b\n[log]\nmode = \"\"\"a\nb\"\"\"\nlevel = x \\\ny\nlast = 1\n"))
	type at struct {
		key       string
		line, col int
	}
	want := []at{{"http_port", 3, 3}, {"root_url", 4, 1}, {"mode", 6, 1}, {"level", 8, 1}, {"last", 10, 1}}
	if len(doc.entries) != len(want) {
		t.Fatalf("got %d entries, want %d", len(doc.entries), len(want))
	}
	for i, w := range want {
		if e := doc.entries[i]; (at{e.key, e.line, e.col}) != w {
			t.Errorf("entry %d is %s at %d:%d, want %+v", i, e.key, e.line, e.col, w)
		}
	}
	if e := doc.entries[1]; e.cut != 13 || !e.cutGlued {
		t.Errorf("cut of root_url at column %d, glued %v; want 13, true", e.cut, e.cutGlued)
	}
}
