package reload

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

const (
	maxLoggedFindings = 20
	maxLoggedBody     = 1 << 10
)

// report brings the status up to date before the next action, and reports a transition.
func (t *Target) report(act action) {
	st := &t.state
	from := t.current()
	t.noteWaiting()
	healthy := st.phase == InSync && st.misses == 0 && st.blind == 0
	if from.Phase == st.phase && from.Wanted == st.wanted && from.Running == st.runningNow() &&
		from.LastProven == st.running && from.Reason == t.shownReason() && (from.Applied || !healthy) {
		if next := t.nextTry(act); next != from.NextTry {
			t.update(func(s *Status) { s.NextTry = next })
		}
		return
	}
	to := from
	to.Phase, to.Wanted, to.Running, to.Reason = st.phase, st.wanted, st.runningNow(), t.shownReason()
	to.LastProven = st.running
	to.NextTry = t.nextTry(act)
	now := time.Now()
	if to.Phase != from.Phase {
		to.Since = now
	}
	if to.Wanted != from.Wanted {
		to.Counts.Changes++
		to.Sources = nil
		if t.set != nil {
			to.Sources = t.set.Digests()
		}
	}
	to.Findings = nil
	if st.judged == st.wanted {
		to.Findings = t.findings
	}
	to.WantedChanges, to.ServerLife = t.wantedChanges, st.seen.epoch
	if healthy {
		to.Applied, to.Failure = true, nil
	}
	if v := t.obs.Facts.Version; v != "" {
		to.ServerVersion = v
	}
	t.update(func(s *Status) { *s = to })
	if to.Phase != from.Phase {
		t.logTransition(from, to, now)
	}
	if t.o.Observer != nil {
		t.o.Observer.Transition(from, to)
	}
}

func (t *Target) logTransition(from, to Status, now time.Time) {
	attrs := []any{
		"target", t.o.Name, "from", string(from.Phase), "to", string(to.Phase),
		"running", to.Running.Short(), "wanted", to.Wanted.Short(), "duration", now.Sub(from.Since),
	}
	if to.Reason != "" {
		attrs = append(attrs, "reason", to.Reason)
	}
	if to.Phase == Mismatch {
		attrs = append(attrs, "differences", to.Differences, "cause", to.Cause)
	}
	if to.Phase == InSync && from.Running != to.Running && len(to.Changes) > 0 {
		attrs = append(attrs, "changes", to.Changes)
	}
	t.o.Logger.Info("transition", attrs...)
}

// logRejected logs each error with its position, so that the log alone is enough to fix the files.
func (t *Target) logRejected(d snapshot.Digest) {
	errors := finding.OfSeverity(t.findings, finding.Error)
	t.o.Logger.Error("files rejected", "target", t.o.Name, "digest", d.Short(),
		"errors", finding.Count(t.findings, finding.Error), "running", t.state.runningNow().Short())
	t.logFindings(slog.LevelError, errors)
}

// logWarnings logs the warnings of files that are applied anyway, once for each change of them.
func (t *Target) logWarnings() {
	warnings := finding.OfSeverity(t.findings, finding.Warning)
	if slices.Equal(warnings, t.loggedWarnings) {
		return
	}
	t.loggedWarnings = warnings
	t.logFindings(slog.LevelWarn, warnings)
}

func (t *Target) logFindings(level slog.Level, list []finding.Finding) {
	for i, f := range list {
		if i == maxLoggedFindings {
			t.o.Logger.Log(context.Background(), level, "too many findings to log; the status lists more of them", "target", t.o.Name)
			return
		}
		attrs := []any{"target", t.o.Name, "at", f.Position(), "rule", f.Rule, "message", f.Message}
		if f.Hint != "" {
			attrs = append(attrs, "hint", f.Hint)
		}
		t.o.Logger.Log(context.Background(), level, "finding", attrs...)
	}
}

func (t *Target) logFailure(f *Failure) {
	level := slog.LevelWarn
	if f.Permanent || f.Refused() {
		level = slog.LevelError
	}
	if said := string(f.Class) + f.Message; said == t.loggedFailure && (f.Permanent || f.Class == ClassUnproven) {
		level = slog.LevelDebug // it lasts until someone fixes it; the status shows it
	} else {
		t.loggedFailure = said
	}
	attrs := []any{"target", t.o.Name, "class", string(f.Class), "message", f.Message}
	if f.Hint != "" {
		attrs = append(attrs, "hint", f.Hint)
	}
	if f.Body != "" {
		body := f.Body
		if len(body) > maxLoggedBody {
			body = body[:maxLoggedBody]
		}
		attrs = append(attrs, "body", BoundBody(body))
	}
	t.o.Logger.Log(context.Background(), level, "call failed", attrs...)
}
