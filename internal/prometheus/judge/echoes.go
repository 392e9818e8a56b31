package judge

import "slices"

// withoutEchoes leaves out what was found again in a part that holds nothing of it: a part that cannot be judged without a bad
// key beside it (the url of a remote_write) says the same of that key.
func (ix *index) withoutEchoes(found []problem) []problem {
	holds := func(p problem) bool {
		return slices.ContainsFunc(ix.between(p.line, p.line), func(at place) bool { return slices.Contains(p.needles, at.node.Value) })
	}
	at := map[string]bool{}
	for _, p := range found {
		if len(p.needles) > 0 && p.needles[0] != "" && holds(p) {
			at[p.message] = true
		}
	}
	return slices.DeleteFunc(found, func(p problem) bool { return at[p.message] && !holds(p) })
}
