// Package finding says what is wrong with files: where, how bad, why, and what to write instead.
package finding

import (
	"context"
	"reflect"

	"reloader/internal/snapshot"
)

// Severity is how bad a finding is: only an error blocks.
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
	// Rule is the stable name of the check, in kebab-case; docs/checks.md explains each.
	Rule    string `json:"rule"`
	Message string `json:"message"`
	// Hint says what to do or write instead; empty when that is unknown.
	Hint string `json:"hint,omitempty"`
	// Excerpt has the lines of the file around the finding (see Excerpt); empty when they are not shown.
	Excerpt string `json:"excerpt,omitempty"`
	// More is how many findings a finding of RuleMore replaces; Open says that there may be even more.
	More int  `json:"more,omitempty"`
	Open bool `json:"open,omitempty"`
	// Private says that no line of the file may be shown as an excerpt.
	Private bool `json:"-"`
}

// Facts are what is known about the server, mostly from the server itself; the zero value means that nothing is known.
type Facts struct {
	// Version is the server's version without a leading v ("3.15.0", "12.4.0"); empty when unknown.
	Version string
	// Agent means that Prometheus runs in agent mode.
	Agent bool
	// Features are the values of Prometheus' --enable-feature.
	Features []string
	// WebConfig is Prometheus' --web.config.file as the server names it; NoFile when it has none, empty when that is not known.
	WebConfig string
	// SameEnv means that this process sees the same environment and files as the server (--grafana-same-env): what is missing
	// here is missing there.
	SameEnv bool
	// Live is what a running server has in addition to its files, in the form that its validator expects (*grafana.Live); nil
	// when the server was not asked.
	Live any
	// Refuses asks the running server whether it refuses an expression of its query language, and returns its message; empty when
	// it accepts the expression. An error means that there is no answer. Nil when the server cannot be asked.
	Refuses func(ctx context.Context, expression string) (words string, err error) `json:"-"`
}

// NoFile stands for a file that a server does not have.
const NoFile = "-"

// Same reports whether both lead to the same verdicts: the known facts are equal, and the server can be asked in both or in neither.
func (f Facts) Same(other Facts) bool {
	asked := (f.Refuses == nil) == (other.Refuses == nil)
	f.Refuses, other.Refuses = nil, nil // functions never compare as equal
	return asked && reflect.DeepEqual(f, other)
}

// Request is one question to a Validator.
type Request struct {
	Set   *snapshot.Set
	Facts Facts
	// Running is the outline of what the server was last proven to run; nil when unknown. Guards compare the files with it.
	Running *Outline
	// Allow names the guards that are switched off (--allow); their findings become warnings.
	Allow []string
	// Offline says that no server is compared with the files afterwards: Result.Expected may lack what only that needs.
	Offline bool
}

// Result is a verdict: invalid when a finding is an error.
type Result struct {
	// Findings are all findings of all files, sorted by file, line, column.
	Findings []Finding
	// Ignored is how many findings were left out because they are known and accepted (see Ignoring).
	Ignored int
	// Outline has the names of what the files configure; nil when they are too broken for that.
	Outline *Outline
	// Expected is what the server will report when it runs these files, in the form that the driver of its kind expects: digests
	// and names, never a secret. Nil when the files are invalid or the validator cannot predict it.
	Expected any
}

// Validator judges the files of one kind of server. An error means that it could not judge, which never counts as valid.
type Validator interface {
	Validate(ctx context.Context, req Request) (Result, error)
}

// ValidatorFunc is a function as a Validator.
type ValidatorFunc func(ctx context.Context, req Request) (Result, error)

// Validate implements Validator.
func (f ValidatorFunc) Validate(ctx context.Context, req Request) (Result, error) { return f(ctx, req) }

// Outline has the names of what a set of files configures, without any value: enough for guards and for a diff that can be shown
// to anyone.
type Outline struct {
	// Told means that it comes from a running server, which may run files that are not visible here.
	Told  bool
	Items []Item
}

// Item is one named thing in a configuration.
type Item struct {
	// Kind is the name that users know: "scrape job", "rule group", "datasource", "ini key".
	Kind string `json:"kind"`
	// Name identifies it within its kind.
	Name string `json:"name"`
	// Fingerprint is a keyed or truncated hash of its contents: it shows that they changed, but does not reveal them.
	Fingerprint uint64 `json:"fingerprint"`
	// Attrs are facts that guards need ("uid", "provider"); never a secret.
	Attrs map[string]string `json:"attrs,omitempty"`
}
