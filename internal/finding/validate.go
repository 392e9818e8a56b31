// Package finding says what is wrong with files: where, how bad, why, and what to write instead.
package finding

import (
	"context"
	"reflect"

	"reloader/internal/snapshot"
)

// Severity says what a finding does: only an error blocks.
type Severity uint8

// The severities, mildest first.
const (
	Info Severity = iota + 1
	Warning
	Error
)

// Finding is one thing that a user should know about a file. It never carries a secret.
type Finding struct {
	// File is the path as the user knows it: the source's directory joined with the file's name.
	File string `json:"file"`
	// Line and Column count from 1; 0 means unknown.
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Severity Severity `json:"severity"`
	// Rule is the stable name of the check, kebab-case, explained in docs/checks.md.
	Rule    string `json:"rule"`
	Message string `json:"message"`
	// Hint says what to write instead; empty when that is not known.
	Hint string `json:"hint,omitempty"`
	// Excerpt is the lines of the file around the finding (see Excerpt); empty when they are not shown.
	Excerpt string `json:"excerpt,omitempty"`
	// More is how many findings one of rule RuleMore stands for; Open says that there may be more still.
	More int  `json:"more,omitempty"`
	Open bool `json:"open,omitempty"`
	// Private says that no line of the file may be shown as an excerpt.
	Private bool `json:"-"`
}

// Facts are what the server reported about itself; the zero value means that no server was asked.
type Facts struct {
	// Version is the server's version without a leading v ("3.15.0", "12.4.0"); empty when unknown.
	Version string
	// Agent says that Prometheus runs in agent mode.
	Agent bool
	// Features are Prometheus' --enable-feature names.
	Features []string
	// SameEnv says that this process sees the same environment and files as the server
	// (--grafana-same-env), so that what is missing here is missing there.
	SameEnv bool
	// Live is what a running server has beyond its files, as its validator understands it
	// (*grafana.Live); nil when the server was not asked.
	Live any
	// Refuses asks the running server what it says against an expression of its query language: its words, empty when it
	// takes the expression. An error means that it was not told. Nil when the server cannot be asked.
	Refuses func(ctx context.Context, expression string) (words string, err error) `json:"-"`
}

// Same says whether both lead to the same verdicts: what is known is equal, and the server can be asked in both or in neither.
func (f Facts) Same(other Facts) bool {
	asked := (f.Refuses == nil) == (other.Refuses == nil)
	f.Refuses, other.Refuses = nil, nil // functions never compare as equal
	return asked && reflect.DeepEqual(f, other)
}

// Request is one question to a Validator.
type Request struct {
	Set   *snapshot.Set
	Facts Facts
	// Running is the outline of what the server was last proven to run; nil when unknown.
	// Guards compare with it.
	Running *Outline
	// Allow names the guards that the user switched off (--allow); their findings become warnings.
	Allow []string
}

// Result is a verdict: invalid when a finding is an error.
type Result struct {
	// Findings are all findings of all files, sorted by file, line, column.
	Findings []Finding
	// Ignored is how many findings were left out because they are known and accepted (see Ignoring).
	Ignored int
	// Outline is what the files say, by name; nil when they are too broken to tell.
	Outline *Outline
	// Expected is what the server will report when it runs these files, as the driver of its kind
	// understands it: digests and names, never a secret. Nil when the files are invalid or the validator cannot tell.
	Expected any
}

// Validator judges the files of one kind of server. An error means "could not judge" and never
// counts as valid.
type Validator interface {
	Validate(ctx context.Context, req Request) (Result, error)
}

// ValidatorFunc is a function as a Validator.
type ValidatorFunc func(ctx context.Context, req Request) (Result, error)

// Validate implements Validator.
func (f ValidatorFunc) Validate(ctx context.Context, req Request) (Result, error) { return f(ctx, req) }

// Outline is what a set of files says, by name and without any value: enough for guards and
// for a diff that can be shown to anyone.
type Outline struct {
	// Told says that a running server said it: it may run files that are not visible here.
	Told  bool
	Items []Item
}

// Item is one named thing in a configuration.
type Item struct {
	// Kind is what users call it: "scrape job", "rule group", "datasource", "ini key".
	Kind string `json:"kind"`
	// Name identifies it among its kind.
	Name string `json:"name"`
	// Fingerprint is a keyed or truncated hash of its contents: it tells change, not content.
	Fingerprint uint64 `json:"fingerprint"`
	// Attrs are facts that guards need ("uid", "provider"); never a secret.
	Attrs map[string]string `json:"attrs,omitempty"`
}
