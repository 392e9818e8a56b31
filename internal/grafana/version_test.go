package grafana

import (
	"testing"

	"reloader/internal/versions"
)

// A version that cannot be read counts as the newest one that was tried; versions compare by number.
func TestParseVersion(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Version{
		"12.4.0": versions.Of(12, 4), "v9.4.0-pre": versions.Of(9, 4), "9.4-pre": versions.Of(9, 4), "11.5": versions.Of(11, 5), "7.5.5": versions.Of(7, 5), "": Tried, "x": Tried, "12": Tried, "0.0.0": Tried, "a.b": Tried,
	} {
		if got := ParseVersion(in); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
	newer, older := versions.Of(12, 3), versions.Of(9, 4)
	if !newer.AtLeast(older) || older.AtLeast(newer) || !older.Before(newer) || newer.Before(older) || !older.AtLeast(older) {
		t.Errorf("%v and %v compare in the wrong order", newer, older)
	}
}

// FuzzParseVersion: whatever a server reports is a version, its text reads as the same version, and it compares in order.
func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{"12.4.0", "v9.4.0-pre", "11.5", "12", "", "0.1", "12.-4", "+12.+4", "99999999999999999999.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := ParseVersion(s)
		if v.Major <= 0 || v.Minor < 0 {
			t.Fatalf("%q is version %s", s, v)
		}
		if again := ParseVersion(v.String()); again != v {
			t.Errorf("%q is version %s, which is read as %s", s, v, again)
		}
		if !v.AtLeast(v) || v.Before(v) || !v.AtLeast(Version{Major: v.Major}) {
			t.Errorf("%q does not compare in order", s)
		}
	})
}
