package history

import (
	"encoding/json"

	"reloader/internal/finding"
)

// Limits of what is kept: about 64 KiB for all targets together, which is at least 50 entries for each target if they
// are as short as usual.
const (
	maxBytes = 64 << 10
	minKept  = 50
	maxKept  = 200 // of one target
	// overhead is the size of an entry without its texts, in bytes.
	overhead = 160
)

// size estimates how many bytes of memory an entry takes.
func (e *Entry) size() int {
	n := overhead + len(e.Reason) + len(e.Answer)
	for _, list := range [][]string{e.Changes, e.Findings} {
		for _, s := range list {
			n += len(s) + 16
		}
	}
	if e.Writer != nil {
		n += 64 + len(e.Writer.Object) + len(e.Writer.Manager)
	}
	return n
}

// bound keeps the history within maxBytes. It first removes the details of the oldest entries, then the oldest
// entries of the target that has the most.
func (l *Log) bound() {
	total := 0
	for _, t := range l.targets {
		if extra := len(t.entries) - maxKept; extra > 0 {
			t.entries = append([]Entry(nil), t.entries[extra:]...)
		}
		for i := range t.entries {
			total += t.entries[i].size()
		}
	}
	for total > maxBytes {
		freed := l.strip()
		if freed == 0 {
			freed = l.drop()
		}
		if freed == 0 {
			return
		}
		total -= freed
	}
}

// strip removes the details of the oldest entry that has any and is not among its target's newest. It returns the
// bytes freed.
func (l *Log) strip() int {
	const detailed = 10
	var oldest *Entry
	for _, t := range l.targets {
		for i := range max(0, len(t.entries)-detailed) {
			e := &t.entries[i]
			if (e.Answer != "" || len(e.Findings) > 1 || len(e.Changes) > 2) && (oldest == nil || e.Seen.Before(oldest.Seen)) {
				oldest = e
			}
		}
	}
	if oldest == nil {
		return 0
	}
	before := oldest.size()
	oldest.Answer = ""
	oldest.Findings = append([]string(nil), oldest.Findings[:min(1, len(oldest.Findings))]...)
	oldest.Changes = append([]string(nil), oldest.Changes[:min(2, len(oldest.Changes))]...)
	return before - oldest.size()
}

// drop removes the oldest entry of the target that has the most, and returns the bytes freed.
func (l *Log) drop() int {
	var most *target
	for _, t := range l.targets {
		if len(t.entries) > 1 && (most == nil || len(t.entries) > len(most.entries)) {
			most = t
		}
	}
	if most == nil {
		return 0
	}
	freed := most.entries[0].size()
	most.entries = append([]Entry(nil), most.entries[1:]...)
	return freed
}

// cut bounds a text.
func cut(s string) string { return finding.Cut(s, maxText) }

// kept is what a gate stores across restarts.
type kept struct {
	Version int     `json:"version"`
	Entries []Entry `json:"entries"`
}

const keptVersion = 1

// encode encodes the newest entries for decode.
func encode(entries []Entry) []byte {
	data, err := json.Marshal(kept{Version: keptVersion, Entries: entries[max(0, len(entries)-minKept):]})
	if err != nil {
		return nil // impossible: everything in an Entry can be encoded
	}
	return data
}

// decode reads what encode wrote before a restart. Anything else gives an empty history.
func decode(data []byte) []Entry {
	var k kept
	if len(data) == 0 || len(data) > 4*maxBytes || json.Unmarshal(data, &k) != nil || k.Version != keptVersion {
		return nil
	}
	k.Entries = k.Entries[max(0, len(k.Entries)-minKept):]
	for i := range k.Entries {
		e := &k.Entries[i]
		if e.Outcome == Pending {
			e.Outcome = Replaced
		}
		e.Changes, e.Findings = texts(e.Changes, maxChanges), texts(e.Findings, maxFindings)
		e.Reason, e.Answer = cut(e.Reason), cut(e.Answer)
	}
	return k.Entries
}
