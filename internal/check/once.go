package check

import (
	"context"
	"fmt"
	"slices"

	"reloader/internal/config"
	"reloader/internal/finding"
	gates "reloader/internal/gate"
	"reloader/internal/inputs"
	"reloader/internal/snapshot"
)

// OnceResult is what one pass made of one target.
type OnceResult struct {
	Result
	// Published says that the gate holds these files now.
	Published bool
	// Kept is the digest of the last good files that the gate holds instead; zero when there are none.
	Kept snapshot.Digest
}

// Once makes one pass over the targets: it judges the files and, where there is a gate, publishes
// them. No server is asked: as an init container it runs before there is one.
func Once(ctx context.Context, cfg config.Config) []OnceResult {
	var all []OnceResult
	for _, t := range cfg.Targets {
		all = append(all, pass(ctx, cfg, t))
	}
	return all
}

func pass(ctx context.Context, cfg config.Config, t config.Target) OnceResult {
	p := OnceResult{Result: Result{Name: t.Name}}
	gate, err := inputs.OpenGate(t, nil)
	if err != nil {
		p.Err = err
		return p
	}
	if gate != nil {
		defer gate.Close()
	}
	r, validator := inputs.New(cfg, t)
	set, err := r.Read(ctx)
	if err != nil {
		p.Err = fmt.Errorf("target %s: %w", t.Name, err)
	} else {
		req := finding.Request{Set: set, Facts: inputs.Facts(t), Allow: t.Allow}
		p.Result = judge(ctx, p.Result, validator, req, nil, r.Findings()...)
	}
	if gate == nil {
		return p
	}
	_, _, refused := gate.Refused()
	if p.Err == nil && !finding.HasErrors(p.Findings) && slices.Contains(refused, set.Digest) {
		// A server that starts on them may not start at all; run offers them as a reload, which does no harm.
		if digest, err := gate.Rollback(ctx, refused...); err == nil && !digest.IsZero() {
			p.Kept, p.Err = digest, fmt.Errorf("target %s: the server refused these files before", t.Name)
			return p
		}
	}
	if p.Err == nil && !finding.HasErrors(p.Findings) {
		if err := gate.Publish(ctx, set); err != nil {
			p.Err = fmt.Errorf("target %s: %w", t.Name, err)
		} else {
			p.Published = true
			return p
		}
	}
	p.Kept = lastGood(ctx, gate)
	return p
}

// lastGood puts the last files that the server was proven to run, and did not refuse since, back into the
// gate. When none are known, what is there stays: it was valid when it was published.
func lastGood(ctx context.Context, gate *gates.Gate) snapshot.Digest {
	_, _, refused := gate.Refused()
	if digest, err := gate.Rollback(ctx, refused...); err == nil && !digest.IsZero() {
		return digest
	}
	return gate.Current()
}
