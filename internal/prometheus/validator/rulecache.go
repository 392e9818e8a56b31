package validator

import (
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// ruleCache remembers the verdicts on rule files by their digest. It holds those of the last two
// configurations, so that it is bounded by their size, and a bad change and its fix cost nothing.
// The turn of confine guards it.
type ruleCache struct {
	// facts and scheme are what the verdicts hold for.
	facts, scheme string
	now, before   map[snapshot.Digest]known
	next          map[snapshot.Digest]known
}

// known is the verdict on a rule file.
type known struct {
	findings []Finding
	groups   []Group
}

// factsKey is what of the facts a rule file's verdict depends on.
func factsKey(f finding.Facts) string {
	features := slices.Clone(f.Features)
	slices.Sort(features)
	return f.Version + "\x00" + strings.Join(features, ",")
}

// use drops the verdicts when the facts are others than those that they were given for.
func (m *ruleCache) use(facts string) (scheme string) {
	m.next = map[snapshot.Digest]known{}
	if m.facts != facts {
		m.facts, m.scheme, m.now, m.before = facts, "", nil, nil
	}
	return m.scheme
}

func (m *ruleCache) get(d snapshot.Digest) (known, bool) {
	for _, set := range []map[snapshot.Digest]known{m.next, m.now, m.before} {
		if k, ok := set[d]; ok {
			return k, true
		}
	}
	return known{}, false
}

func (m *ruleCache) put(d snapshot.Digest, k known) {
	for i := range k.findings {
		k.findings[i].File = 0
	}
	m.next[d] = k
}

// keep carries a verdict over into the next configuration.
func (m *ruleCache) keep(d snapshot.Digest) {
	if k, ok := m.get(d); ok {
		m.next[d] = k
	}
}

// turn ends a configuration: its verdicts become the newest.
func (m *ruleCache) turn(scheme string) {
	m.before, m.now, m.next = m.now, m.next, map[snapshot.Digest]known{}
	if m.scheme != scheme {
		m.scheme, m.before = scheme, nil
	}
}
