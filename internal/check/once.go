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

// OnceResult is the result of one pass over one target.
type OnceResult struct {
	Result
	// Published means that the gate has these files now.
	Published bool
	// Kept is the digest of the last good files that the gate has instead; zero when there are none.
	Kept snapshot.Digest
}

// Once makes one pass over the targets: it judges the files and, if there is a gate, publishes them. It asks no server, because as
// an init container it runs before the servers do.
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
		req := finding.Request{Set: set, Facts: inputs.Facts(t), Allow: t.Allow, Offline: true}
		p.Result = judge(ctx, p.Result, validator, req, nil, r.Findings()...)
	}
	if gate == nil {
		return p
	}
	_, _, refused := gate.Refused()
	if p.Err == nil && !finding.HasErrors(p.Findings) && slices.Contains(refused, set.Digest) {
		// A server might not even start with them. run tries them again with a reload, which does no harm.
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

// lastGood restores the last files in the gate that the server was proven to run and has not refused since. If there are none, the
// present files stay: they were valid when they were published.
func lastGood(ctx context.Context, gate *gates.Gate) snapshot.Digest {
	_, _, refused := gate.Refused()
	if digest, err := gate.Rollback(ctx, refused...); err == nil && !digest.IsZero() {
		return digest
	}
	return gate.Current()
}
