package provisioning

import (
	"math"
	"time"

	"go.yaml.in/yaml/v3"
)

// Unknown stands for a value in a free map that depends on Grafana's environment.
type Unknown struct{}

// FreeMap reads a free map such as jsonData and expands every string in it. The values are maps, lists,
// strings, numbers, booleans, nil and Unknown. It returns false when the map was reported, nil and true when it is missing
// or null.
func (d *Decoder) FreeMap(n *yaml.Node, what string) (map[string]any, bool) {
	return d.freeMap(n, what, free{d: d, expand: true, good: true, stored: true})
}

// JudgedMap is FreeMap for a map whose values the caller judges by kind: it does not report what a variable turns into.
func (d *Decoder) JudgedMap(n *yaml.Node, what string) (map[string]any, bool) {
	return d.freeMap(n, what, free{d: d, expand: true, good: true, stored: true, judged: true})
}

// OptionsMap is FreeMap for a map that Grafana reads but does not store as JSON.
func (d *Decoder) OptionsMap(n *yaml.Node, what string) (map[string]any, bool) {
	return d.freeMap(n, what, free{d: d, expand: true, good: true})
}

func (d *Decoder) freeMap(n *yaml.Node, what string, f free) (map[string]any, bool) {
	m, ok := d.mapOf(n, what, "a map")
	if m == nil {
		return nil, ok
	}
	return f.fields(m), f.good && !d.stopped
}

// mapOf reads a map; it returns nil and true for a null that keeps the default. form says what it must be.
func (d *Decoder) mapOf(n *yaml.Node, what, form string) (*Map, bool) {
	r := d.Resolve(n)
	if r == nil || d.keepsDefault(r) {
		return nil, !d.stopped
	}
	if r.Kind != yaml.MappingNode {
		d.Errorf(n, RuleWrongType, "", "'%s' must be %s, not %s: Grafana refuses the file", what, form, kindName(r))
		return nil, false
	}
	m, ok := d.Map(n, "'"+what+"'")
	if !ok {
		return nil, false
	}
	return m, true
}

func (f *free) fields(m *Map) map[string]any {
	out := make(map[string]any, len(m.Fields))
	for _, field := range m.Fields {
		f.key = field.Key
		out[field.Key] = f.value(field.Node)
	}
	return out
}

// PlainMap is FreeMap without expansion, as in the oldest file formats.
func (d *Decoder) PlainMap(n *yaml.Node, what string) (map[string]any, bool) {
	return d.plainMap(n, what, free{d: d, good: true, stored: true, unconverted: true})
}

// PlainOptions is OptionsMap without expansion, and accepts any key below the first level.
func (d *Decoder) PlainOptions(n *yaml.Node, what string) (map[string]any, bool) {
	return d.plainMap(n, what, free{d: d, good: true, anyKeys: true})
}

func (d *Decoder) plainMap(n *yaml.Node, what string, f free) (map[string]any, bool) {
	m, ok := d.Map(n, "'"+what+"'")
	if !ok {
		return nil, false
	}
	return f.fields(m), f.good && !d.stopped
}

// FreeList reads a list of free maps; each item must be a map with only strings as keys.
func (d *Decoder) FreeList(n *yaml.Node, what string) ([]map[string]any, []*yaml.Node) {
	return d.freeList(n, what, free{d: d, expand: true, good: true})
}

// PlainList is FreeList without expansion, as in the oldest file formats.
func (d *Decoder) PlainList(n *yaml.Node, what string) ([]map[string]any, []*yaml.Node) {
	return d.freeList(n, what, free{d: d, good: true, anyKeys: true})
}

func (d *Decoder) freeList(n *yaml.Node, what string, form free) ([]map[string]any, []*yaml.Node) {
	nodes, _ := d.List(n, "'"+what+"'")
	var out []map[string]any
	var at []*yaml.Node
	for _, item := range nodes {
		r := d.Resolve(item)
		if r == nil {
			break
		}
		if r.Kind != yaml.MappingNode {
			d.Errorf(item, RuleWrongType, "", "an item of '%s' must be a map, not %s: Grafana panics", what, kindName(r))
			continue
		}
		f := form
		f.textKeysOnly = !form.anyKeys
		if m, ok := f.value(item).(map[string]any); ok {
			out, at = append(out, m), append(at, r)
		}
	}
	return out, at
}

// TextMap reads a map of strings, such as secureJsonData. secret keeps its keys and values out of messages.
func (d *Decoder) TextMap(n *yaml.Node, what string, secret bool) (map[string]Value, bool) {
	m, ok := d.mapOf(n, what, "a map of strings")
	if m == nil {
		return nil, ok
	}
	out := make(map[string]Value, len(m.Fields))
	for _, f := range m.Fields {
		label := what
		if !secret {
			label += "." + f.Key
		}
		out[f.Key] = d.text(f.Node, label, secret)
	}
	return out, !d.stopped
}

type free struct {
	d       *Decoder
	expand  bool
	anyKeys bool
	// stored says that the map becomes JSON.
	stored bool
	// unconverted says that nested maps are stored as the library made them, which JSON accepts only
	// if all keys are strings, and from the older library never.
	unconverted bool
	// textKeysOnly says that Grafana panics on other keys with either library.
	textKeysOnly bool
	// judged says that the caller judges what each value became.
	judged bool
	// key is the key whose value is being read.
	key   string
	good  bool
	depth int
}

// maxDepth limits the nesting below a free map; the YAML library itself stops at 10,000.
const maxDepth = 10_000

func (f *free) value(n *yaml.Node) (out any) {
	d := f.d
	if f.depth > maxDepth {
		d.stop(n, "the nesting is too deep")
		return nil
	}
	f.depth++
	defer func() { f.depth-- }()
	d.enter(n, func(r *yaml.Node) {
		switch r.Kind {
		case yaml.MappingNode:
			out = f.mapping(n, r)
		case yaml.SequenceNode:
			list := make([]any, 0, len(r.Content))
			for _, item := range r.Content {
				list = append(list, f.value(item))
			}
			out = list
		default:
			out = f.scalar(n, r)
		}
	})
	return out
}

func (f *free) mapping(n, r *yaml.Node) any {
	d := f.d
	d.duplicates(r)
	if f.unconverted && d.Dialect == V2 {
		f.good = false
		d.Errorf(n, RuleNonTextKey, "write 'apiVersion: 1' at the top", "this Grafana cannot store a nested map from a file in the old format: it fails partway")
	}
	out := make(map[string]any, len(r.Content)/2)
	f.fill(out, r, true)
	return out
}

// fill adds a map's keys to out, and merges as Decoder.fill does.
func (f *free) fill(out map[string]any, r *yaml.Node, overwrite bool) {
	d := f.d
	strict := f.textKeysOnly
	f.textKeysOnly = false
	var merge *yaml.Node
	for i := 0; i+1 < len(r.Content) && !d.stopped; i += 2 {
		k, v := r.Content[i], r.Content[i+1]
		if isMerge(k) {
			if d.Dialect == V2 {
				f.merge(out, v)
			} else {
				merge = v
			}
			continue
		}
		if t := k.ShortTag(); t != "!!str" {
			f.badKey(k, strict)
			continue
		}
		key := k.Value
		if t := d.Resolve(k); t != nil {
			key = t.Value
		}
		if _, there := out[key]; there && !overwrite && d.Dialect != V2 {
			continue
		}
		f.key = key
		out[key] = f.value(v)
	}
	if merge != nil {
		f.merge(out, merge)
	}
}

func (f *free) badKey(k *yaml.Node, strict bool) {
	d := f.d
	if r := d.Resolve(k); r != nil && r.Kind != yaml.ScalarNode {
		f.good = false
		d.Errorf(k, RuleWrongType, "", "a key must be a single value, not %s: Grafana refuses the file", kindName(r))
		return
	} else if r != nil && !d.tagFits(k, r, "key") {
		f.good = false
		return
	}
	switch {
	case f.anyKeys:
	case d.Dialect == V3 || strict:
		f.good = false
		d.Errorf(k, RuleNonTextKey, "put the key in quotes", "a key in a nested map must be a string: Grafana panics on numbers and booleans")
	default:
		d.Warnf(k, RuleNonTextKey, "put the key in quotes", "a key in a nested map must be a string: this one is dropped; Grafana 9.4 and later panic")
	}
}

func (f *free) merge(out map[string]any, v *yaml.Node) {
	d := f.d
	r := d.Resolve(v)
	if r == nil {
		return
	}
	sources := []*yaml.Node{v}
	if r.Kind == yaml.SequenceNode && v.Kind != yaml.AliasNode {
		sources = r.Content
	}
	for i, s := range sources {
		if d.Dialect == V2 {
			s = sources[len(sources)-1-i] // it overwrites, and the first source must win
		}
		if t := d.Resolve(s); t == nil || t.Kind != yaml.MappingNode {
			f.good = false
			d.Errorf(s, RuleWrongType, "", "<< needs a map or a list of maps: Grafana refuses the file")
			return
		}
		f.depth++
		if f.depth > maxMergeDepth*10 {
			d.stop(s, "the merge keys contain themselves")
		}
		d.enter(s, func(r *yaml.Node) {
			d.duplicates(r)
			f.fill(out, r, false)
		})
		f.depth--
	}
}

func (f *free) scalar(n, r *yaml.Node) any {
	d := f.d
	var v any
	if r.ShortTag() == "!!str" || d.Dialect == V2 && r.ShortTag() == "!!timestamp" {
		v = r.Value
		if b, err := oldBool(r); err == nil && d.Dialect == V2 {
			v = b
		}
	} else if err := decodeNode(r, &v); err != nil {
		f.good = false
		d.Errorf(n, RuleWrongType, "remove the tag", "this value does not fit its tag: Grafana refuses the file")
		return nil
	}
	switch t := v.(type) {
	case string:
		if !f.expand {
			return t
		}
		return f.text(n, t)
	case time.Time:
		d.Warnf(n, RuleDate, "put it in quotes", "an unquoted date becomes a full timestamp")
	case float64:
		if f.stored && (math.IsNaN(t) || math.IsInf(t, 0)) {
			f.good = false
			d.Errorf(n, RuleNotFinite, "put it in quotes", "JSON has no such number: Grafana fails to store it")
		}
	}
	return v
}
