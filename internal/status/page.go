package status

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"

	"reloader/internal/finding"
	"reloader/internal/reload"
)

// maxShown is how many lines of one list the page shows; the API has all.
const maxShown = 200

const pageHead = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>reloader</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="5">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<style>
:root{--bg:#f6f7f9;--card:#fff;--text:#1c2128;--dim:#5b6570;--line:#dfe3e8;--ok:#137a3a;--bad:#b3261e;--warn:#8a5a00;--busy:#1f5fbf}
@media(prefers-color-scheme:dark){:root{--bg:#14171b;--card:#1d2126;--text:#e4e7eb;--dim:#98a2ad;--line:#343a42;--ok:#5cc98a;--bad:#ff8a80;--warn:#f0b95a;--busy:#8ab4f8}}
*{box-sizing:border-box}body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--bg);color:var(--text);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.25rem;margin:.25rem 0 1rem}h2{font-size:1.1rem;margin:0}h3{font-size:.9rem;margin:.9rem 0 .2rem;color:var(--dim)}
section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem;margin:0 0 1rem}
header{display:flex;gap:.6rem;align-items:center;flex-wrap:wrap}small,footer,.dim{color:var(--dim)}p{margin:.5rem 0}
.phase{border:1px solid;border-radius:1rem;padding:.05rem .7rem;font-size:.9rem;font-weight:600}
.ok{color:var(--ok)}.bad{color:var(--bad)}.warn{color:var(--warn)}.busy{color:var(--busy)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.6rem 0 0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
ul{list-style:none;margin:0;padding:0}li{padding:.25rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}li:first-child{border:0}
code,pre{font:.88em/1.45 ui-monospace,monospace;overflow-wrap:anywhere;white-space:pre-wrap}a{color:inherit}
</style></head><body>
`

// page builds the status page; every text from outside goes through esc.
type page struct{ strings.Builder }

func (p *page) f(format string, args ...any) { fmt.Fprintf(p, format, args...) }

func esc(s string) string { return html.EscapeString(s) }

func (t *Tracker) servePage(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
	fmt.Fprint(w, renderPage(t.Report(), time.Now()))
}

func renderPage(r Report, now time.Time) string {
	p := &page{}
	p.WriteString(pageHead)
	p.f("<h1>reloader <small>%s</small></h1>\n", esc(r.Version))
	if !r.Ready {
		p.f("<section><p class=\"warn\">not ready: %s</p></section>\n", esc(r.NotReady))
	}
	if f := r.ConfigFile; f != nil && f.Error != "" {
		p.f("<section><p class=\"bad\">%s is not in use; the last good one still is:</p><pre>%s</pre></section>\n", esc(f.Path), esc(f.Error))
	}
	if len(r.Notes) > 0 {
		p.WriteString("<section>")
		p.findings("Set-up", r.Notes)
		p.WriteString("</section>\n")
	}
	for _, s := range r.Targets {
		p.target(s, now)
	}
	p.f("<footer><a href=\"metrics\">metrics</a> · <a href=\"api/v1/status\">status as JSON</a> · %s</footer>\n</body></html>\n", esc(now.UTC().Format(time.RFC3339)))
	return p.String()
}

func (p *page) target(s reload.Status, now time.Time) {
	p.f("<section><header><h2>%s</h2><span class=\"phase %s\">%s</span><span class=\"dim\">%s</span></header>\n",
		esc(s.Target), phaseClass(s), esc(string(s.Phase)), esc(ago(s.Since, now)))
	if s.Reason != "" {
		p.f("<p class=\"%s\">%s</p>\n", phaseClass(s), esc(s.Reason))
	}
	if f := s.Failure; f != nil {
		p.f("<p>%s</p>\n", esc(f.Message))
		if f.Hint != "" {
			p.f("<p class=\"dim\">%s</p>\n", esc(f.Hint))
		}
		if f.Body != "" {
			p.f("<pre>%s</pre>\n", esc(f.Body))
		}
	}
	p.WriteString("<dl>")
	server := s.Kind
	if s.ServerVersion != "" {
		server += " " + s.ServerVersion
	}
	p.row("server", server)
	p.row("wanted", s.Wanted.Short())
	p.row("running", s.Running.Short())
	if !s.LastSuccess.IsZero() {
		p.row("last success", fmt.Sprintf("%s, live after %s", ago(s.LastSuccess, now), s.LastDuration.Round(time.Millisecond)))
	}
	if !s.NextTry.IsZero() {
		p.row("next try", "in "+max(0, s.NextTry.Sub(now)).Round(time.Second).String())
	}
	p.row("proof", s.Proof)
	p.WriteString("</dl>\n")
	p.findings("Findings", s.Findings)
	p.list("Only a restart of the server brings", s.RestartRequired)
	p.list("The server differs from the files in", s.Differences)
	p.list("Last change", s.Changes)
	p.WriteString("</section>\n")
}

func (p *page) row(name, value string) {
	if value != "" {
		p.f("<dt>%s</dt><dd>%s</dd>", esc(name), esc(value))
	}
}

func (p *page) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	p.f("<h3>%s</h3><ul>", esc(title))
	for _, item := range items[:min(len(items), maxShown)] {
		p.f("<li>%s</li>", esc(item))
	}
	p.more(len(items))
}

func (p *page) findings(title string, findings []finding.Finding) {
	if len(findings) == 0 {
		return
	}
	p.f("<h3>%s</h3><ul>", esc(title))
	for _, f := range findings[:min(len(findings), maxShown)] {
		p.f("<li><code>%s</code> <b class=\"%s\">%s</b> %s <small>[%s]</small>",
			esc(f.Position()), severityClass(f.Severity), esc(f.Severity.String()), esc(f.Message), esc(f.Rule))
		if f.Hint != "" {
			p.f("<br><span class=\"dim\">%s</span>", esc(f.Hint))
		}
		p.WriteString("</li>")
	}
	p.more(len(findings))
}

func (p *page) more(n int) {
	if n > maxShown {
		p.f("<li class=\"dim\">and %d more</li>", n-maxShown)
	}
	p.WriteString("</ul>\n")
}

func phaseClass(s reload.Status) string {
	switch s.Phase {
	case reload.InSync:
		return "ok"
	case reload.Rejected, reload.RolledBack:
		return "bad"
	case reload.Retrying, reload.Unjudged, reload.Waiting:
		return "warn"
	default:
		return "busy"
	}
}

func severityClass(s finding.Severity) string {
	switch s {
	case finding.Error:
		return "bad"
	case finding.Warning:
		return "warn"
	default:
		return "dim"
	}
}

// ago is how long ago t was, short enough for a phone.
func ago(t, now time.Time) string {
	switch d := max(0, now.Sub(t)); {
	case t.IsZero():
		return ""
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}
