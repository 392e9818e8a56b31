package page

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"reloader/internal/finding"
	"reloader/internal/history"
	"reloader/internal/reload"
	"reloader/internal/status"
)

// maxShown is how many lines of one list are shown; the API has all.
const maxShown = 100

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// clock returns the time of day, with the date if it is not today's.
func clock(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05 MST")
	}
	return t.Format("2 Jan 15:04:05")
}

// contents returns the title and the changing part of the page. There may be a thousand targets, so the parts are joined
// only once.
func contents(r status.Report, past history.Report, now time.Time) (title string, main markup) {
	worst, line, action := headline(r.Targets)
	title = "reloader"
	if worst != levelOK {
		title = "! reloader" // visible on a background tab
	}
	parts := []markup{elWith("div", attrs{{"class", "headline " + worst}, {"role", "status"}}, el("p.first", text(line)), optional("p", action))}
	if !r.Ready && r.NotReady != "" {
		parts = append(parts, card("reloader is not ready: "+r.NotReady))
	}
	if f := r.ConfigFile; f != nil && f.Error != "" {
		parts = append(parts, card(f.Path+" is refused; reloader keeps its previous configuration", excerpt(f.Error)))
	}
	if len(r.Notes) > 0 {
		parts = append(parts, card("Setup", findings("Problems with the mounts", r.Notes)))
	}
	byName := map[string][]history.Entry{}
	for _, h := range past.Targets {
		byName[h.Target] = h.Entries
	}
	// What needs a person comes first.
	for _, shown := range slices.Backward(levels) {
		for i, s := range r.Targets {
			if level(s) == shown {
				parts = append(parts, target(strconv.Itoa(i), s, byName[s.Target], now))
			}
		}
	}
	if len(r.Targets) == 0 {
		parts = append(parts, el("section.card", el("p", text("No targets are configured."))))
	}
	return title, concat(parts)
}

func card(title string, children ...markup) markup {
	return el("section.card", append([]markup{el("h2", text(title))}, children...)...)
}

// excerpt shows text with its line breaks. If it is too wide, it can be scrolled with the keyboard.
func excerpt(s string) markup {
	if s == "" {
		return ""
	}
	return elWith("pre", attrs{{"tabindex", "0"}}, text(s))
}

func target(id string, s reload.Status, past []history.Entry, now time.Time) markup {
	server := s.Kind
	if s.ServerVersion != "" {
		server += " " + s.ServerVersion
	}
	var reason, hint string
	var answer, changes markup
	if s.Phase != reload.InSync {
		reason = s.Reason
	}
	if f := s.Failure; f != nil {
		reason, hint = cmp.Or(reason, f.Message), sentence(f.Hint)
		if f.Body != "" {
			answer = el("h3", text("The server's answer")) + el("pre.answer", text(f.Body))
		}
	}
	if s.Cause != "" && s.Cause != reason {
		hint = s.Cause
	}
	if s.Running != s.Wanted {
		changes = list("ul", "Changes in the newest files", s.WantedChanges, text)
	}
	return elWith("section", attrs{{"class", "card"}, {"aria-labelledby", "t-" + id}},
		el("div.head",
			elWith("h2", attrs{{"id", "t-" + id}}, text(s.Target)),
			elWith("span", attrs{{"class", "badge " + level(s)}}, text(string(s.Phase))),
			el("span.dim", text(server))),
		el("p.state", text(state(s))), optional("p.reason", reason), optional("p.hint", hint), answer,
		findings("Findings in the newest files", s.Findings),
		el("dl", facts(s, now)),
		list("ul", "What the server runs differently", s.Differences, text),
		list("ul", "Not compared, because the server does not report it", s.NotCompared, text),
		changes,
		list("ul", "Needs a restart of the server", s.RestartRequired, text),
		pastOf(past, now))
}

// facts returns names with values. The script fills elements with data-live with how long ago their time was, and
// elements with data-countdown with how soon it will be.
func facts(s reload.Status, now time.Time) (all markup) {
	add := func(name, value string, since ...time.Time) {
		if value == "" {
			return
		}
		v := text(value)
		for _, t := range since {
			if !t.IsZero() {
				v += " " + elWith("time", attrs{{"datetime", stamp(t)}, {"data-live", ""}})
			}
		}
		all += el("dt", text(name)) + el("dd", v)
	}
	newest := "the newest files (" + s.Wanted.Short() + ")"
	switch {
	case ranNewest(s):
		add("Runs", "not known; last proven: the newest files ("+s.LastProven.Short()+")")
	case s.Running.IsZero() && !s.LastProven.IsZero():
		add("Runs", "not known; last proven: other files ("+s.LastProven.Short()+")")
		add("Wanted", newest)
	case s.Running.IsZero():
		add("Runs", "not known")
	case s.Running == s.Wanted:
		add("Runs", newest)
		add("Proof", s.Proof)
	default:
		add("Runs", "previous files ("+s.Running.Short()+")")
		add("Wanted", newest)
		add("Last proof", s.Proof)
	}
	const day = "2 Jan 15:04:05 MST"
	if !s.LastSuccess.IsZero() {
		value := s.LastSuccess.UTC().Format(day)
		if s.LastDuration > 0 {
			value += ", live after " + span(s.LastDuration)
		}
		add("Last success", value, s.LastSuccess)
	}
	add("In this phase since", s.Since.UTC().Format(day), s.Since)
	if !s.NextTry.IsZero() {
		all += el("dt", text("Next try")) +
			el("dd", elWith("time", attrs{{"datetime", stamp(s.NextTry)}, {"data-countdown", ""}}, text(clock(s.NextTry, now))))
	}
	return all
}

func findings(title string, all []finding.Finding) markup {
	return list("ul.findings", title, all, func(f finding.Finding) markup {
		color := map[finding.Severity]string{finding.Error: levelBad, finding.Warning: levelWarn}[f.Severity]
		return el("code", text(f.Position())) + elWith("strong", attrs{{"class", color}}, text(f.Severity.String())) +
			text(f.Message+" ") + el("span.dim", text("["+f.Rule+"]")) + excerpt(f.Excerpt) + optional("p.hint", sentence(f.Hint))
	})
}

// span formats a duration for people: 210 ms, 3.4 s, 2 min.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	default:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
}
