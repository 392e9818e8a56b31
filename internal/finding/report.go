package finding

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
)

// Verdict is a validation's outcome in one word.
type Verdict string

// The verdicts.
const (
	VerdictOK      Verdict = "ok"
	VerdictInvalid Verdict = "invalid"
	// VerdictUnknown is that of a validation that could not judge.
	VerdictUnknown Verdict = "unknown"
)

// Lookup returns a file's bytes by the path that findings name it by; nil when they are not available.
type Lookup func(file string) []byte

// WriteText writes findings for a terminal: one line each, the hint, and the line of the file with
// a caret, unless that line may hold a secret (see Snippet). Lookup may be nil.
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

// WriteGitHub writes findings as workflow commands, which GitHub shows beside the changed lines.
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

// githubText keeps the lines of a message: within a command they are no lines.
func githubText(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = githubMessage.Replace(OneLine(lines[i]))
	}
	return strings.Join(lines, "%0A")
}
