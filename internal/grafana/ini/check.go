package ini

import (
	"fmt"

	"reloader/internal/finding"
	"reloader/internal/grafana"
)

// maxSize is the size, in bytes, of the largest file that is judged; a ConfigMap has at most 1 MiB.
const maxSize = 8 << 20

// Check judges a grafana.ini. With an error Grafana does not start; with a warning it
// starts with something other than what was meant. The findings are in the order of the file.
func Check(data []byte, opts Options) []finding.Finding {
	c := &checker{opts: opts, version: grafana.ParseVersion(opts.Version), fatals: map[[2]int]bool{}}
	if len(data) > maxSize {
		c.report(finding.Error, RuleSyntax, 1, 1, fmt.Sprintf("the file has %d bytes; reloader judges at most %d", len(data), maxSize), "")
		return c.findings
	}
	c.doc = parse(data)
	if f := c.doc.fault; f != nil {
		c.report(finding.Error, RuleSyntax, f.line, f.col, f.message, f.hint)
	}
	if len(c.doc.entries)+len(c.doc.headers) > maxNames {
		return c.findings
	}
	c.known = loadKnown(with13(opts.Version))
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
	version  grafana.Version
	doc      document
	known    knownNames
	set      settings
	findings []finding.Finding
	// fatals are the positions of the values that were reported as ones with which Grafana does not start.
	fatals map[[2]int]bool
}

func (c *checker) report(severity finding.Severity, rule string, line, col int, message, hint string) {
	c.findings = append(c.findings, finding.Finding{
		File: c.opts.File, Line: line, Column: col, Severity: severity, Rule: rule, Message: message, Hint: hint,
	})
}

func (c *checker) warn(e *entry, rule, hint, format string, args ...any) {
	c.report(finding.Warning, rule, e.line, e.col, fmt.Sprintf(format, args...), hint)
}

// refused reports a value with which no version of Grafana starts.
func (c *checker) refused(e *entry, hint, format string, args ...any) {
	c.fatals[[2]int{e.line, e.col}] = true
	c.report(finding.Error, RuleFatalValue, e.line, e.col, fmt.Sprintf(format, args...), hint)
}

// fatal reports a value with which the versions of Grafana that were tried do not start. For a newer version, which may
// accept more, it is a warning.
func (c *checker) fatal(e *entry, hint, format string, args ...any) {
	if !c.newerThanTried() {
		c.refused(e, hint, format, args...)
		return
	}
	c.fatals[[2]int{e.line, e.col}] = true
	c.warn(e, RuleFatalValue, hint+"; these are the rules of Grafana 12.4; a newer version may allow it", format, args...)
}

func (c *checker) newerThanTried() bool { return grafana.Tried.Before(c.version) }

// name is the key's name in messages.
func (e *entry) name() string {
	if e.section == defaultSection {
		return shown(e.key)
	}
	return "[" + shown(e.section) + "] " + shown(e.key)
}
