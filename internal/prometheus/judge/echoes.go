package judge

import "slices"

// withoutEchoes removes problems that were found again in a part that does not contain their value. Some parts cannot be judged
// without another key of their item (the url of a remote_write). If that key is bad, each of them reports it.
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
