package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"reloader/internal/reload"
)

// client is for servers on this machine: their answers are small and quick.
var client = &http.Client{Timeout: 10 * time.Second}

func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return body, nil
}

// running asks Prometheus for the configuration it runs and whether its last reload succeeded.
func (d *demo) running(ctx context.Context) (config string, good bool, err error) {
	body, err := get(ctx, d.prometheusURL+"/api/v1/status/config")
	if err != nil {
		return "", false, err
	}
	var c struct{ Data struct{ YAML string } }
	if err := json.Unmarshal(body, &c); err != nil {
		return "", false, fmt.Errorf("read status/config: %w", err)
	}
	if body, err = get(ctx, d.prometheusURL+"/api/v1/status/runtimeinfo"); err != nil {
		return "", false, err
	}
	var r struct {
		Data struct{ ReloadConfigSuccess bool }
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return "", false, fmt.Errorf("read status/runtimeinfo: %w", err)
	}
	return c.Data.YAML, r.Data.ReloadConfigSuccess, nil
}

// reloads counts the reload requests that Prometheus itself has seen.
func (d *demo) reloads(ctx context.Context) (int, error) {
	body, err := get(ctx, d.prometheusURL+"/metrics")
	if err != nil {
		return 0, err
	}
	return reloadRequests(string(body))
}

// reloadRequests sums Prometheus' own counters of requests to its reload endpoint.
func reloadRequests(metrics string) (int, error) {
	total := 0
	lines := bufio.NewScanner(strings.NewReader(metrics))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if !strings.HasPrefix(line, "prometheus_http_requests_total{") || !strings.Contains(line, `handler="/-/reload"`) {
			continue
		}
		n, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("read metrics: %w", err)
		}
		total += int(n)
	}
	return total, lines.Err()
}

// status asks reloader for the state of its target of a kind.
func (d *demo) status(ctx context.Context, kind string) (reload.Status, error) {
	body, err := get(ctx, d.reloaderURL+"/api/v1/status")
	if err != nil {
		return reload.Status{}, err
	}
	var s struct{ Targets []reload.Status }
	if err := json.Unmarshal(body, &s); err != nil {
		return reload.Status{}, fmt.Errorf("read status: %w", err)
	}
	for _, t := range s.Targets {
		if t.Kind == kind {
			return t, nil
		}
	}
	return reload.Status{}, fmt.Errorf("reloader has no target of kind %s", kind)
}

// until polls a condition. It returns an error when the context ends, a child has ended, or limit has passed.
func (d *demo) until(ctx context.Context, what string, limit time.Duration, ok func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok(ctx) {
			return nil
		}
		if err := d.ended(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, context.Cause(ctx))
		}
	}
}
