// Command demo shows reloader at work with a real Prometheus and, if there is one, a Grafana.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	gates "reloader/internal/gate"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// Options are set by the flags.
type Options struct {
	// PrometheusBinary is the server to show; empty means the one on PATH.
	PrometheusBinary string
	// GrafanaBinary and GrafanaHome name the Grafana to show; empty means the one on PATH, if any.
	GrafanaBinary, GrafanaHome string
	// Self is the reloader program to show.
	Self string
	// Keep leaves everything running after the last step, until the context ends.
	Keep bool
	// Color allows terminal colours.
	Color bool
}

type demo struct {
	opts     Options
	out      io.Writer
	dir      string // everything temporary is in this directory
	mount    string
	gate     *gates.Gate
	children []*process

	prometheusURL, reloaderURL string
	step                       int
}

// pause is between two steps.
const pause = time.Second

// limit is how long one step may take on a slow machine before the demo gives up.
const limit = 60 * time.Second

// Run runs the demo, prints to out and removes everything it made, even when the context ends early.
func Run(ctx context.Context, out io.Writer, opts Options) (err error) {
	d := &demo{opts: opts, out: out}
	prometheus, err := d.findPrometheus()
	if err != nil {
		return err
	}
	if d.dir, err = os.MkdirTemp("", "reloader-demo-"); err != nil {
		return fmt.Errorf("make a temporary directory: %w", err)
	}
	defer func() {
		d.stopAll()
		err = errors.Join(err, os.RemoveAll(d.dir))
	}()
	if err := show(ctx, func(ctx context.Context) error { return d.first(ctx, prometheus) },
		d.good, d.broken, d.fix, d.brokenRule, d.burst, d.withGrafana); err != nil {
		return err
	}
	if opts.Keep {
		return d.keep(ctx)
	}
	d.say("done; everything temporary is removed")
	return nil
}

// show runs one step after the other.
func show(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
		select { // changes are apart from each other, as in a cluster
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// publish swaps the mount as the kubelet does and returns the time just before the swap.
func (d *demo) publish(ctx context.Context, files map[string]string) (time.Time, snapshot.Digest, error) {
	contents := make(map[string][]byte, len(files))
	for name, text := range files {
		contents[name] = []byte(text)
	}
	set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: "config", Dir: d.mount}, contents))
	begin := time.Now()
	if err := d.gate.Publish(ctx, set); err != nil {
		return begin, snapshot.Digest{}, err
	}
	return begin, set.Digest, nil
}

// live publishes and waits until Prometheus itself shows the marker in its configuration.
func (d *demo) live(ctx context.Context, files map[string]string, marker string) (time.Duration, error) {
	begin, digest, err := d.publish(ctx, files)
	if err != nil {
		return 0, err
	}
	var took time.Duration
	err = d.until(ctx, "prometheus runs the change", limit, func(ctx context.Context) bool {
		config, good, err := d.running(ctx)
		took = time.Since(begin)
		return err == nil && good && strings.Contains(config, marker)
	})
	if err != nil {
		return 0, err
	}
	return took, d.until(ctx, "reloader has proven the change", limit, func(ctx context.Context) bool {
		s, err := d.status(ctx, "prometheus")
		return err == nil && s.Phase == reload.InSync && s.Running == digest
	})
}

// refused publishes files that must not reach Prometheus and returns the verdict.
func (d *demo) refused(ctx context.Context, files map[string]string) (reload.Status, time.Duration, error) {
	before, err := d.reloads(ctx)
	if err != nil {
		return reload.Status{}, 0, err
	}
	configBefore, _, err := d.running(ctx)
	if err != nil {
		return reload.Status{}, 0, err
	}
	begin, digest, err := d.publish(ctx, files)
	if err != nil {
		return reload.Status{}, 0, err
	}
	var s reload.Status
	var took time.Duration
	err = d.until(ctx, "reloader has refused the change", limit, func(ctx context.Context) bool {
		s, err = d.status(ctx, "prometheus")
		took = time.Since(begin)
		return err == nil && s.Phase == reload.Rejected && s.Wanted == digest
	})
	if err != nil {
		return s, 0, err
	}
	after, err := d.reloads(ctx)
	if err != nil {
		return s, 0, err
	}
	configAfter, good, err := d.running(ctx)
	switch {
	case err != nil:
		return s, 0, err
	case after != before:
		return s, 0, fmt.Errorf("prometheus got %d reload requests for a refused change", after-before)
	case configAfter != configBefore || !good:
		return s, 0, errors.New("prometheus does not run the last good configuration any more")
	}
	return s, took, nil
}

// keep leaves everything running and says how to publish changes by hand.
func (d *demo) keep(ctx context.Context) error {
	work := filepath.Join(d.dir, "work")
	if err := os.Mkdir(work, 0o755); err != nil {
		return fmt.Errorf("make a directory to work in: %w", err)
	}
	for name, text := range files(1, 15, goodRule) {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write an example: %w", err)
		}
	}
	if err := d.gate.Close(); err != nil { // so that `reloader publish` may write
		return err
	}
	d.say("")
	d.say("everything keeps running; Ctrl-C ends it and removes %s", d.dir)
	d.say("  prometheus   %s", d.prometheusURL)
	d.say("  reloader     %s", d.reloaderURL)
	d.say("edit the files in %s, then:", work)
	d.say("  %s publish --to %s %s", d.opts.Self, d.mount, work)
	d.say("  %s wait --url %s --dir %s", d.opts.Self, d.reloaderURL, work)
	d.say("  %s status --url %s", d.opts.Self, d.reloaderURL)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
			if err := d.ended(); err != nil {
				return err
			}
		}
	}
}
