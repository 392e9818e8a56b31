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
	// early says that they are from before our start, and that the server was not seen since.
	early bool
}

// refusalsBefore are refusals recorded before our start. They hold until the server is seen, and then only for
// the very process that refused: another one may find what this one missed in its environment. A
// server without a recognizable life is asked again.
func refusalsBefore(version, epoch string, digests []snapshot.Digest) refusals {
	r := refusals{version: version, epoch: epoch, early: true}
	for _, d := range digests {
		r.add(d, time.Time{})
	}
	return r
}

// obsolete says that another server than the one that refused is there now. Stuck means that the gate
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

// digests are all of them; lasting ones without those that have a time.
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
