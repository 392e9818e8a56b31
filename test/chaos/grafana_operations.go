package chaos

import (
	"fmt"
	"net/http"

	"reloader/internal/grafana/grafanatest"
)

// grafanaKinds are what can happen to a pod with Grafana.
var grafanaKinds = []kind[*grafanaWorld]{
	{10, "good", func(w *grafanaWorld, n int) { w.swap(n) }},
	{6, "bad", func(w *grafanaWorld, n int) {
		w.sources.Swap(brokenSources(n))
		w.n = -1
	}},
	{3, "revert", func(w *grafanaWorld, n int) { w.swap(n % 7) }},
	{5, "dashboards", func(w *grafanaWorld, n int) { w.swapBoards(n) }},
	{3, "both-volumes", func(w *grafanaWorld, n int) {
		w.swapBoards(n)
		w.swap(n)
	}},
	{3, "server-restarted", func(w *grafanaWorld, _ int) { w.restart() }},
	{2, "server-away", func(w *grafanaWorld, _ int) { w.fault(func(f *grafanatest.Faults) { f.Down = true }) }},
	{2, "server-back", func(w *grafanaWorld, _ int) {
		w.restart()
		w.fault(func(f *grafanatest.Faults) { f.Down = false })
	}},
	{2, "reload-hangs", func(w *grafanaWorld, _ int) { w.fault(func(f *grafanatest.Faults) { f.Hang = true }) }},
	{2, "reload-ignored", func(w *grafanaWorld, _ int) { w.fault(func(f *grafanatest.Faults) { f.Ignore = true }) }},
	{2, "connections-reset", func(w *grafanaWorld, n int) { w.fault(func(f *grafanatest.Faults) { f.Reset = 1 + n%3 }) }},
	{2, "database-locked", func(w *grafanaWorld, n int) { w.fault(func(f *grafanatest.Faults) { f.Locked = 1 + n%5 }) }},
	{2, "no-metrics", func(w *grafanaWorld, _ int) { w.fault(func(f *grafanatest.Faults) { f.NoMetrics = true }) }},
	{1, "reads-refused", func(w *grafanaWorld, _ int) {
		w.fault(func(f *grafanatest.Faults) {
			f.Refuse = grafanatest.Refusal{Path: "/api/datasources", Method: http.MethodGet, Status: http.StatusForbidden}
		})
	}},
	{5, "server-whole", func(w *grafanaWorld, _ int) {
		w.fault(func(f *grafanatest.Faults) { *f = grafanatest.Faults{Down: f.Down} })
	}},
	{1, "password-rotated", func(w *grafanaWorld, n int) {
		w.mu.Lock()
		w.wanted = fmt.Sprintf("secret-%d", n)
		w.mu.Unlock()
		w.server.SetPassword(w.wanted)
	}},
	{2, "password-follows", func(w *grafanaWorld, _ int) { w.follow() }},
	{3, "reloader-killed", func(w *grafanaWorld, _ int) {
		w.reloader.Kill()
		w.reloader.Start()
	}},
	{2, "hup", func(w *grafanaWorld, _ int) { hangUp(w.reloader) }},
}
