package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"reloader/internal/finding"
	"reloader/internal/gate"
	"reloader/internal/reload"
)

const goodRule = "up == 0"

// files is a small but complete configuration; each variant has its own external label.
func files(variant, interval int, expr string) map[string]string {
	return map[string]string{
		"prometheus.yml": fmt.Sprintf(`global:
  scrape_interval: %ds
  external_labels:
    demo: variant-%d
rule_files:
  - rules.yml
scrape_configs:
  - job_name: node
    static_configs:
      - targets: ["127.0.0.1:9100"]
`, interval, variant),
		"rules.yml": fmt.Sprintf(`groups:
  - name: demo
    rules:
      - alert: TargetDown
        expr: %s
        for: 5m
`, expr),
	}
}

func marker(variant int) string { return fmt.Sprintf("demo: variant-%d\n", variant) }

func (d *demo) first(ctx context.Context, binary string) error {
	begin := time.Now()
	d.mount = filepath.Join(d.dir, "mount")
	var err error
	if d.gate, err = gate.Open(d.mount, gate.Options{}); err != nil {
		return err
	}
	if _, _, err := d.publish(ctx, files(1, 15, goodRule)); err != nil {
		return err
	}
	prometheus, err := freePort(ctx)
	if err != nil {
		return err
	}
	reloader, err := freePort(ctx)
	if err != nil {
		return err
	}
	config := filepath.Join(d.mount, "prometheus.yml")
	d.prometheusURL, d.reloaderURL = "http://"+prometheus, "http://"+reloader
	d.say("a real Prometheus (%s) reads %s,", binary, d.mount)
	d.say("which is written as the kubelet writes a ConfigMap volume; reloader runs next to it")
	d.say("")
	if _, err := d.start(ctx, "prometheus", binary, nil, "--config.file="+config, "--web.enable-lifecycle",
		"--web.listen-address="+prometheus, "--storage.tsdb.path="+filepath.Join(d.dir, "data")); err != nil {
		return err
	}
	if _, err := d.start(ctx, "reloader", d.opts.Self, nil, "run", "--prometheus-url="+d.prometheusURL,
		"--prometheus-config="+config, "--listen-address="+reloader); err != nil {
		return err
	}
	if err := d.until(ctx, "both servers are up and in sync", limit, func(ctx context.Context) bool {
		s, err := d.status(ctx, "prometheus")
		return err == nil && s.Phase == reload.InSync
	}); err != nil {
		return err
	}
	d.result("first start", time.Since(begin), "both are up, proven to be in sync")
	return nil
}

func (d *demo) good(ctx context.Context) error {
	took, err := d.live(ctx, files(2, 10, goodRule), marker(2))
	if err != nil {
		return err
	}
	s, err := d.status(ctx, "prometheus")
	if err != nil {
		return err
	}
	lines := append([]string{"Prometheus runs the new file, no restart"}, s.Changes...)
	d.result("good change live", took, lines...)
	return nil
}

func (d *demo) broken(ctx context.Context) error {
	broken := files(3, 10, goodRule)
	broken["prometheus.yml"] = strings.Replace(broken["prometheus.yml"], "scrape_interval", "scrape_intervall", 1)
	s, took, err := d.refused(ctx, broken)
	if err != nil {
		return err
	}
	d.result("broken change refused", took, append(explain(d.mount, s.Findings), "no request was sent; Prometheus keeps running the last good file")...)
	return nil
}

func (d *demo) fix(ctx context.Context) error {
	took, err := d.live(ctx, files(4, 20, goodRule), marker(4))
	if err != nil {
		return err
	}
	d.result("fix live", took, "as fast as any other change")
	return nil
}

func (d *demo) brokenRule(ctx context.Context) error {
	s, took, err := d.refused(ctx, files(5, 20, "up == = 0"))
	if err != nil {
		return err
	}
	d.result("broken rule file refused", took, explain(d.mount, s.Findings)...)
	return nil
}

func (d *demo) burst(ctx context.Context) error {
	const swaps = 20
	before, err := d.reloads(ctx)
	if err != nil {
		return err
	}
	for i := range swaps - 1 {
		if _, _, err := d.publish(ctx, files(100+i, 10, goodRule)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(25 * time.Millisecond): // a burst, not one instant
		}
	}
	took, err := d.live(ctx, files(200, 10, goodRule), marker(200))
	if err != nil {
		return err
	}
	after, err := d.reloads(ctx)
	if err != nil {
		return err
	}
	d.result(fmt.Sprintf("burst of %d changes", swaps), took,
		fmt.Sprintf("the last one is live; Prometheus was asked to reload %d times", after-before))
	return nil
}

// explain shows findings with paths relative to a directory.
func explain(dir string, findings []finding.Finding) []string {
	var lines []string
	for _, f := range finding.OfSeverity(findings, finding.Error) {
		name := f.File
		if r, err := filepath.Rel(dir, f.File); err == nil {
			name = r
		}
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s", name, f.Line, f.Column, f.Message))
		if f.Hint != "" {
			lines = append(lines, "hint: "+f.Hint)
		}
	}
	return lines
}

func (d *demo) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, format+"\n", args...)
}

// result prints a numbered step with its measured time.
func (d *demo) result(what string, took time.Duration, lines ...string) {
	d.step++
	head := fmt.Sprintf("%d  %-26s %10s", d.step, what, round(took))
	if d.opts.Color {
		head = "\x1b[1m" + head + "\x1b[0m"
	}
	d.say("%s", head)
	for _, line := range lines {
		d.say("     %s", line)
	}
}

func round(t time.Duration) string {
	if t >= time.Second {
		return t.Round(10 * time.Millisecond).String()
	}
	return t.Round(100 * time.Microsecond).String()
}
