package grafana

import "testing"

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Version{
		"12.4.0": {12, 4}, "v9.4.0-pre": {9, 4}, "9.4-pre": {9, 4}, "11.5": {11, 5}, "7.5.5": {7, 5}, "": Tried, "x": Tried, "12": Tried, "0.0.0": Tried, "a.b": Tried,
	} {
		if got := ParseVersion(in); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
	newer, older := Version{12, 3}, Version{9, 4}
	if !newer.AtLeast(older) || older.AtLeast(newer) || !older.Before(newer) || newer.Before(older) || !older.AtLeast(older) {
		t.Error("order")
	}
}
