package reload

import (
	"context"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// Driver talks to one kind of server. All methods are called from the target's goroutine, one
// at a time, so an implementation needs no locks. Each method sets its own timeouts (the
// right one for a reload depends on the server) and ends when ctx does.
type Driver interface {
	// Observe asks the server for its state. A server that cannot be reached or is still starting
	// is not an error but an Observation that is not Ready. An error is a *Failure that says
	// why asking is pointless (wrong password, wrong path). It is called before each attempt and
	// at intervals while nothing happens, so it must be cheap.
	Observe(ctx context.Context) (Observation, error)

	// Plan says which calls the change needs. It is the only method that may read c.New's
	// contents. What Reload and Confirm need of them goes into Plan.Data, by name and never
	// more than needed, because a plan may be kept for hours. It may ask the server if
	// c.Server.Ready. An error means "cannot tell now": it is tried again.
	Plan(ctx context.Context, c Change) (Plan, error)

	// Reload makes the plan's calls. An error is a *Failure.
	Reload(ctx context.Context, p Plan) error

	// Confirm asks what the server runs and compares it with the plan. If proof.Reloaded is
	// false, nothing was called: does the server already run these files? When in doubt the
	// verdict is "not proven". An error is a *Failure: the server could not be asked, or did not report all that a
	// proof needs; then the verdict's NotCompared may name what is missing.
	//
	// It is called again, with the same plan, while the server runs something else, and every few minutes while
	// nothing happens (Reloaded false, Unchanged true). Then it compares everything in the files, not only what a
	// change touched, and it is an error if something that was compared earlier cannot be compared now.
	Confirm(ctx context.Context, p Plan, proof Proof) (Verdict, error)
}

// Observation is what a server reported about itself.
type Observation struct {
	// Ready means that the server accepts reload requests.
	Ready bool
	// Reason says why it is not ready, in one line; empty when it is.
	Reason string
	// Class is the class of the failure that keeps it from being ready, for metrics; empty when it is
	// ready, and when not being ready is not a failure.
	Class Class
	// Outline is what the server reports to run, by name, for guards that would otherwise know nothing after
	// reloader starts; nil when it was not asked or does not report it. Only the first observation's outline counts.
	Outline *finding.Outline
	// Facts go to the validator; while the server is not ready, these are the last known ones.
	Facts finding.Facts
	// Epoch identifies one life of the server's process: it differs after a restart of the server. After a restart of
	// reloader it is the same only if the process is certainly the same. Empty when unknown.
	Epoch string
	// Load identifies one load of files: it differs after each load, whoever asked for it, even if the load
	// failed. Empty when the server does not report it.
	Load string
	// Data is the driver's own.
	Data any
}

// Change leads from the files that the server was last proven to run to those it should run.
type Change struct {
	// Old are the files that the server was last proven to run, without contents; nil when that is not
	// known (start, restart of the server, failed reload): then everything counts as changed.
	Old *snapshot.Set
	// New are the files that it should run. It is nil when only their digest is known: a gate
	// was rolled back to a generation from before reloader started. Then everything counts as changed.
	New *snapshot.Set
	// Contents means that New's contents can be read. They cannot when the server goes back
	// to its last good files.
	Contents bool
	// Files are what differs between New and Old. Empty when Old or New is nil.
	Files []snapshot.Change
	// Server is the newest observation; not Ready when the server could not be asked.
	Server Observation
	// Outline is what the validator found in New; nil when Contents is false.
	Outline *finding.Outline
	// Expected is what the server will report when it runs New (finding.Result.Expected); nil when
	// that is not known.
	Expected any
	// Running is what the validator found in the files that the server was last proven to run; nil when that
	// is not known.
	Running *finding.Outline
	// Last is the plan of Old, with which the server was last proven; nil when Old is.
	Last *Plan
}

// Plan is what one change needs from the server.
type Plan struct {
	// Calls names the requests in order, as users know them ("POST /-/reload"). If it is empty, nothing
	// needs to be called: the target is in sync if Change.Old is set; otherwise the server is asked (Confirm).
	Calls []string
	// Findings are what only the live server could reveal; an error among them rejects the files.
	Findings []finding.Finding
	// Settled are the rules whose warnings in the first verdict no longer count, because the server was asked:
	// those that remain are in Findings.
	Settled []string
	// RestartRequired names the settings that only a restart of the server applies.
	RestartRequired []string
	// Data is the driver's own.
	Data any
}

// Proof is what is known when a target asks for a confirmation.
type Proof struct {
	// Reloaded means that this target made the plan's calls, that they succeeded, and that it made no others
	// since. That may be minutes ago if the server is asked again after a mismatch.
	Reloaded bool
	// Before is what was observed before those calls; without calls, the newest observation.
	Before Observation
	// Unchanged means that the server was earlier proven to run this plan's files, and that reloader has since seen no
	// other files in the directory that the server reads. Then is what was observed at
	// that time; the driver must compare whether the server has restarted since.
	Unchanged bool
	Then      Observation
	// Moved says that the files were written to during the newest reload, and are those of the plan again: its success says
	// nothing of what was loaded. Reloaded is false then.
	Moved bool
}

// Verdict is the answer to "does the server run these files?".
type Verdict struct {
	Proven bool
	// By says what the proof rests on ("reloadConfigSuccess and lastConfigTime").
	By string
	// Reason says in one line why it is not proven.
	Reason string
	// Refused means that the server itself judged and refused the files: the same files will not
	// do better on the next attempt.
	Refused bool
	// Mismatch means that the server answered, loaded something, and runs contents other than the files:
	// the target is then in phase Mismatch. Differences and Cause say more.
	Mismatch bool
	// Differences names what the server runs differently from the files (section, job, group, rule; never
	// values). A verdict that has some is not proven.
	Differences []string
	// Cause is the likely cause of a mismatch, and what to do, in one or two sentences; empty
	// when nothing points to one.
	Cause string
	// NotCompared names what the server did not report, and why ("rules: /api/v1/rules answered 403"). It is
	// shown next to a proof, and metrics count it.
	NotCompared []string
	// Findings are warnings that follow only from what the server reports. With a proof they are added to those of
	// the files.
	Findings []finding.Finding
	// RestartRequired names the settings that only a restart of the server applies.
	RestartRequired []string
	// After is what was observed; later observations are compared with it.
	After Observation
}
