package page

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"reloader/internal/finding"
	"reloader/internal/reload"
)

// The levels select colours.
const (
	levelOK   = "ok"
	levelBusy = "busy"
	levelWarn = "warn"
	levelBad  = "bad"
)

// levels are all levels, the least urgent first.
var levels = []string{levelOK, levelBusy, levelWarn, levelBad}

// level says how urgently a target needs a person.
func level(s reload.Status) string {
	switch s.Phase {
	case reload.InSync:
		if len(s.RestartRequired) > 0 || finding.Count(s.Findings, finding.Warning) > 0 {
			return levelWarn
		}
		return levelOK
	case reload.Rejected, reload.RolledBack, reload.Mismatch:
		return levelBad
	case reload.Retrying, reload.Unjudged, reload.Waiting:
		return levelWarn
	default:
		return levelBusy
	}
}

// title returns a server's name as people write it.
func title(s reload.Status) string {
	name := map[string]string{"prometheus": "Prometheus", "grafana": "Grafana"}[s.Kind]
	switch {
	case name == "":
		return s.Target
	case s.Target != s.Kind:
		return name + " (" + s.Target + ")"
	}
	return name
}

// state describes the phase in words.
func state(s reload.Status) string {
	name := title(s)
	switch s.Phase {
	case reload.Starting:
		return "reloader has just started and reads the files."
	case reload.Settling:
		return "New files are arriving; reloader waits until they are complete."
	case reload.Checking:
		return "The newest files are being checked."
	case reload.Publishing:
		return "The newest files are being published to the gate."
	case reload.Reloading:
		return name + " has been told to reload; waiting for its answer."
	case reload.Confirming:
		return name + " is being asked what it runs."
	case reload.InSync:
		return name + " runs the newest files."
	case reload.Rejected:
		return "The newest files are refused. " + keeps(s, name)
	case reload.RolledBack:
		return name + " refused the newest files. The last good files are back in the gate."
	case reload.Mismatch:
		return name + " accepted the reload but runs something other than the files."
	case reload.Unjudged:
		return "The newest files could not be judged, so they are not applied. " + keeps(s, name)
	case reload.Retrying:
		return "The newest files are not live: the last attempt failed."
	case reload.Waiting:
		if ranNewest(s) {
			return name + " does not answer. It ran the newest files when it last did."
		}
		return "The newest files are not live yet: reloader is waiting."
	}
	return string(s.Phase)
}

// ranNewest reports that a server that does not answer now ran the newest files when it last answered.
func ranNewest(s reload.Status) bool {
	return s.Phase == reload.Waiting && !s.LastProven.IsZero() && s.LastProven == s.Wanted
}

// keeps says what the server runs instead, if that is known.
func keeps(s reload.Status, name string) string {
	if s.Running.IsZero() {
		return "What " + name + " runs now is not known."
	}
	return name + " keeps running the previous files."
}

// headline returns one line about everything, and what to do.
func headline(targets []reload.Status) (lvl, line, action string) {
	if len(targets) == 0 {
		return levelBusy, "No targets are configured.", ""
	}
	worst := slices.MaxFunc(targets, func(a, b reload.Status) int { // the first of the worst
		return cmp.Compare(slices.Index(levels, level(a)), slices.Index(levels, level(b)))
	})
	lvl = level(worst)
	if worst.Phase == reload.InSync {
		line = allInSync(targets)
		if lvl == levelWarn {
			action = attention(targets)
		}
		return lvl, line, action
	}
	line, action = problem(worst)
	if n := others(targets, worst); n > 0 {
		action = strings.TrimSpace(action + fmt.Sprintf(" (%d more below.)", n))
	}
	return lvl, line, action
}

// others counts the targets that are not in sync, except one.
func others(targets []reload.Status, but reload.Status) int {
	n := 0
	for _, s := range targets {
		if s.Target != but.Target && s.Phase != reload.InSync {
			n++
		}
	}
	return n
}

func allInSync(targets []reload.Status) string {
	var names []string
	var since time.Time
	for _, s := range targets {
		names = append(names, title(s))
		if s.LastSuccess.After(since) {
			since = s.LastSuccess
		}
	}
	verb := "runs"
	if len(names) > 1 {
		verb = "run"
	}
	line := join(names) + " " + verb + " the newest configuration"
	if !since.IsZero() {
		line += " since " + since.UTC().Format("15:04 MST on 2 January")
	}
	return line + "."
}

// attention says what needs a person even though everything is in sync.
func attention(targets []reload.Status) string {
	for _, s := range targets {
		if len(s.RestartRequired) > 0 {
			return title(s) + " needs a restart for " + join(s.RestartRequired) + "."
		}
	}
	for _, s := range targets {
		if n := finding.Count(s.Findings, finding.Warning); n > 0 {
			return fmt.Sprintf("There are warnings about %s's files below.", title(s))
		}
	}
	return ""
}

// problem says in one line what is wrong with one target, and what to do.
func problem(s reload.Status) (line, action string) {
	name := title(s)
	switch s.Phase {
	case reload.Rejected:
		for _, f := range s.Findings {
			if f.Severity == finding.Error {
				where := path.Base(f.File)
				line = "The newest " + where + " is refused"
				if f.Line > 0 {
					line += fmt.Sprintf(": line %d", f.Line)
				}
				return line + ": " + f.Message, strings.TrimSpace(keeps(s, name) + " " + sentence(f.Hint))
			}
		}
		return "The newest files for " + name + " are refused.", s.Reason
	case reload.Mismatch:
		return name + " does not run the files it was told to load.", cmp.Or(s.Cause, s.Reason)
	case reload.RolledBack:
		return name + " refused the newest files and runs the last good ones.", s.Reason
	case reload.Retrying, reload.Unjudged:
		return "The newest files for " + name + " are not live.", s.Reason
	case reload.Waiting:
		if ranNewest(s) {
			return name + " does not answer. It ran the newest files when it last did.", s.Reason
		}
		return "reloader is waiting for " + name + ".", s.Reason
	default:
		return state(s), ""
	}
}

// sentence makes the first letter a capital.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// join lists names: "a, b and c".
func join(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
