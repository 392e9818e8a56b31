package config

import (
	"path"
	"testing"
)

// FuzzParseMount: a mount that is accepted has a path, its server path is absolute or empty, and String returns what was read.
func FuzzParseMount(f *testing.F) {
	for _, s := range []string{"/etc/p.yml", "/a=/b", "/a=b/c", "a=", "=/b", "/a=/b=/c", "/a==/b", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMount(s)
		if err != nil {
			if m != (Mount{}) {
				t.Errorf("%q: %+v with an error", s, m)
			}
			return
		}
		if m.Path == "" || m.ServerPath != "" && !path.IsAbs(m.ServerPath) {
			t.Errorf("%q is read as %+v", s, m)
		}
		if m.String() != s {
			t.Errorf("%q is written as %q", s, m.String())
		}
	})
}
