package references

import (
	"path"
	"strings"
	"testing"

	"reloader/internal/sources"
	"reloader/internal/yamlnode"

	"github.com/google/go-cmp/cmp"
)

// References are found in all places of a main file, through anchors and merges. A file that is not a mapping, or is too large, is an
// error; wrong types are ignored, because the validator reports them.
func TestScan(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file string
		want References
		err  string
	}{
		"empty":         {file: ""},
		"only comments": {file: "# nothing\n"},
		"everything": {
			file: "rule_files:\n- a.yml\n- 'b/*.yml'\nscrape_config_files: [s.yml]\nscrape_configs:\n- file_sd_configs:\n  - files: [x.json]\n" +
				"  - files: [y.json, z.json]\n- static_configs: []\nalerting: {alertmanagers: [{file_sd_configs: [{files: [am.json]}]}]}\n",
			want: References{RuleFiles: []string{"a.yml", "b/*.yml"}, ScrapeConfigFiles: []string{"s.yml"}, FileSD: []string{"x.json", "y.json", "z.json", "am.json"}},
		},
		"anchors and merges": {
			file: "x: &files [a.json]\ny: &sd {files: *files}\nbase: &base\n  file_sd_configs: [*sd]\nscrape_configs:\n- <<: *base\n- <<: [{}, *base]\n  job_name: b\nrule_files: [&r r.yml, *r]\n",
			want: References{RuleFiles: []string{"r.yml", "r.yml"}, FileSD: []string{"a.json", "a.json"}},
		},
		"wrong kinds": {file: "rule_files: {a: b}\nscrape_configs: [1, [2], {file_sd_configs: [3, {files: x}]}]\nalerting: null\nscrape_config_files: [[x], {y: z}, '']\n"},
		"a list":      {file: "- a\n", err: "not a mapping"},
		"broken":      {file: "rule_files: [a", err: "did not find expected"},
		"binary":      {file: "\x00\x01\xff\xfe", err: "scan for file references"},
		"too large":   {file: strings.Repeat("#", yamlnode.MaxSize+1), err: "bytes are more than"},
		"recursive":   {file: "a: &a\n  <<: *a\n  b: c\nscrape_configs: [*a]\n"},
		"bomb":        {file: "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c]\nrule_files: *d\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Scan([]byte(tc.file))
			if (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// Any bytes give references or an error, not both. No reference is empty, and the directories to follow have distinct names and are never
// the root.
func FuzzScan(f *testing.F) {
	f.Add([]byte(mainFile))
	f.Add([]byte("a: &a {<<: *a, x: [*a]}\nscrape_configs: [*a, *a]\nrule_files: *a"))
	f.Add([]byte("scrape_configs:\n- <<: [&b {<<: *b}, *b]\n"))
	f.Add([]byte("{rule_files: [\"\\u0000\", !!binary aGk=, ~, 1.5, true]}"))
	f.Add([]byte("\xff\xfe\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		refs, err := Scan(file)
		if err != nil && (len(refs.RuleFiles) > 0 || len(refs.ScrapeConfigFiles) > 0 || len(refs.FileSD) > 0) {
			t.Errorf("references and an error: %v", err)
		}
		r := New(Options{ConfigFile: "/etc/p.yml"})
		var all []reference
		for _, w := range refs.RuleFiles {
			if w == "" {
				t.Error("an empty reference")
			}
			all = append(all, reference{written: w, server: joinDir("/etc", w)})
		}
		names := map[string]bool{}
		for _, src := range r.directories(all) {
			if src.Dir == "" || src.Dir == "/" || src.Name == "" || names[src.Name] || len(src.Include) == 0 {
				t.Errorf("bad source %+v", src)
			}
			names[src.Name] = true
		}
	})
}

// A pattern is split into a directory without special characters and the rest. Together they are the pattern again.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"/a/b.yml", "/a/*/b", "*.yml", "/x", "a/b[c/d]", `a\*/b`, "", "/", "//x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		dir, rest := sources.Split(pattern)
		if strings.ContainsAny(dir, `*?[\`) {
			t.Errorf("%q: the directory %q has special characters", pattern, dir)
		}
		if joined := path.Clean(dir + "/" + rest); joined != path.Clean(pattern) {
			t.Errorf("%q was split into %q and %q", pattern, dir, rest)
		}
	})
}
