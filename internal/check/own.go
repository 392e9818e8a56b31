package check

import (
	"path/filepath"

	"reloader/internal/config"
	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// RuleOwnFile is the rule for mistakes in reloader's own configuration file.
const RuleOwnFile = "reloader-config"

// own judges reloader's own configuration file: what `run` would refuse. It does not check the files of targets, because they are where
// reloader runs, not where its configuration is written.
func own(path string) Result {
	c := Result{Name: path}
	content, err := readBounded(path)
	if err != nil {
		c.Err = err
		return c
	}
	c.Digest = snapshot.FromFiles(snapshot.Source{Name: "config", Dir: filepath.Dir(path)}, map[string][]byte{filepath.Base(path): content}).Digest
	for _, e := range config.Check(path, content) {
		message := e.Message
		if e.Field != "" {
			message = e.Field + ": " + message
		}
		c.Findings = append(c.Findings, finding.Finding{
			File: path, Line: e.Line, Column: e.Column, Severity: finding.Error, Rule: RuleOwnFile, Message: message, Hint: e.Hint,
		})
	}
	finding.Sort(c.Findings)
	return c
}
