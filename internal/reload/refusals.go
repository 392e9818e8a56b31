package reload

import (
	"time"

	"reloader/internal/snapshot"
)

// unprovenFor is how long files stay refused that the server accepted but could not be proven to
// run. Unlike an explicit refusal, that may have been the network's fault.
const unprovenFor = 10 * time.Minute

// refusal is one set of files that the server does not want.
type refusal struct {
	digest snapshot.Digest
	until  time.Time // zero: until the server's version changes
}

// refusals are the newest few, for the server's current version. It is a value, as all of state is.
type refusals struct {
	list    [8]refusal
	next    int
	version string
	epoch   string
	// early means that they were recorded before reloader started, and the server was not seen since.
	early bool
}

// refusalsBefore are refusals recorded before reloader started. They count until the server is seen, and then only for
// the same process that refused: a new one may find in its environment what the old one missed. A
// server whose process cannot be identified is asked again.
func refusalsBefore(version, epoch string, digests []snapshot.Digest) refusals {
	r := refusals{version: version, epoch: epoch, early: true}
	for _, d := range digests {
		r.add(d, time.Time{})
	}
	return r
}

// obsolete reports that the server is not the one that refused. Stuck means that the gate
// holds refused files because there are no better ones.
func (r *refusals) obsolete(now server, stuck bool) bool {
	switch {
	case r.version != now.version:
		return true
	case r.early && now.epoch == "":
		return true
	default:
		return (stuck || r.early) && r.epoch != now.epoch
	}
}

// digests returns all of them, or only the lasting ones: those that do not expire.
func (r *refusals) digests(lasting bool) []snapshot.Digest {
	var out []snapshot.Digest
	for _, e := range r.list {
		if !e.digest.IsZero() && (e.until.IsZero() || !lasting) {
			out = append(out, e.digest)
		}
	}
	return out
}

func (r *refusals) add(d snapshot.Digest, until time.Time) {
	if r.has(d) {
		return
	}
	r.list[r.next] = refusal{digest: d, until: until}
	r.next = (r.next + 1) % len(r.list)
}

// grew reports that something was added since old, for the same version.
func (r *refusals) grew(old refusals) bool { return r.version == old.version && r.next != old.next }

func (r *refusals) has(d snapshot.Digest) bool {
	if d.IsZero() {
		return false
	}
	for _, e := range r.list {
		if e.digest == d {
			return true
		}
	}
	return false
}

func (r *refusals) drop(d snapshot.Digest) {
	for i := range r.list {
		if r.list[i].digest == d {
			r.list[i] = refusal{}
		}
	}
}

// expire removes refusals whose time is over.
func (r *refusals) expire(now time.Time) {
	for i, e := range r.list {
		if !e.until.IsZero() && !now.Before(e.until) {
			r.list[i] = refusal{}
		}
	}
}
