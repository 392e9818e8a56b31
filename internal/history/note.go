package history

import (
	"slices"
	"time"

	"reloader/internal/finding"
	"reloader/internal/reload"
)

// How much of one entry is kept. Texts beyond are cut.
const (
	maxChanges  = 8
	maxFindings = 3
	maxText     = 240 // bytes of one text
)

// note records a transition. It reports whether that completed an entry.
func (t *target) note(from, to reload.Status, writer func(string, time.Time) *Writer) bool {
	restarted := from.ServerLife != "" && to.ServerLife != "" && from.ServerLife != to.ServerLife
	if restarted {
		t.entries = append(t.entries, Entry{Seen: time.Now(), Outcome: Restarted, Reason: versions(from.ServerVersion, to.ServerVersion)})
	}
	if to.Wanted.IsZero() {
		return restarted
	}
	e := t.pending(to)
	if e == nil {
		return restarted
	}
	was := e.Outcome
	e.describe(from, to)
	if e.Outcome == Live && was != Live {
		if e.Live.IsZero() {
			e.Live = to.LastSuccess
			if e.Live.IsZero() {
				e.Live = time.Now()
			}
			e.Took = max(0, e.Live.Sub(e.Seen))
			if to.LastDuration > 0 && to.LastDuration < e.Took {
				e.Took = to.LastDuration
			}
		}
		if writer != nil {
			// A write long before the change was seen belongs to another change.
			if w := writer(to.Target, e.Seen.Add(-10*time.Minute)); w != nil {
				e.Writer, e.FromWrite = w, max(0, e.Live.Sub(w.Time))
			}
		}
	}
	return restarted || e.Outcome != was && e.Outcome != Pending
}

func versions(before, after string) string {
	if before == after || before == "" || after == "" {
		return "the server was restarted"
	}
	return "the server was restarted: version " + before + " before, " + after + " now"
}

// pending returns the entry of the wanted files: the newest change, or a new one if these are other files.
func (t *target) pending(to reload.Status) *Entry {
	i := t.newest()
	if i >= 0 && t.entries[i].Digest == to.Wanted {
		return &t.entries[i]
	}
	if i >= 0 && t.entries[i].Outcome == Pending {
		t.entries[i].Outcome = Replaced
	}
	seen := to.Since
	if seen.IsZero() {
		seen = time.Now()
	}
	t.entries = append(t.entries, Entry{Seen: seen, Outcome: Pending, Digest: to.Wanted})
	return &t.entries[len(t.entries)-1]
}

// newest returns the index of the newest change; -1 when there is none.
func (t *target) newest() int {
	for i, v := range slices.Backward(t.entries) {
		if v.Outcome != Restarted {
			return i
		}
	}
	return -1
}

// describe brings an entry up to date with the status.
func (e *Entry) describe(from, to reload.Status) {
	if len(to.WantedChanges) > 0 {
		e.Changes = texts(to.WantedChanges, maxChanges)
	}
	if len(to.Findings) > 0 {
		e.Errors, e.Warnings = finding.Count(to.Findings, finding.Error), finding.Count(to.Findings, finding.Warning)
		e.AtLeast = finding.AtLeast(to.Findings, finding.Error, finding.Warning) != ""
		e.Findings = nil
		for _, severity := range []finding.Severity{finding.Error, finding.Warning} {
			for _, f := range finding.OfSeverity(to.Findings, severity) {
				if len(e.Findings) < maxFindings {
					e.Findings = append(e.Findings, cut(f.String()))
				}
			}
		}
	}
	if n := to.Counts.ReloadsFailed; n > from.Counts.ReloadsFailed && e.Outcome == Pending {
		e.Failures += int(n - from.Counts.ReloadsFailed)
	}
	if f := to.Failure; f != nil && !f.At.Before(e.Seen) {
		e.Reason, e.Answer = cut(f.Message), cut(f.Body)
	}
	switch to.Phase {
	case reload.InSync:
		if to.Running == to.Wanted {
			e.Outcome, e.Reason, e.Answer = Live, "", ""
		}
	case reload.Rejected:
		e.Outcome, e.Reason = Rejected, cut(to.Reason)
	case reload.RolledBack:
		e.Outcome, e.Reason = RolledBack, cut(to.Reason)
	case reload.Mismatch:
		e.Outcome, e.Reason = Mismatch, cut(to.Reason)
	case reload.Retrying:
		if f := to.Failure; f != nil && (f.Class == reload.ClassRefused || f.Class == reload.ClassPartial) {
			e.Outcome = Refused
		} else if e.Outcome != Live {
			e.Outcome = Pending
		}
	default: // still in progress
	}
}

func texts(list []string, most int) []string {
	var out []string
	for _, s := range list[:min(most, len(list))] {
		out = append(out, cut(s))
	}
	return out
}
