package reload

import (
	"context"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// Driver speaks to one kind of server. All methods are called from the target's goroutine, one
// at a time, so an implementation needs no locks. Each method bounds its own requests (the
// right timeout of a reload depends on the server) and ends when ctx does.
type Driver interface {
	// Observe asks the server how it is. A server that cannot be reached or is still starting
	// is not an error but an Observation that is not Ready; an error is a *Failure that says
	// why asking is pointless (wrong password, wrong path). It is called before each attempt and
	// at intervals while nothing happens, so that it must be cheap.
	Observe(ctx context.Context) (Observation, error)

	// Plan says which calls the change needs. It is the only method that may read c.New's
	// contents: what Reload and Confirm need of them goes into Plan.Data, by name and never
	// more than needed, because a plan may be kept for hours. It may ask the server when
	// c.Server.Ready. An error means "cannot tell now": it is tried again.
	Plan(ctx context.Context, c Change) (Plan, error)

	// Reload makes the plan's calls. An error is a *Failure.
	Reload(ctx context.Context, p Plan) error

	// Confirm asks what the server runs and compares it with the plan. With proof.Reloaded
	// false nothing was called: does the server run these files already? When in doubt the
	// verdict is "not proven". An error is a *Failure: the server could not be asked, or did not tell all that it must
	// for a proof; the verdict's NotCompared may name beside it what that is.
	//
	// It is asked again, with the same plan, while the server is seen to run something else, and every few
	// minutes while nothing happens (Reloaded false, Unchanged true): then all that the files say is compared, not
	// only what a change touched, and what was compared earlier and cannot be now is an error.
	Confirm(ctx context.Context, p Plan, proof Proof) (Verdict, error)
}

// Observation is what a server reported about itself.
type Observation struct {
	// Ready says that the server takes reload requests.
	Ready bool
	// Reason says why it is not ready, in one line; empty when it is.
	Reason string
	// Class is the class of the failure because of which it is not ready, for metrics; empty when it is
	// ready, and when being not ready is no failure.
	Class Class
	// Outline is what the server says that it runs, by name, for guards that would otherwise know nothing after
	// our own start; nil when it was not asked or does not tell. Only what the first observation says counts.
	Outline *finding.Outline
	// Facts go to the validator; the last known ones while the server is not ready.
	Facts finding.Facts
	// Epoch is one life of the server: it differs after a restart, and is the same after a restart of ours
	// only if it is the same life for sure. Empty when unknown.
	Epoch string
	// Load is one loading of files: it differs after each load, whoever asked for it, and
	// after a failed one. Empty when the server does not tell.
	Load string
	// Data is the driver's own.
	Data any
}

// Change is the way from the files that the server was last proven to run to those it should run.
type Change struct {
	// Old are the files that the server was last proven to run, without contents; nil when that is not
	// known (start, restart of the server, failed reload): then everything counts as changed.
	Old *snapshot.Set
	// New are the files that it should run. It is nil when only their digest is known: a gate
	// went back to a generation from before our start. Then everything counts as changed.
	New *snapshot.Set
	// Contents says that New's contents can be read. They cannot when the server goes back
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

// Plan is what one change asks of the server.
type Plan struct {
	// Calls names the requests in their order, as users know them ("POST /-/reload"). When it
	// is empty nothing needs to be called: with Change.Old the target is in sync then, without it the server
	// is asked (Confirm).
	Calls []string
	// Findings are what only the live server could tell; an error among them rejects the files.
	Findings []finding.Finding
	// Settled are the rules whose warnings in the first verdict no longer count, because the server was asked:
	// what is left of them is in Findings.
	Settled []string
	// RestartRequired names the settings that only a restart of the server can bring.
	RestartRequired []string
	// Data is the driver's own.
	Data any
}

// Proof is what is known when a target asks for a confirmation.
type Proof struct {
	// Reloaded says that this target made the plan's calls, that they succeeded, and that it made no others
	// since. It may be minutes ago, when the server is asked again after a mismatch.
	Reloaded bool
	// Before is what was observed before those calls, or, without them, the newest observation.
	Before Observation
	// Unchanged says that the server was proven to run this very plan's files earlier, and that no other files
	// were in the directory that it reads since, as far as they were seen. Then is what was observed at
	// that time: whether the server has restarted since is the driver's to compare.
	Unchanged bool
	Then      Observation
}

// Verdict is the answer to "does the server run these files?".
type Verdict struct {
	Proven bool
	// By says what the proof rests on ("reloadConfigSuccess and lastConfigTime").
	By string
	// Reason says in one line why it is not proven.
	Reason string
	// Refused says that the server itself judged the files and does not want them: the same
	// files will not do better at the next try.
	Refused bool
	// Mismatch says that the server answered, loaded something, and runs other contents than the files:
	// the target is then in phase Mismatch. Differences and Cause say more.
	Mismatch bool
	// Differences names what the server runs differently from the files (section, job, group, rule; never
	// values). A verdict that has some is not proven.
	Differences []string
	// Cause is the likely cause of a mismatch by the evidence, and what to do, in one or two sentences; empty
	// when nothing points to one.
	Cause string
	// NotCompared names what the server did not tell, and why ("rules: /api/v1/rules answered 403"): it is
	// shown beside a proof, and metrics count it.
	NotCompared []string
	// Findings are warnings that only what the server shows gives reason to; with a proof they stand beside those of
	// the files.
	Findings []finding.Finding
	// RestartRequired names the settings that only a restart of the server can bring.
	RestartRequired []string
	// After is what was observed; later observations are compared with it.
	After Observation
}
