package provisioning

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Value is a text as Grafana would see it.
type Value struct {
	Node *yaml.Node
	// Text is the expanded text; meaningless unless Known.
	Text string
	// Raw is the text in the file.
	Raw string
	// Set says that the key has a value other than null.
	Set bool
	// Known says that Text does not depend on anything that only Grafana's container knows.
	Known bool
	// Changed says that Text is, or may be, different from Raw because of expansion.
	Changed bool
}

// Empty reports whether the value is certainly empty.
func (v Value) Empty() bool { return v.Known && v.Text == "" }

// Bool is a boolean; Known is false when it depends on Grafana's environment or is not valid.
type Bool struct {
	Node       *yaml.Node
	Value      bool
	Set, Known bool
}

// Int is a whole number; Known is false when it depends on Grafana's environment or is not valid.
type Int struct {
	Node       *yaml.Node
	Value      int64
	Set, Known bool
}

// Text reads and expands a string field: any scalar is accepted, null keeps the default.
func (d *Decoder) Text(m *Map, key string) Value { return d.text(m.Get(key), key, false) }

// Secret is Text for a field whose contents must not be shown, not even the names of variables.
func (d *Decoder) Secret(m *Map, key string) Value { return d.text(m.Get(key), key, true) }

// TextNode is Text for a node that is not a field of a map. what names it in messages.
func (d *Decoder) TextNode(n *yaml.Node, what string) Value { return d.text(n, what, false) }

func (d *Decoder) text(n *yaml.Node, what string, secret bool) Value {
	v, ok := d.raw(n, what)
	if !ok || !v.Set {
		return v
	}
	x := Expand(d.Env, v.Raw, secret)
	d.Remarks(n, x)
	v.Text, v.Known, v.Changed = x.Text, x.Known && !x.fatal(), x.Changed
	return v
}

// PlainText reads a string field that Grafana does not expand.
func (d *Decoder) PlainText(m *Map, key string) Value {
	v, _ := d.raw(m.Get(key), key)
	return v
}

// raw returns a scalar's text; not ok when the value was reported.
func (d *Decoder) raw(n *yaml.Node, what string) (Value, bool) {
	r := d.Resolve(n)
	if r == nil || d.keepsDefault(r) {
		return Value{Node: n, Known: !d.stopped}, !d.stopped
	}
	if r.Kind != yaml.ScalarNode {
		d.Errorf(n, RuleWrongType, templateHint(r), "'%s' must be a string, not %s: Grafana refuses the file", what, kindName(r))
		return Value{Node: n, Set: true}, false
	}
	text := r.Value
	switch r.ShortTag() {
	case "!!null":
		text = ""
	case "!!binary":
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			d.Errorf(n, RuleWrongType, "", "'%s' has the tag !!binary and is not base64: Grafana refuses the file", what)
			return Value{Node: n, Set: true}, false
		}
		text = string(b)
	}
	if !d.tagFits(n, r, what) {
		return Value{Node: n, Set: true}, false
	}
	return Value{Node: n, Raw: text, Text: text, Set: true, Known: true}, true
}

// tagFits reports whether a value fits its explicit tag, such as !!int.
func (d *Decoder) tagFits(n, r *yaml.Node, what string) bool {
	if r.Style&yaml.TaggedStyle == 0 {
		return true
	}
	var v any
	if err := decodeNode(r, &v); err != nil {
		d.Errorf(n, RuleWrongType, "remove the tag", "'%s' does not fit its tag: Grafana refuses the file", what)
		return false
	}
	return true
}

// Remarks reports the remarks of an expansion.
func (d *Decoder) Remarks(n *yaml.Node, x Expansion) {
	for _, r := range x.Remarks {
		subject := r.Subject
		if subject != "" {
			subject = " " + subject
		}
		switch r.Rule {
		case RuleFileMissing:
			if r.Fatal {
				d.Errorf(n, r.Rule, "write the absolute path of a readable file, without spaces or variables", "$__file{} names%s, which is not a readable file: Grafana refuses all files of this kind", cmp.Or(subject, " something"))
			} else {
				d.Warnf(n, r.Rule, "make sure that Grafana's container has it", "$__file{} names%s, which is not here; if Grafana does not have it either, it refuses all files of this kind", cmp.Or(subject, " something"))
			}
		case RuleExpandedTwice:
			d.Warnf(n, r.Rule, "use a value without dollar signs, or write $NAME without braces, which is expanded once", "the inserted value has a dollar sign and is expanded again, which damages it")
		case RuleDollarCut:
			d.Warnf(n, r.Rule, "write $$ for a dollar sign", "Grafana reads the dollar sign and what follows as a variable, and both disappear")
		case RuleOwnVariable:
			d.Warnf(n, r.Rule, "write $$ for the dollar sign, as in $${__value.raw}", "this looks like one of Grafana's own variables, but in a file Grafana reads it as an environment variable, and it disappears")
		case RuleVariableUnset:
			d.Warnf(n, r.Rule, "set the variable in Grafana's container", "the variable%s is not set or empty: it becomes an empty string", subject)
		case RuleDefaultSyntax:
			d.Warnf(n, r.Rule, "set the variable in Grafana's container", "Grafana has no defaults in ${NAME:-default}: it looks for a variable with that whole name, and the value becomes empty")
		case RuleUnknownExpander:
			d.Warnf(n, r.Rule, "write $__env{NAME} or $__file{PATH}", "Grafana has no such expander: the braces and what is in them stay as text")
		}
	}
}

// Bool reads and expands a boolean: 1 t T TRUE true True 0 f F FALSE false False, quoted or not; null is false.
func (d *Decoder) Bool(m *Map, key string) Bool {
	v := d.text(m.Get(key), key, false)
	b := Bool{Node: v.Node, Set: v.Set, Known: v.Known}
	if !v.Set {
		return b
	}
	if !v.Known {
		d.unknownValue(v, key, "true or false")
		return b
	}
	val, err := strconv.ParseBool(v.Text)
	if err != nil {
		b.Known = false
		d.Errorf(v.Node, RuleBadBool, "write true or false", "'%s' must be true or false; yes, no, on, off and an empty string do not count: Grafana refuses the file", key)
		return b
	}
	b.Value = val
	return b
}

// Int reads and expands a decimal whole number; null and an empty text are 0.
func (d *Decoder) Int(m *Map, key string) Int { return d.IntNode(m.Get(key), key) }

// IntNode is Int for a node that is not a field of a map. key names it in messages.
func (d *Decoder) IntNode(n *yaml.Node, key string) Int {
	v := d.text(n, key, false)
	i := Int{Node: v.Node, Set: v.Set, Known: v.Known}
	if !v.Set {
		return i
	}
	if !v.Known {
		d.unknownValue(v, key, "a whole number")
		return i
	}
	if v.Text == "" {
		return i
	}
	val, err := strconv.ParseInt(v.Text, 10, 64)
	if err != nil {
		i.Known = false
		d.Errorf(v.Node, RuleBadInt, "write a decimal number without a unit", "'%s' must be a decimal whole number: Grafana refuses the file", key)
		return i
	}
	i.Value = val
	return i
}

// unknownValue warns that a value that must have a certain form depends on Grafana's environment. It does not repeat
// what was already reported as wrong.
func (d *Decoder) unknownValue(v Value, key, form string) {
	if v.Raw == "" || d.stopped || !strings.Contains(v.Raw, "$") || d.Env.Same {
		return
	}
	d.Warnf(v.Node, RuleUnknownValue, "check it in Grafana's container, or use --grafana-same-env if the environment is the same",
		"'%s' comes from Grafana's environment; it must be %s, or Grafana refuses the file", key, form)
}

// PlainInt reads a number that the YAML library itself decodes: it refuses quoted numbers,
// cuts off fractions and does not expand variables.
func (d *Decoder) PlainInt(m *Map, key string) Int {
	var out int64
	set, ok := d.plain(m, key, "a whole number", &out)
	return Int{Node: m.Get(key), Value: out, Set: set, Known: ok}
}

// PlainBool reads a boolean that the YAML library itself decodes.
func (d *Decoder) PlainBool(m *Map, key string) Bool {
	var out bool
	set, ok := d.plain(m, key, "true or false without quotes", &out)
	return Bool{Node: m.Get(key), Value: out, Set: set, Known: ok}
}

func (d *Decoder) plain(m *Map, key, form string, out any) (set, ok bool) {
	n := m.Get(key)
	r := d.Resolve(n)
	if r == nil || r.ShortTag() == "!!null" {
		return false, !d.stopped
	}
	rule := RuleBadInt
	b, isBool := out.(*bool)
	if isBool {
		rule = RuleBadBool
	}
	good := r.Kind == yaml.ScalarNode
	if good {
		var err error
		// The older library does not accept quoted words as booleans.
		if isBool && d.Dialect == V2 && r.ShortTag() == "!!str" {
			*b, err = oldBool(r)
		} else {
			err = decodeNode(r, out)
		}
		good = err == nil
	}
	if !good {
		hint := ""
		if key == "apiVersion" {
			hint = cmp.Or(d.ObjectHint(m), "write apiVersion: 1")
		}
		d.Errorf(n, rule, hint, "'%s' must be %s; variables are not expanded here: Grafana refuses the file", key, form)
	}
	return true, good
}

func oldBool(r *yaml.Node) (bool, error) {
	if r.Style == 0 {
		switch r.Value {
		case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
			return true, nil
		case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
			return false, nil
		}
	}
	return false, errors.New("not a boolean")
}

// decodeNode decodes a scalar as the library does, and turns its panics into errors.
func decodeNode(n *yaml.Node, out any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decode: %v", r)
		}
	}()
	return n.Decode(out)
}
