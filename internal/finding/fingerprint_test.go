package finding

import "testing"

// Only equal lists of texts have equal fingerprints.
func TestFingerprintTellsContentsApart(t *testing.T) {
	t.Parallel()
	again := []string{"a", "b"}
	if Fingerprint("a", "b") != Fingerprint(again...) {
		t.Error("equal contents have different fingerprints")
	}
	for _, other := range [][]string{{"ab"}, {"a", "c"}, {"b", "a"}, {"a", "b", ""}, {}} {
		if Fingerprint("a", "b") == Fingerprint(other...) {
			t.Errorf("%q has the fingerprint of [a b]", other)
		}
	}
}
