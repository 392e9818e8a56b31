package history

import (
	"encoding/json"
	"net/http"
	"slices"
)

// Register adds GET /api/v1/history. With ?target=NAME it returns that target alone.
func (l *Log) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/history", func(w http.ResponseWriter, r *http.Request) {
		report := l.Report()
		if name := r.URL.Query().Get("target"); name != "" {
			report.Targets = slices.DeleteFunc(report.Targets, func(t Target) bool { return t.Target != name })
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		_ = enc.Encode(report) // a client that went away
	})
}
