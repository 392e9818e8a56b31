package validator

import (
	"slices"
	"strconv"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// ruleCache remembers the verdicts on rule files by their digest. It keeps those of the last two
// configurations: that bounds its size, and after a bad change the fix needs no new verdicts.
// confine.Turn guards it.
type ruleCache struct {
	// The verdicts are valid for these facts and this name validation scheme.
	facts, scheme string
	now, before   map[snapshot.Digest]known
	next          map[snapshot.Digest]known
}

// known is the verdict on a rule file.
type known struct {
	findings []Finding
	groups   []Group
}

// factsKey combines the facts on which the verdict on a rule file and what is expected of it depend.
func factsKey(req finding.Request) string {
	features := slices.Clone(req.Facts.Features)
	slices.Sort(features)
	return req.Facts.Version + "\x00" + strings.Join(features, ",") + "\x00" + strconv.FormatBool(req.Offline)
}

// use begins a configuration. It drops the verdicts if they were given for other facts.
func (m *ruleCache) use(facts string) (scheme string) {
	m.next = make(map[snapshot.Digest]known, len(m.now))
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

// keep carries a verdict over into the next configuration, and returns it.
func (m *ruleCache) keep(d snapshot.Digest) known {
	k, ok := m.get(d)
	if ok {
		m.next[d] = k
	}
	return k
}

// turn ends a configuration: its verdicts become the newest ones.
func (m *ruleCache) turn(scheme string) {
	m.before, m.now, m.next = m.now, m.next, map[snapshot.Digest]known{}
	if m.scheme != scheme {
		m.scheme, m.before = scheme, nil
	}
}
