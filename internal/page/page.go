// Package page shows the status and the history of all targets to a person with a browser.
package page

import (
	"embed"
	"html"
	"net/http"
	"strings"
	"time"

	"reloader/internal/history"
	"reloader/internal/status"
)

//go:embed assets
var assets embed.FS

// frame is the fixed part of the page.
//
//go:embed assets/page.html
var frame string

// Page serves the page and its assets. Open pages follow changes by an event stream.
type Page struct {
	report  func() status.Report
	history func() history.Report
	hub     hub
}

// New makes a page that shows what the two functions return.
func New(report func() status.Report, past func() history.Report) *Page {
	return &Page{report: report, history: past}
}

// Register adds the routes.
func (p *Page) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", p.servePage)
	mux.HandleFunc("GET /page.css", serveAsset("assets/page.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /page.js", serveAsset("assets/page.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /api/v1/events", p.hub.serve)
}

// Changed makes all open pages refresh. It does not block.
func (p *Page) Changed() { p.hub.changed() }

// Stop ends the event streams, so that the server can shut down.
func (p *Page) Stop() { p.hub.stop() }

// headers sets the headers of every answer: the page loads nothing from elsewhere, and no other page may embed it.
func headers(w http.ResponseWriter, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
}

func (p *Page) servePage(w http.ResponseWriter, _ *http.Request) {
	now, report := time.Now(), p.report()
	title, main := contents(report, p.history(), now)
	headers(w, "text/html; charset=utf-8")
	_, _ = strings.NewReplacer(
		"{title}", html.EscapeString(title), "{version}", html.EscapeString(report.Version),
		"{made}", "as of "+clock(now, now), "{main}", string(main),
	).WriteString(w, frame)
}

func serveAsset(name, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		b, err := assets.ReadFile(name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		headers(w, contentType)
		_, _ = w.Write(b)
	}
}
