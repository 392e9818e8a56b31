package reload

import (
	"log/slog"
	"time"

	"reloader/internal/finding"
)

// Options describe one target. Name, Reader, Validator and Driver are required.
type Options struct {
	// Name and Kind identify the target in logs, metrics and the status.
	Name, Kind string

	Reader    Reader
	Validator finding.Validator
	Driver    Driver
	// Watch gives a hint when the sources may have changed; nil: only Recheck and retries read again.
	Watch Watch
	// Gate is nil when the server reads the sources itself.
	Gate Gate
	// Observer may be nil.
	Observer Observer
	// Logger may be nil: then nothing is logged.
	Logger *slog.Logger

	// Allow names guards that are switched off; see finding.Request.
	Allow []string
	// Facts are assumed, field by field, until the server reports its own.
	Facts finding.Facts
	// Diff describes the changes between two outlines, by name; nil: no description.
	Diff func(old, new *finding.Outline) []string

	// Settle is how long sources must be quiet that are not one atomic swap; default 100 ms,
	// negative: not at all. All settling of one change takes at most ten times that.
	Settle time.Duration
	// Spacing is the time within which at most two reloads are made, so that a burst of changes
	// causes few; default 1 s, negative: no limit. It never delays the second of two changes.
	Spacing time.Duration
	// ObserveInterval is how often the server of an idle target is asked whether it still
	// runs the files; default 30 s, negative: never. A hint after half of it triggers the question early.
	ObserveInterval time.Duration
	// CompareInterval is how often the contents that an idle target's server runs are compared with the files, as part
	// of such an observation; default 5 min, negative: only on request.
	CompareInterval time.Duration
	// Address is the server's address as failures name it, without a password. May be empty.
	Address string
	// ValidateTimeout bounds one verdict; default 1 min.
	ValidateTimeout time.Duration
	// RetryInitial and RetryMax bound the exponential backoff after failures; defaults 500 ms and 30 s.
	RetryInitial, RetryMax time.Duration
	// RetrySlow is the interval for failures that cannot heal by themselves; default 30 s.
	RetrySlow time.Duration
	// WaitMax bounds the backoff while a source is missing or the server is not ready; default 5 s.
	WaitMax time.Duration
}

const (
	defaultSettle    = 100 * time.Millisecond
	settleFactor     = 10
	defaultSpacing   = time.Second
	defaultObserve   = 30 * time.Second
	defaultCompare   = 5 * time.Minute
	defaultValidate  = time.Minute
	defaultRetry     = 500 * time.Millisecond
	defaultRetryMax  = 30 * time.Second
	defaultWaitMax   = 5 * time.Second
	waitInitial      = 200 * time.Millisecond
	recheckAfter     = time.Second
	readTimeout      = 2 * time.Minute
	unprovenAttempts = 3
	startPatience    = 2 * time.Minute
	jitter           = 0.2
)

func (o *Options) setDefaults() {
	def := func(d *time.Duration, v time.Duration) {
		switch {
		case *d == 0:
			*d = v
		case *d < 0:
			*d = 0
		}
	}
	def(&o.Settle, defaultSettle)
	def(&o.Spacing, defaultSpacing)
	def(&o.ObserveInterval, defaultObserve)
	def(&o.CompareInterval, defaultCompare)
	def(&o.ValidateTimeout, defaultValidate)
	def(&o.RetryInitial, defaultRetry)
	def(&o.RetryMax, defaultRetryMax)
	def(&o.RetrySlow, defaultRetryMax)
	def(&o.WaitMax, defaultWaitMax)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}
