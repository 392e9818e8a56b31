package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

const (
	maxAnswerLines   = 6   // of a server's answer
	maxAnswerLine    = 300 // bytes of each
	maxShownFindings = 20  // of one target, as in the log
)

// printStatus writes one target as text: its phase, why, what to do, and then everything else that is known.
func printStatus(w io.Writer, s reload.Status, now time.Time) {
	fmt.Fprintf(w, "%s: %s for %s, wanted %s, running %s\n",
		finding.AtStart(s.Target), finding.OneLine(string(s.Phase)), now.Sub(s.Since).Round(time.Second), s.Wanted.Short(), runs(s.Running))
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %s\n", finding.AtStart(label+text))
		}
	}
	f := s.Failure
	switch {
	case f == nil:
		line("", s.Reason)
	case strings.Contains(s.Reason, f.Message): // the reason is the failure, its hint in parentheses
		line("", strings.Replace(s.Reason, " ("+f.Hint+")", "", 1))
	default:
		line("", s.Reason)
		line("last failure: ", f.Message)
	}
	for _, v := range s.Differences {
		if !strings.Contains(s.Reason, v) {
			line("differs: ", v)
		}
	}
	line("likely cause: ", s.Cause)
	if f != nil && f.Hint != s.Cause {
		line("hint: ", f.Hint)
	}
	if f != nil {
		printAnswer(w, f.Body)
	}
	printFindings(w, "  ", s.Findings)
	for _, v := range s.RestartRequired {
		line("needs a server restart: ", v)
	}
	if s.Phase == reload.InSync {
		line("proof: ", s.Proof)
	}
	for _, v := range s.NotCompared {
		line("not compared: ", v)
	}
	line("directories: ", directories(s))
	if wait := s.NextTry.Sub(now); s.Phase != reload.InSync && wait > 0 {
		line("next try: ", "in "+max(wait.Round(time.Second), time.Second).String())
	}
}

// directories returns the digests that `reloader digest` prints for each directory, unless all equal the one of all files.
func directories(s reload.Status) string {
	var all []string
	differ := false
	for _, name := range slices.Sorted(maps.Keys(s.Sources)) {
		all = append(all, name+" "+s.Sources[name].Short())
		differ = differ || s.Sources[name] != s.Wanted
	}
	if !differ {
		return ""
	}
	return strings.Join(all, ", ")
}

// runs returns the digest that a server was proven to run, or "unknown".
func runs(d snapshot.Digest) string {
	if d.IsZero() {
		return "unknown"
	}
	return d.Short()
}

// printAnswer writes the beginning of a server's answer.
func printAnswer(w io.Writer, body string) {
	lines := strings.Split(strings.TrimSpace(body), "\n")
	if body == "" {
		return
	}
	fmt.Fprint(w, "  the server's answer:")
	for i, text := range lines {
		if i == maxAnswerLines {
			fmt.Fprintf(w, "\n    (more lines: %d; --format json has all)", len(lines)-i)
			break
		}
		sep := "\n    "
		if len(lines) == 1 {
			sep = " "
		}
		fmt.Fprint(w, sep, finding.OneLine(finding.Cut(text, maxAnswerLine)))
	}
	fmt.Fprintln(w)
}

// printFindings writes one line for each finding and one for its hint. Of many the first are enough, errors before others:
// what else a target has to say stands below them.
func printFindings(w io.Writer, indent string, findings []finding.Finding) {
	more := len(findings) - maxShownFindings
	if more > 0 {
		findings = slices.Clone(findings)
		sort.SliceStable(findings, func(i, j int) bool { return findings[i].Severity > findings[j].Severity })
		findings = findings[:maxShownFindings]
	}
	for _, f := range findings {
		fmt.Fprintf(w, "%s%s\n", indent, f)
		if f.Hint != "" {
			fmt.Fprintf(w, "%s  hint: %s\n", indent, finding.OneLine(f.Hint))
		}
	}
	if more > 0 {
		fmt.Fprintf(w, "%sand %d more; reloader status --format json has them\n", indent, more)
	}
}
