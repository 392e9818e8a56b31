package paths

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// FuzzPattern: a pattern matches exactly the paths that filepath.Match matches, with and without the index.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][3]string{
		{"/etc/*/rules/*.yml", "/etc/a/rules/b.yml", "/etc/a/b.yml"}, {"/etc/prometheus.yml", "/etc/prometheus.yml", "/etc/prometheus.yml2"},
		{"/a/[a-c]*", "/a/b", "/a/d"}, {`/a/\*`, "/a/*", "/a/b"}, {"??", "é日", "ab"}, {"*", "", "a/b"}, {"a*a", "a", "aa"}, {"/etc/*/rules/7.*", "/etc/é/rules/7.", "7"}, {"*/rules/*3.yml", "", "/"}, {"*", "a", "b"}, {"*7", "日", "77"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, pattern, a, b string) {
		if _, err := filepath.Match(pattern, ""); err != nil {
			return
		}
		p := NewPattern(pattern)
		var want []string
		all := []string{a, b}
		for i := range 2 * few { // enough for the index to be used
			all = append(all, fmt.Sprintf("/etc/%d/rules/%d.yml", i%3, i), a+strconv.Itoa(i), strconv.Itoa(i)+b)
		}
		slices.Sort(all)
		for _, name := range all {
			if ok, err := filepath.Match(pattern, name); ok && err == nil {
				want = append(want, name)
			}
		}
		x := NewIndex(all)
		for n := range firstAsked + 2 { // the first calls compare with all paths
			var got []string
			for _, name := range x.Candidates(p) {
				if p.Match(name) {
					got = append(got, name)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%q matches %q, want %q, after %d calls", pattern, got, want, n)
			}
		}
	})
}
