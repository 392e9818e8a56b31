package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"reloader/internal/snapshot"
)

// Annotation is what a patch of reloader's own pod changes. Any change of the pod makes the kubelet
// sync its volumes at once; otherwise that takes up to about 90 s.
const Annotation = "reloader/refresh"

const (
	// repeatAfter is when the second and last patch is sent for a mount that has not changed: the
	// kubelet may have seen the new pod before the new ConfigMap.
	repeatAfter = 2 * time.Second
	// patchGap is the shortest time between two patches.
	patchGap = 200 * time.Millisecond
	// When a watch was interrupted, the kubelet has to reconnect to the API, too. It has one watch for
	// pods and one for each object. Each reconnects independently, with pauses that start at 0.8 s, double up to
	// 30 to 60 s, and are reset after 2 minutes (client-go's reflector). A patch sent before the object's
	// watch is restored has no effect. So for disturbedFor the patch is repeated until the mount has changed.
	// The pause is a third of the time waited so far, at least a quarter of repeatAfter (the kubelet
	// syncs a pod once a second at most), at most maxDistance.
	disturbedFor = 2 * time.Minute
	maxDistance  = 10 * time.Second
)

// change is an object's new version, with the targets of its mounts when that version was seen.
type change struct {
	mounts, before []string
	// first marks the version at reloader's start, which the mounts may already have.
	first bool
}

// patches makes the kubelet sync: at once for each change, and again for mounts that have not
// changed. After that it leaves the change to the kubelet: it may not affect the files.
func (p *Propagation) patches(ctx context.Context) {
	var pending []change
	var left budget
	var last time.Time // change
	repeats := 0
	repeat := time.NewTimer(0)
	<-repeat.C
	served := func() {
		waited := len(pending)
		if pending = slices.DeleteFunc(pending, change.arrived); len(pending) < waited {
			left.worked()
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-p.changes:
			served() // so that changes in quick succession do not use up the budget
			pending, repeats, last = p.drain(append(pending, c)), 0, time.Now()
			if !sleep(ctx, jitter(p.spread)) {
				return
			}
		case <-repeat.C:
			if served(); len(pending) == 0 {
				continue
			}
			repeats++
		}
		if wait := left.take(time.Now()); wait > 0 && !p.disturbedNow() {
			repeats = 0 // the patch after the wait serves all changes until then
			repeat.Reset(wait)
			continue
		}
		p.patch(ctx)
		pending = slices.DeleteFunc(pending, func(c change) bool { return c.first })
		if d := p.distance(repeats, time.Since(last)); d > 0 && len(pending) > 0 && p.patching.refused() < p.forbidden {
			repeat.Reset(d)
		} else {
			pending = nil
		}
		if !sleep(ctx, p.gap) {
			return
		}
	}
}

// distance is the time until the patch is repeated; 0: it is not.
func (p *Propagation) distance(repeats int, since time.Duration) time.Duration {
	disturbed := p.disturbedNow()
	switch {
	case disturbed && since < disturbedFor:
		d := min(max(since/3, p.repeat/4), maxDistance)
		return d*4/5 + rand.N(d*2/5) // jitter: many pods wait for the same API server
	case !disturbed && repeats == 0:
		return p.repeat
	}
	return 0
}

// disturbedNow reports whether the kubelet may still be reconnecting to the API.
func (p *Propagation) disturbedNow() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.disturbed) < disturbedFor
}

// drain adds all waiting changes: one patch serves them all.
func (p *Propagation) drain(pending []change) []change {
	for {
		select {
		case c := <-p.changes:
			pending = append(pending, c)
		default:
			return pending
		}
	}
}

// patch changes the annotation. A patch that is lost or refused is retried for a while, except when the permission is
// known to be missing.
func (p *Propagation) patch(ctx context.Context) {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{Annotation: time.Now().UTC().Format(time.RFC3339Nano)},
	}})
	if err != nil {
		p.log.Error("fast propagation", "err", err)
		return
	}
	begin := time.Now()
	for {
		err := p.client.call(ctx, request{
			method: http.MethodPatch, path: "pods/" + url.PathEscape(p.client.pod),
			contentType: "application/merge-patch+json", body: body,
		}, nil)
		if ctx.Err() != nil {
			return
		}
		pause := p.patching.note(err)
		if err == nil {
			p.log.Debug("pod is patched")
			p.works("patch", "pods")
			return
		}
		err = fmt.Errorf("patch pod %s/%s: %w", p.client.namespace, p.client.pod, err)
		p.failed(err, "patch", "pods", p.patching.refused())
		if hopeless(err) || p.patching.refused() >= p.forbidden || time.Since(begin) >= p.forbidden {
			return
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// arrived reports whether every mount has been swapped since.
func (c change) arrived() bool {
	for i, now := range targets(c.mounts) {
		if now == c.before[i] {
			return false
		}
	}
	return true
}

// targets returns where the ..data links of the mounts point.
func targets(mounts []string) []string {
	list := make([]string, len(mounts))
	for i, m := range mounts {
		list[i], _ = os.Readlink(filepath.Join(m, snapshot.DataLink)) // empty without a link: there is nothing to swap
	}
	return list
}
