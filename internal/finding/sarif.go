package finding

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// sarifSchema is the usual address of the schema of SARIF 2.1.0.
const sarifSchema = "https://json.schemastore.org/sarif-2.1.0.json"

// The parts of SARIF 2.1.0 that reloader writes, with the names in its specification.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		ColumnKind  string            `json:"columnKind"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifInvocation struct {
		ExecutionSuccessful        bool                `json:"executionSuccessful"`
		ToolExecutionNotifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string       `json:"level"`
		Message sarifMessage `json:"message"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
)

// sarifLevels are the severities in SARIF.
var sarifLevels = map[Severity]string{Error: "error", Warning: "warning", Info: "note"}

// WriteSARIF writes findings in the Static Analysis Results Interchange Format 2.1.0, which GitHub code scanning and other tools
// read. unjudged are the reasons why parts have no verdict.
func WriteSARIF(w io.Writer, version string, findings []Finding, unjudged []string) error {
	var rules []string
	for _, f := range findings {
		rules = append(rules, sarifRuleID(f))
	}
	slices.Sort(rules)
	rules = slices.Compact(rules)
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "reloader", Version: version, Rules: []sarifRule{}}},
		ColumnKind:  "unicodeCodePoints",
		Invocations: []sarifInvocation{{ExecutionSuccessful: len(unjudged) == 0}},
		Results:     []sarifResult{},
	}
	for _, r := range rules {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{r})
	}
	for _, reason := range unjudged {
		run.Invocations[0].ToolExecutionNotifications = append(run.Invocations[0].ToolExecutionNotifications,
			sarifNotification{"error", sarifMessage{"could not judge: " + OneLine(reason)}})
	}
	for _, f := range findings {
		run.Results = append(run.Results, sarif(f, slices.Index(rules, sarifRuleID(f))))
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(sarifLog{sarifSchema, "2.1.0", []sarifRun{run}}); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func sarifRuleID(f Finding) string { return cmp.Or(f.Rule, "reloader") }

func sarif(f Finding, rule int) sarifResult {
	text := OneLine(f.Message)
	if f.Hint != "" {
		text += " (" + OneLine(f.Hint) + ")"
	}
	id := sarifRuleID(f)
	r := sarifResult{RuleID: id, RuleIndex: rule, Level: cmp.Or(sarifLevels[f.Severity], "none"), Message: sarifMessage{cmp.Or(text, id)}}
	if f.File == "" {
		return r
	}
	p := sarifPhysical{ArtifactLocation: sarifArtifact{sarifURI(f.File)}}
	if f.Line > 0 {
		p.Region = &sarifRegion{StartLine: f.Line, StartColumn: max(0, f.Column)}
	}
	r.Locations = []sarifLocation{{p}}
	return r
}

// sarifURI is a path as a URI reference. A relative path stays relative to the directory where the command ran.
func sarifURI(file string) string {
	file = filepath.ToSlash(file)
	if strings.HasPrefix(file, "/") {
		return (&url.URL{Scheme: "file", Path: file}).String()
	}
	return (&url.URL{Path: file}).String()
}
