package manifests

import "testing"

// A value that kubectl reads as a boolean is refused by the API server; a date is a string.
func TestPlainValues(t *testing.T) {
	t.Parallel()
	for text, refused := range map[string]bool{"on": true, "Yes": true, "true": true, "1": true, "'on'": false, "2001-12-14": false, "one": false, "oN": false, "null": false} {
		calls, found := 0, 0
		for _, f := range Check(t.Context(), counting("", &calls), read("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  flag: "+text+"\n")).Findings {
			if f.Rule == RuleValue {
				found++
			}
		}
		if (found > 0) != refused {
			t.Errorf("%s: %d findings", text, found)
		}
	}
}
