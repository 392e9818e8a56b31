package ini

import (
	"fmt"

	"gopkg.in/ini.v1"

	"reloader/internal/finding"
)

// maxSize is the largest file, in bytes, that is judged; a ConfigMap ends at 1 MiB.
const maxSize = 8 << 20

// Check judges a grafana.ini. Errors are what stops Grafana from starting, warnings what lets it
// start with something else than was meant. The findings come in the order of the file.
func Check(data []byte, opts Options) []finding.Finding {
	c := &checker{opts: opts, release: release(opts.Version)}
	if len(data) > maxSize {
		c.report(finding.Error, RuleSyntax, 1, 1, fmt.Sprintf("the file has %d bytes, more than the %d that are judged", len(data), maxSize), "")
		return c.findings
	}
	c.doc = scan(data)
	if f := c.doc.fault; f != nil {
		c.report(finding.Error, RuleSyntax, f.line, f.col, f.message, f.hint)
	} else if _, err := ini.Load(data); err != nil && !backslashAfterQuote(data) {
		// Not reached as long as scan follows the library; a file that cannot be read never passes.
		c.report(finding.Error, RuleSyntax, 0, 0, "the file cannot be parsed", "")
	}
	c.known = loadKnown()
	c.set = newSettings(c.doc, opts)
	c.names()
	c.values()
	if c.doc.fault == nil {
		c.fatalValues()
		c.ignoredValues()
		c.adminPassword()
	}
	finding.Sort(c.findings)
	return c.findings
}

type checker struct {
	opts     Options
	release  int
	doc      document
	known    knownNames
	set      settings
	findings []finding.Finding
}

func (c *checker) report(severity finding.Severity, rule string, line, col int, message, hint string) {
	c.findings = append(c.findings, finding.Finding{
		File: c.opts.File, Line: line, Column: col, Severity: severity, Rule: rule, Message: message, Hint: hint,
	})
}

func (c *checker) warn(e *entry, rule, hint, format string, args ...any) {
	c.report(finding.Warning, rule, e.line, e.col, fmt.Sprintf(format, args...), hint)
}

func (c *checker) fatal(e *entry, hint, format string, args ...any) {
	c.report(finding.Error, RuleFatalValue, e.line, e.col, fmt.Sprintf(format, args...), hint)
}

// name is how a key is written in messages.
func (e *entry) name() string {
	if e.section == defaultSection {
		return shown(e.key)
	}
	return "[" + shown(e.section) + "] " + shown(e.key)
}
