package snapshot

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// memory is a snapshot of files given as name=contents.
func memory(name, dir, serverDir string, files ...string) *Snapshot {
	m := map[string][]byte{}
	for _, f := range files {
		k, v, _ := strings.Cut(f, "=")
		m[k] = []byte(v)
	}
	return FromFiles(Source{Name: name, Dir: dir, ServerDir: serverDir}, m)
}

// Digests must never change: laptops, pipelines and pods with different versions of reloader compare them.
func TestDigestIsStable(t *testing.T) {
	t.Parallel()
	config := memory("config", "/etc/prometheus", "", "prometheus.yml=global: {}\n")
	rules := memory("rules", "/rules", "", "a.yml=groups: []\n")
	for name, tc := range map[string]struct {
		got  Digest
		want string
	}{
		"one source":  {NewSet(config).Digest, "7446afb8b70ff249da06a3d8344c6b574d93002fdd4cb460a9298860d54bfdfa"},
		"two sources": {NewSet(config, rules).Digest, "df1b09586d70822d84dcfcbf83a192cafeb1efffddd3751ab4311ac051ff7b34"},
		"empty":       {memory("x", "/", "").Digest, "2188ded58d885393aee98cb23cbf9771725fba9dd12e003a6aff8a99389d1688"},
		"file":        {config.Files[0].Digest, "ef8af2ac27cebec59570461304d977a99c0e78fb11d794e201107452be78f93a"},
	} {
		if tc.got.String() != tc.want {
			t.Errorf("%s: %s, want %s", name, tc.got, tc.want)
		}
	}
}

// Sets with different sources, names or contents have different digests. Directories and the order of sources do not matter.
func TestDigestTellsApart(t *testing.T) {
	t.Parallel()
	seen := map[Digest]string{}
	for name, d := range map[string]Digest{
		"base":                NewSet(memory("s", "/d", "", "a=1", "b=2")).Digest,
		"other contents":      NewSet(memory("s", "/d", "", "a=1", "b=3")).Digest,
		"contents swapped":    NewSet(memory("s", "/d", "", "a=2", "b=1")).Digest,
		"other name":          NewSet(memory("s", "/d", "", "a=1", "c=2")).Digest,
		"one file less":       NewSet(memory("s", "/d", "", "a=1")).Digest,
		"two sources":         NewSet(memory("s", "/d", "", "a=1"), memory("t", "/e", "", "b=2")).Digest,
		"two sources swapped": NewSet(memory("t", "/d", "", "a=1"), memory("s", "/e", "", "b=2")).Digest,
	} {
		if other, ok := seen[d]; ok {
			t.Errorf("%s and %s have the same digest", name, other)
		}
		seen[d] = name
	}
	a := NewSet(memory("s", "/d", "", "a=1"), memory("t", "/e", "/f", "b=2"))
	b := NewSet(memory("t", "/x", "", "b=2"), memory("s", "/y", "/z", "a=1"))
	if a.Digest != b.Digest {
		t.Error("directories or the order of sources are part of the digest")
	}
}

// A digest survives JSON, has a short form and a number with the same digits, and is parsed only in full.
func TestDigestText(t *testing.T) {
	t.Parallel()
	d := DigestBytes([]byte("x"))
	b, err := json.Marshal(struct{ A, B Digest }{A: d})
	must(t, err)
	var back struct{ A, B Digest }
	must(t, json.Unmarshal(b, &back))
	if back.A != d || !back.B.IsZero() {
		t.Errorf("%s came back as %+v", b, back)
	}
	if d.Short() != d.String()[:12] || (Digest{}).Short() != "none" {
		t.Errorf("short forms %s and %s", d.Short(), Digest{}.Short())
	}
	if n := uint64(d.Number()); n != 0x2d711642b726 {
		t.Errorf("number %x is not the short form %s", n, d.Short())
	}
	for _, bad := range []string{"", "xyz", d.Short(), d.String() + "00"} {
		if _, err := ParseDigest(bad); err == nil {
			t.Errorf("%q counts as a digest", bad)
		}
	}
	if err := json.Unmarshal([]byte(`{"A":"zz"}`), &back); err == nil {
		t.Error("a bad digest in JSON was accepted")
	}
}

// ReadFile reads a regular file within the limits. Anything else is an error; a fifo does not block it.
func TestReadFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.yml": "12"})
	at := func(n string) string { return filepath.Join(dir, n) }
	if b, err := ReadFile(at("a.yml"), Limits{}); err != nil || string(b) != "12" {
		t.Errorf("%q, %v", b, err)
	}
	must(t, syscall.Mkfifo(at("fifo"), 0o600))
	must(t, os.Symlink("none", at("dangling")))
	for path, want := range map[string]string{
		at("none"): "no such file", at("dangling"): "no such file", dir: "is a directory", "/dev/null": ReasonSpecial, at("fifo"): ReasonSpecial,
	} {
		if _, err := ReadFile(path, Limits{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q", path, err, want)
		}
	}
	if _, err := ReadFile(at("a.yml"), Limits{MaxFileSize: 1}); !errors.Is(err, ErrLimit) {
		t.Errorf("a file that is too large: %v", err)
	}
}

// File finds a file by the path that the server uses, in the innermost source; All lists all files in order; Forget drops contents.
func TestSetLookups(t *testing.T) {
	t.Parallel()
	outer := memory("config", "/mnt/config", "/etc/prometheus", "prometheus.yml=p", "rules/a.yml=outer", "rules/only.yml=o")
	inner := memory("rules", "/mnt/rules", "/etc/prometheus/rules", "a.yml=inner")
	here := memory("here", ".", "", "x/y.yml=y")
	root := memory("root", "/", "", "etc/root.yml=r")
	set := NewSet(outer, inner, here, root)
	for p, want := range map[string]string{
		"/etc/prometheus/prometheus.yml": "p", "/etc/prometheus/rules/a.yml": "inner", "/etc/prometheus/./rules//only.yml": "o",
		"x/y.yml": "y", "/etc/root.yml": "r", "/etc/prometheus": "", "/etc/prometheus/": "", "/etc/prometheusx/prometheus.yml": "", "": "",
		"/mnt/config/prometheus.yml": "",
	} {
		ref, ok := set.File(p)
		var b []byte
		if ok {
			b, _ = ref.Bytes()
		}
		if string(b) != want || ok != (want != "") {
			t.Errorf("server path %q: %q, %v; want %q", p, b, ok, want)
		}
	}
	var all []string
	for r := range set.All() {
		all = append(all, r.ServerPath())
	}
	want := []string{
		"/etc/prometheus/prometheus.yml", "/etc/prometheus/rules/a.yml", "/etc/prometheus/rules/only.yml",
		"/etc/prometheus/rules/a.yml", "x/y.yml", "/etc/root.yml",
	}
	if d := cmp.Diff(want, all); d != "" || set.Len() != len(want) {
		t.Errorf("all (-want +got):\n%s", d)
	}
	for range set.All() { // may be left early
		break
	}
	ref, ok := set.File("/etc/root.yml")
	if !ok {
		t.Fatal("no file")
	}
	set.Forget()
	if _, ok := ref.Bytes(); ok {
		t.Error("contents are still there after Forget")
	}
	if set.Atomic() || !NewSet(outer).Atomic() {
		t.Errorf("four sources: atomic %v, want false; one source: atomic %v, want true", set.Atomic(), NewSet(outer).Atomic())
	}
}

// Diff lists added, removed and changed files in order, from digests alone.
func TestDiff(t *testing.T) {
	t.Parallel()
	one, two, three := DigestBytes([]byte("1")), DigestBytes([]byte("2")), DigestBytes([]byte("3"))
	before := NewSet(memory("config", "", "", "a=1", "b=2", "c=3"), memory("gone", "", "", "x=1"))
	after := NewSet(memory("config", "", "", "b=3", "c=3", "d=1"), memory("come", "", "", "x=1"))
	before.Forget()
	after.Forget()
	want := []Change{
		{"come", "x", Added, Digest{}, one},
		{"config", "a", Removed, one, Digest{}}, {"config", "b", Changed, two, three}, {"config", "d", Added, Digest{}, one},
		{"gone", "x", Removed, one, Digest{}},
	}
	if d := cmp.Diff(want, Diff(before, after)); d != "" {
		t.Errorf("diff (-want +got):\n%s", d)
	}
	if got := Diff(after, after); got != nil {
		t.Errorf("no change: %v", got)
	}
	if got := Diff(nil, before); len(got) != 4 || got[0].Kind != Added {
		t.Errorf("from nothing: %v", got)
	}
	if got := Diff(before, nil); len(got) != 4 || got[0].Kind != Removed {
		t.Errorf("to nothing: %v", got)
	}
}

// Swapped says that no server can have made a change: only sources that are swapped as a whole have other contents.
func TestSwapped(t *testing.T) {
	t.Parallel()
	snap := func(name, contents string, atomic bool) *Snapshot {
		s := FromFiles(Source{Name: name}, map[string][]byte{"f": []byte(contents)})
		s.Atomic = atomic
		return s
	}
	before := NewSet(snap("volume", "1", true), snap("plain", "1", false))
	for _, c := range []struct {
		what  string
		after *Set
		want  bool
	}{
		{"the volume", NewSet(snap("volume", "2", true), snap("plain", "1", false)), true},
		{"the plain directory", NewSet(snap("volume", "1", true), snap("plain", "2", false)), false},
		{"both", NewSet(snap("volume", "2", true), snap("plain", "2", false)), false},
		{"a plain directory that is new", NewSet(snap("volume", "1", true), snap("plain", "1", false), snap("new", "1", false)), false},
	} {
		if got := c.after.Swapped(before); got != c.want {
			t.Errorf("%s changed: %v, want %v", c.what, got, c.want)
		}
	}
}
