package reload

import "testing"

// A reload during which the files may have changed proves nothing, not even to the target that takes over. Its driver still has the
// server's answer, and must not count it. With a gate only reloader changes the files.
func TestInheritDoubtsAReload(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from    state
		misread bool
	}{
		"proven":                       {state{proof: proofStands}, false},
		"moved":                        {state{proof: proofStands, strayed: true, misread: true}, true},
		"not read since the reload":    {state{proof: proofStands, unread: true}, true},
		"ended before the proof":       {state{unread: true}, true},
		"not read since, but the gate": {state{proof: proofStands, unread: true, timing: timing{gated: true}}, false},
	} {
		next := &Target{}
		next.Inherit(&Target{state: c.from})
		if s := next.state; s.misread != c.misread || c.misread && !s.strayed {
			t.Errorf("%s: misread %t, strayed %t", name, s.misread, s.strayed)
		}
	}
}
