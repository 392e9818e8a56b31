package reload

import (
	"time"

	"reloader/internal/snapshot"
)

// unprovenFor is how long files stay refused that the server took without a word and then could
// not be proven to run: unlike an explicit refusal that may have been the network's fault.
const unprovenFor = 10 * time.Minute

// refusal is one set of files that the server does not want.
type refusal struct {
	digest snapshot.Digest
	until  time.Time // zero: while the server's version stays
}

// refusals are the newest few, for the server's current version. It is a value, as all of state is.
type refusals struct {
	list    [8]refusal
	next    int
	version string
	epoch   string
}

func (r *refusals) add(d snapshot.Digest, until time.Time) {
	if r.has(d) {
		return
	}
	r.list[r.next] = refusal{digest: d, until: until}
	r.next = (r.next + 1) % len(r.list)
}

// grew says that something was added since, in the life of the same version.
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

// expire forgets what has a time and is past it.
func (r *refusals) expire(now time.Time) {
	for i, e := range r.list {
		if !e.until.IsZero() && !now.Before(e.until) {
			r.list[i] = refusal{}
		}
	}
}
