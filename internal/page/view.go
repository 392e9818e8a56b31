package page

import (
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

// view is what the template shows. All texts are plain; the template escapes them.
type view struct {
	Title, Version, Made    string
	Level, Headline, Action string
	Notes                   []note
	Targets                 []target
	now                     time.Time
}

type note struct {
	Title, Text string
	Findings    *findings
}

type target struct {
	ID, Name, Server, Phase, Level string
	State, Reason, Hint, Answer    string
	Facts                          []fact
	NextTry                        string
	Findings                       *findings
	Lists                          []list
	History                        *past
}

type fact struct{ Name, Text, Time string }

type list struct {
	Title string
	Items []string
	More  string
}

type findings struct {
	Title string
	Items []shownFinding
	More  string
}

type shownFinding struct{ Position, Severity, Level, Message, Rule, Hint, Excerpt string }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Clock shows a time of a stamp to a person.
func (v view) Clock(stamp string) string {
	t, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return ""
	}
	return clock(t, v.now)
}

// clock is the time of day, with the day where that is another one.
func clock(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05 MST")
	}
	return t.Format("2 Jan 15:04:05")
}

func viewOf(r status.Report, past history.Report, now time.Time) view {
	v := view{Title: "reloader", Version: r.Version, Made: "as of " + clock(now, now), now: now}
	v.Level, v.Headline, v.Action = headline(r.Targets)
	if v.Level != levelOK {
		v.Title = "! reloader"
	}
	if !r.Ready && r.NotReady != "" {
		v.Notes = append(v.Notes, note{Title: "reloader is not ready: " + r.NotReady})
	}
	if f := r.ConfigFile; f != nil && f.Error != "" {
		v.Notes = append(v.Notes, note{Title: f.Path + " is refused; reloader keeps its previous configuration", Text: f.Error})
	}
	if len(r.Notes) > 0 {
		v.Notes = append(v.Notes, note{Title: "Set-up", Findings: shown("What is wrong with the mounts", r.Notes)})
	}
	byName := map[string]history.Target{}
	for _, h := range past.Targets {
		byName[h.Target] = h
	}
	for i, s := range r.Targets {
		v.Targets = append(v.Targets, targetOf(i, s, byName[s.Target], now))
	}
	// What needs a person comes first; the rest keeps its order.
	slices.SortStableFunc(v.Targets, func(a, b target) int { return rank(b.Level) - rank(a.Level) })
	return v
}

func targetOf(i int, s reload.Status, past history.Target, now time.Time) target {
	t := target{
		ID: strconv.Itoa(i), Name: s.Target, Server: s.Kind, Phase: string(s.Phase), Level: level(s), State: state(s), NextTry: stamp(s.NextTry),
	}
	if s.ServerVersion != "" {
		t.Server += " " + s.ServerVersion
	}
	if s.Phase != reload.InSync {
		t.Reason = s.Reason
	}
	if f := s.Failure; f != nil {
		if t.Reason == "" {
			t.Reason = f.Message
		}
		t.Hint, t.Answer = sentence(f.Hint), f.Body
	}
	if s.Cause != "" && s.Cause != t.Reason {
		t.Hint = s.Cause
	}
	t.facts(s)
	t.Findings = shown("Findings in the newest files", s.Findings)
	t.list("What the server runs differently", s.Differences)
	t.list("Not compared, because the server does not tell", s.NotCompared)
	if s.Running != s.Wanted {
		t.list("What the newest files change", s.WantedChanges)
	}
	t.list("Needs a restart of the server", s.RestartRequired)
	t.History = pastOf(past, now)
	return t
}

func (t *target) facts(s reload.Status) {
	add := func(name, text string, at time.Time) {
		if text != "" {
			t.Facts = append(t.Facts, fact{name, text, stamp(at)})
		}
	}
	switch {
	case ranNewest(s):
		add("Runs", "not known; last the newest files ("+s.LastProven.Short()+")", time.Time{})
	case s.Running.IsZero() && !s.LastProven.IsZero():
		add("Runs", "not known; last other files ("+s.LastProven.Short()+")", time.Time{})
		add("Wanted", "the newest files ("+s.Wanted.Short()+")", time.Time{})
	case s.Running.IsZero():
		add("Runs", "not known", time.Time{})
	case s.Running == s.Wanted:
		add("Runs", "the newest files ("+s.Running.Short()+")", time.Time{})
	default:
		add("Runs", "previous files ("+s.Running.Short()+")", time.Time{})
		add("Wanted", "the newest files ("+s.Wanted.Short()+")", time.Time{})
	}
	switch {
	case s.Running.IsZero():
	case s.Running == s.Wanted:
		add("Proof", s.Proof, time.Time{})
	default:
		add("Last proof", s.Proof, time.Time{})
	}
	if !s.LastSuccess.IsZero() {
		text := s.LastSuccess.UTC().Format("2 Jan 15:04:05 MST")
		if s.LastDuration > 0 {
			text += ", live after " + span(s.LastDuration)
		}
		add("Last success", text, s.LastSuccess)
	}
	add("In this phase since", s.Since.UTC().Format("2 Jan 15:04:05 MST"), s.Since)
}

func (t *target) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	l := list{Title: title, Items: items}
	if n := len(items); n > maxShown {
		l.Items, l.More = items[:maxShown], fmt.Sprintf("and %d more", n-maxShown)
	}
	t.Lists = append(t.Lists, l)
}

func shown(title string, all []finding.Finding) *findings {
	if len(all) == 0 {
		return nil
	}
	f := &findings{Title: title}
	for i, one := range all {
		if i == maxShown {
			f.More = fmt.Sprintf("and %d more", len(all)-maxShown)
			break
		}
		lvl := map[finding.Severity]string{finding.Error: levelBad, finding.Warning: levelWarn}[one.Severity]
		f.Items = append(f.Items, shownFinding{
			one.Position(), one.Severity.String(), lvl, one.Message, one.Rule, sentence(one.Hint), one.Excerpt,
		})
	}
	return f
}

// span is a duration for people: 210 ms, 3.4 s, 2 min.
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
