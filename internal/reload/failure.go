package reload

import (
	"errors"
	"strings"
	"time"
)

// Class sorts failures, for metrics and tests. The set is small and fixed.
type Class string

// The classes of failures.
const (
	ClassRefused      Class = "refused"      // the server read the files and refused them; it runs what it ran before
	ClassPartial      Class = "partial"      // the server applied a part of them
	ClassDisabled     Class = "disabled"     // the reload endpoint is switched off
	ClassUnauthorized Class = "unauthorized" // credentials missing or wrong
	ClassForbidden    Class = "forbidden"    // credentials right, permission missing
	ClassNotFound     Class = "not_found"    // nothing at that path
	ClassMethod       Class = "method"       // the path does not accept this method
	ClassScheme       Class = "scheme"       // http to an https port, or the other way round
	ClassTLS          Class = "tls"          // certificate not trusted, wrong name, client certificate missing
	ClassDNS          Class = "dns"          // the host name does not resolve
	ClassUnreachable  Class = "unreachable"  // refused, reset or no route
	ClassTimeout      Class = "timeout"      // no answer in time
	ClassUnavailable  Class = "unavailable"  // 503: starting, stopping or overloaded
	ClassBusy         Class = "busy"         // an earlier reload still runs; nothing was sent
	ClassServer       Class = "server"       // any other 5xx
	ClassUnexpected   Class = "unexpected"   // any other answer
	ClassLocal        Class = "local"        // on our side: credential file, process not found, signal not permitted
	ClassUnproven     Class = "unproven"     // the answer was good, but the server runs something else
)

// Failure is why a server could not be asked or did not do what it was asked to do.
type Failure struct {
	Class Class
	// Message says what happened and what it means; Hint what to do about it.
	Message string
	Hint    string
	// Body is the beginning of the server's answer, at most 4 KiB, without secrets.
	Body string
	// Permanent means that it cannot heal by itself; it is retried slowly.
	Permanent bool
	// Untouched means that the server certainly still runs what it ran before.
	Untouched bool
	// Unsure means that the server may have failed because of something other than the files. With a gate, they are
	// rolled back after several attempts, and tried again later.
	Unsure bool
	// RetryAfter, if not zero, is the least time until the next attempt; for a permanent failure, the exact time.
	RetryAfter time.Duration
	// Err is the cause; may be nil.
	Err error
}

// Error is the message with the hint. The body is left out: it may have many lines.
func (f *Failure) Error() string {
	if f.Hint == "" {
		return f.Message
	}
	return f.Message + " (" + f.Hint + ")"
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Refused reports that the server judged and refused the files themselves.
func (f *Failure) Refused() bool {
	return (f.Class == ClassRefused || f.Class == ClassPartial) && !f.Unsure
}

// asFailure finds the Failure in err, or makes one from it.
func asFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return &Failure{Class: ClassUnexpected, Message: err.Error(), Err: err}
}

// maxBody is how much of a server's answer is kept.
const maxBody = 4 << 10

// BoundBody trims an answer to what a Failure keeps, on a character boundary.
func BoundBody(body string) string {
	body = strings.TrimSpace(strings.ToValidUTF8(body, "\uFFFD"))
	if len(body) <= maxBody {
		return body
	}
	return strings.ToValidUTF8(body[:maxBody], "") + "..."
}
