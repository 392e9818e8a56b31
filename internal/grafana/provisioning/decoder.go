package provisioning

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/grafana/expand"
)

// The rules about YAML. Their explanations are in docs/checks-grafana.md.
const (
	RuleSyntax       = "yaml-syntax"
	RuleTooLarge     = "file-too-large"
	RuleDuplicateKey = "yaml-duplicate-key"
	RuleWrongType    = "yaml-wrong-type"
	RuleBadBool      = "yaml-bad-boolean"
	RuleBadInt       = "yaml-bad-integer"
	RuleNullItem     = "yaml-null-item"
	RuleNonTextKey   = "yaml-non-text-key"
	RuleAlias        = "yaml-alias"
	RuleUnknownKey   = "yaml-unknown-key"
	RuleUnknownValue = "expand-unknown-value"
	RuleNotFinite    = "json-not-finite"
	RuleRetyped      = "expand-becomes-number"
	RuleDate         = "yaml-date"
)

// Rules are the names of all rules of this package.
func Rules() []string {
	return []string{
		RuleSyntax, RuleTooLarge, RuleDuplicateKey, RuleWrongType, RuleBadBool, RuleBadInt, RuleNullItem, RuleNonTextKey,
		RuleAlias, RuleUnknownKey, RuleUnknownValue, RuleNotFinite, RuleRetyped, RuleDate,
		RuleFileMissing, RuleExpandedTwice, RuleDollarCut, RuleOwnVariable, RuleVariableUnset, RuleDefaultSyntax, RuleUnknownExpander,
	}
}

// Decoder reads the nodes of one file as one version of Grafana would, and reports what that version would refuse
// or misunderstand. It goes on after an error, to find all of them. Not safe for concurrent use.
type Decoder struct {
	Dialect Dialect
	// TypedJSON says that an expanded value in a free map becomes a number or boolean when its
	// text looks like one (Grafana 10 and later).
	TypedJSON bool
	Env       *expand.Env
	// Report is called with each finding, whose File is empty.
	Report func(finding.Finding)
	// Done stops the reading when it is closed; it may be nil.
	Done <-chan struct{}

	// Limits on what aliases may multiply, as in the YAML library.
	decoded, aliased int
	stopped          bool
	resolving        map[*yaml.Node]bool
}

// Errorf reports what makes Grafana refuse the files.
func (d *Decoder) Errorf(n *yaml.Node, rule, hint, format string, args ...any) {
	d.report(n, finding.Error, rule, hint, fmt.Sprintf(format, args...))
}

// Warnf reports what Grafana accepts but does not do as written.
func (d *Decoder) Warnf(n *yaml.Node, rule, hint, format string, args ...any) {
	d.report(n, finding.Warning, rule, hint, fmt.Sprintf(format, args...))
}

func (d *Decoder) report(n *yaml.Node, sev finding.Severity, rule, hint, msg string) {
	f := finding.Finding{Severity: sev, Rule: rule, Message: msg, Hint: hint}
	if n != nil {
		f.Line, f.Column = n.Line, n.Column
	}
	d.Report(f)
}

// maxDecoded limits the nodes that are read in a file with aliases; a file of MaxSize has fewer.
const maxDecoded = 8_000_000

// Resolve follows aliases and counts what they multiply. It returns nil for a missing node, and
// after the reading was stopped.
func (d *Decoder) Resolve(n *yaml.Node) *yaml.Node {
	if n == nil || d.stopped {
		return nil
	}
	d.decoded++
	if d.decoded%1024 == 0 {
		select {
		case <-d.Done:
			d.stopped = true
			return nil
		default:
		}
	}
	if d.decoded > maxDecoded && d.aliased > 100 {
		d.stop(n, "the aliases of this file expand to too much")
		return nil
	}
	for hops := 0; n.Kind == yaml.AliasNode; hops++ {
		d.aliased++
		if n.Alias == nil || hops > 100 {
			return nil
		}
		n = n.Alias
	}
	return n
}

// enter calls walk with the node that n stands for. It reports anchors that contain
// themselves, and aliases that multiply beyond the library's limits.
func (d *Decoder) enter(n *yaml.Node, walk func(*yaml.Node)) {
	target := d.Resolve(n)
	if target == nil {
		return
	}
	if n.Kind != yaml.AliasNode {
		walk(target)
		return
	}
	if d.resolving[target] {
		d.stop(n, "the anchor contains itself")
		return
	}
	if d.resolving == nil {
		d.resolving = map[*yaml.Node]bool{}
	}
	d.resolving[target] = true
	before := d.decoded
	walk(target)
	d.aliased += d.decoded - before
	delete(d.resolving, target)
	if d.aliased > 100 && d.decoded > 1000 && float64(d.aliased) > allowedAliasRatio(d.decoded)*float64(d.decoded) {
		d.stop(n, "the aliases of this file expand to too much")
	}
}

// Stop ends the reading of the file: the rest of it counts as missing.
func (d *Decoder) Stop() { d.stopped = true }

// Stopped reports whether the reading was stopped, by Stop, by Done or because of aliases.
func (d *Decoder) Stopped() bool { return d.stopped }

func (d *Decoder) stop(n *yaml.Node, why string) {
	if d.stopped {
		return
	}
	d.Errorf(n, RuleAlias, "write the repeated part out in full", "%s: Grafana refuses the file", why)
	d.stopped = true
}

// allowedAliasRatio is the share of the decoded nodes that aliases may cause: 99 % up to 400,000 nodes,
// falling to 10 % at 4,000,000.
func allowedAliasRatio(decoded int) float64 {
	const low, high = 400_000, 4_000_000
	switch {
	case decoded <= low:
		return 0.99
	case decoded >= high:
		return 0.10
	}
	return 0.99 - 0.89*float64(decoded-low)/float64(high-low)
}

// IsNull reports whether a node is missing or null; false after the reading was stopped.
func (d *Decoder) IsNull(n *yaml.Node) bool {
	if n = d.Resolve(n); d.stopped {
		return false
	}
	return n == nil || n.ShortTag() == "!!null"
}

// keepsDefault reports whether a value leaves the field at its default. Null and NULL do not in the older
// library: it reads them as an empty string.
func (d *Decoder) keepsDefault(n *yaml.Node) bool {
	return n.ShortTag() == "!!null" && (d.Dialect != V2 || n.Kind != yaml.ScalarNode || n.Value == "" || n.Value == "~" || n.Value == "null")
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}
