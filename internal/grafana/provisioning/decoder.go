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

// Decoder reads the nodes of one file as a Grafana would and reports what that Grafana would refuse
// or misunderstand. It goes on after an error, so that all of them are found. Not safe for concurrent use.
type Decoder struct {
	Dialect Dialect
	// TypedJSON says that an expanded value in a free map becomes a number or boolean when its
	// text looks like one (Grafana 10 and later).
	TypedJSON bool
	Env       *expand.Env
	// Report takes findings; File is left empty.
	Report func(finding.Finding)
	// Done ends the reading when it is closed; nil never does.
	Done <-chan struct{}

	// Bounds on what aliases may multiply, as in the YAML library.
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

// maxDecoded bounds the nodes that are looked at in a file with aliases; a file of MaxSize has fewer.
const maxDecoded = 8_000_000

// Resolve follows aliases and counts what they multiply. It returns nil for a missing node and
// when the file was given up because of its aliases.
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

// enter is called around everything that lies below an alias; it reports anchors that contain
// themselves and multiplication beyond the library's bounds.
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

// Stop ends the reading of the file: what is left of it counts as not written. Stopped says that this happened.
func (d *Decoder) Stop() { d.stopped = true }

// Stopped says whether the file was given up.
func (d *Decoder) Stopped() bool { return d.stopped }

func (d *Decoder) stop(n *yaml.Node, why string) {
	if d.stopped {
		return
	}
	d.Errorf(n, RuleAlias, "write the repeated part out in full", "%s: Grafana refuses the file", why)
	d.stopped = true
}

// allowedAliasRatio is the share of decoding that aliases may cause: all but 1 % up to 400,000 nodes,
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

// IsNull says whether the library takes a node for "nothing said".
func (d *Decoder) IsNull(n *yaml.Node) bool {
	if n = d.Resolve(n); d.stopped {
		return false
	}
	return n == nil || n.ShortTag() == "!!null"
}

// keepsDefault says whether a scalar leaves the field alone. The older library does not
// take Null and NULL for it: the field is then read as an empty string.
func (d *Decoder) keepsDefault(n *yaml.Node) bool {
	if n == nil || n.ShortTag() != "!!null" {
		return n == nil
	}
	return d.Dialect != V2 || n.Kind != yaml.ScalarNode || n.Value == "" || n.Value == "~" || n.Value == "null"
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
