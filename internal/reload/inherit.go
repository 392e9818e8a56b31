package reload

// Inherit takes over what another target has learnt of the same server: what it was proven to run,
// and what users have counted so far. It is called before Run, when the other one's Run has returned. Nothing of it is a
// proof: the server is asked again.
func (t *Target) Inherit(from *Target) {
	t.good = from.good
	// Anything may have been sent since the proof, unless it still stood.
	t.state.strayed = from.state.strayed || from.state.proof != proofStands || from.state.wanted != from.good.digest
	t.obs, t.before = from.obs, from.before
	t.obs.Ready = false
	old := from.Status()
	t.update(func(s *Status) {
		s.Counts, s.Changes, s.LastSuccess, s.LastDuration = old.Counts, old.Changes, old.LastSuccess, old.LastDuration
		s.ServerVersion = old.ServerVersion
	})
}
