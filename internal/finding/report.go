package finding

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
)

// Verdict is the outcome of a validation in one word.
type Verdict string

// The verdicts.
const (
	VerdictOK      Verdict = "ok"
	VerdictInvalid Verdict = "invalid"
	// VerdictUnknown means that the validation could not judge.
	VerdictUnknown Verdict = "unknown"
)

// Lookup returns the contents of a file by its path in findings; nil when they are unavailable.
type Lookup func(file string) []byte

// WriteText writes findings for a terminal: one line each, the hint, and the line of the file with a caret, unless that line
// may contain a secret (see Snippet). Lookup may be nil.
func WriteText(w io.Writer, findings []Finding, lookup Lookup) error {
	b := bufio.NewWriter(w)
	for _, f := range findings {
		fmt.Fprintln(b, f.String())
		if f.Hint != "" {
			fmt.Fprintf(b, "  hint: %s\n", OneLine(f.Hint))
		}
		if lookup == nil || f.Line == 0 || f.Private {
			continue
		}
		fmt.Fprint(b, Snippet(lookup(f.File), f.Line, f.Column))
	}
	return b.Flush()
}

var (
	githubMessage  = strings.NewReplacer("%", "%25")
	githubProperty = strings.NewReplacer("%", "%25", ":", "%3A", ",", "%2C")
)

// WriteGitHub writes findings as workflow commands, which GitHub shows next to the changed lines.
func WriteGitHub(w io.Writer, findings []Finding) error {
	b := bufio.NewWriter(w)
	for _, f := range findings {
		command := cmp.Or(map[Severity]string{Error: "error", Warning: "warning"}[f.Severity], "notice")
		fmt.Fprintf(b, "::%s file=%s", command, githubProperty.Replace(OneLine(f.File)))
		if f.Line > 0 {
			fmt.Fprintf(b, ",line=%d", f.Line)
			if f.Column > 0 {
				fmt.Fprintf(b, ",col=%d", f.Column)
			}
		}
		message := githubText(f.Message)
		if f.Hint != "" {
			message += "%0Ahint: " + githubText(f.Hint)
		}
		fmt.Fprintf(b, ",title=%s::%s\n", githubProperty.Replace(OneLine(f.Rule)), message)
	}
	return b.Flush()
}

// githubText escapes a message and keeps its line breaks, which must not break the line of the command.
func githubText(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = githubMessage.Replace(OneLine(lines[i]))
	}
	return strings.Join(lines, "%0A")
}
