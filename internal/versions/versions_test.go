package versions

import "testing"

// Only major and minor count. A text that does not begin with two numbers is no version.
func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Version{
		"3.16.0": {3, 16}, "v2.53.1": {2, 53}, "11.5": {11, 5}, "3.16.0-rc.1": {3, 16}, "1.2.3.4": {1, 2},
		"": {}, "3": {}, "x.1": {}, "3.x": {}, "3.16-rc": {}, "-1.2": {}, "1.-2": {}, "vv1.2": {}, " 1.2": {},
	} {
		if got := Parse(in); got != want || got.Known() != (want != Version{}) {
			t.Errorf("%q: %v", in, got)
		}
	}
}

// Versions are ordered by number, not by text. An unknown version is before all others.
func TestOrder(t *testing.T) {
	t.Parallel()
	sorted := []Version{{}, {2, 9}, {2, 55}, {3, 0}, {3, 16}}
	for i, v := range sorted {
		for k, w := range sorted {
			if v.Before(w) != (i < k) || v.AtLeast(w) != (i >= k) {
				t.Errorf("%v and %v: before %t, at least %t", v, w, v.Before(w), v.AtLeast(w))
			}
		}
	}
}

// A version that was parsed is the same after printing and parsing it again.
func FuzzParse(f *testing.F) {
	f.Add("v3.16.0")
	f.Fuzz(func(t *testing.T, s string) {
		if v := Parse(s); v.Known() && Parse(v.String()) != v {
			t.Errorf("%q: %v", s, v)
		}
	})
}
