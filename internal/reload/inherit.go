package reload

// Inherit takes over what another target has learnt about the same server: what it was proven to run,
// and the counters. Call it before Run, after the other target's Run has returned. Nothing inherited is a
// proof: the server is asked again.
func (t *Target) Inherit(from *Target) {
	t.good = from.good
	// Anything may have been sent since the proof, unless it still stood.
	t.state.strayed = from.state.strayed || from.state.unread || from.state.proof != proofStands || from.state.wanted != from.good.digest
	// What the server answered to the newest reload counts only if the files were seen not to have moved.
	t.state.misread = from.state.misread || from.state.unread && !from.state.gated
	t.obs, t.before = from.obs, from.before
	t.obs.Ready = false
	old := from.Status()
	t.update(func(s *Status) {
		s.Counts, s.Changes, s.LastSuccess, s.LastDuration = old.Counts, old.Changes, old.LastSuccess, old.LastDuration
		s.ServerVersion = old.ServerVersion
	})
}
