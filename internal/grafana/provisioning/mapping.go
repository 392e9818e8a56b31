package provisioning

import (
	"cmp"
	"iter"
	"slices"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
)

// Field is one entry of a map: the key as text, and both nodes. Node may be an alias.
type Field struct {
	Key     string
	KeyNode *yaml.Node
	Node    *yaml.Node
}

// Map is a mapping as the library would decode it into a structure, after duplicate keys and merges.
// The zero Map is empty and ready to use.
type Map struct {
	Node   *yaml.Node
	Fields []Field
	index  map[string]int
}

func (m *Map) field(key string) (f Field, ok bool) {
	if m == nil {
		return Field{}, false
	}
	i, ok := m.index[key]
	if ok {
		f = m.Fields[i]
	}
	return f, ok
}

// Get returns a key's value node; nil when the map has no such key.
func (m *Map) Get(key string) *yaml.Node {
	f, _ := m.field(key)
	return f.Node
}

// Key returns a key's own node, to which a finding points; the map's node when it has no such key.
func (m *Map) Key(key string) *yaml.Node {
	f, ok := m.field(key)
	if !ok && m != nil {
		return m.Node
	}
	return f.KeyNode
}

// Has reports whether the map has the key, even with no value.
func (m *Map) Has(key string) bool {
	_, ok := m.field(key)
	return ok
}

func (m *Map) set(f Field, overwrite bool) {
	if i, ok := m.index[f.Key]; ok {
		if overwrite {
			m.Fields[i] = f
		}
		return
	}
	if m.index == nil {
		m.index = map[string]int{}
	}
	m.index[f.Key] = len(m.Fields)
	m.Fields = append(m.Fields, f)
}

// Map reads a mapping. what names it in messages ("the entry"). Null gives an empty map and
// true; anything but a map is reported and gives false.
func (d *Decoder) Map(n *yaml.Node, what string) (*Map, bool) {
	m := &Map{Node: n}
	r := d.Resolve(n)
	if r == nil || r.ShortTag() == "!!null" {
		return m, !d.stopped
	}
	if r.Kind != yaml.MappingNode {
		d.Errorf(n, RuleWrongType, "", "%s must be a map, not %s: Grafana refuses the file", what, kindName(r))
		return m, false
	}
	m.Node = r
	d.enter(n, func(r *yaml.Node) { d.fill(m, r, 0) })
	return m, !d.stopped
}

// maxMergeDepth limits merges of merges.
const maxMergeDepth = 100

func (d *Decoder) fill(m *Map, r *yaml.Node, depth int) {
	if depth > maxMergeDepth {
		d.stop(r, "the merge keys contain themselves")
		return
	}
	d.duplicates(r)
	var merge *yaml.Node
	for i := 0; i+1 < len(r.Content); i += 2 {
		k, v := r.Content[i], r.Content[i+1]
		if isMerge(k) {
			// The older library merges at once and overwrites earlier keys; the newer one
			// merges at the end, and only keys that are missing.
			if d.Dialect == V2 {
				d.merge(m, v, depth)
			} else {
				merge = v
			}
			continue
		}
		key, ok := d.key(k)
		if !ok || d.stopped {
			continue
		}
		m.set(Field{Key: key, KeyNode: k, Node: v}, depth == 0 || d.Dialect == V2)
	}
	if merge != nil {
		d.merge(m, merge, depth)
	}
}

func (d *Decoder) merge(m *Map, v *yaml.Node, depth int) {
	r := d.Resolve(v)
	if r == nil {
		return
	}
	switch r.Kind {
	case yaml.MappingNode:
		d.enter(v, func(r *yaml.Node) { d.fill(m, r, depth+1) })
	case yaml.SequenceNode:
		items := r.Content
		if v.Kind == yaml.AliasNode {
			d.Errorf(v, RuleWrongType, "", "<< needs a map or a list of maps: Grafana refuses the file")
			return
		}
		for i := range items {
			item := items[i]
			if d.Dialect == V2 {
				item = items[len(items)-1-i] // it overwrites, and the first item must win
			}
			if t := d.Resolve(item); t == nil || t.Kind != yaml.MappingNode {
				d.Errorf(item, RuleWrongType, "", "<< needs a map or a list of maps: Grafana refuses the file")
				return
			}
			d.enter(item, func(r *yaml.Node) { d.fill(m, r, depth+1) })
		}
	default:
		d.Errorf(v, RuleWrongType, "", "<< needs a map or a list of maps: Grafana refuses the file")
	}
}

// key returns the text of a map's key, as the library decodes it for a structure or a map of strings.
func (d *Decoder) key(k *yaml.Node) (string, bool) {
	r := d.Resolve(k)
	if r == nil {
		return "", false
	}
	if r.Kind != yaml.ScalarNode {
		d.Errorf(k, RuleWrongType, "", "a key must be a string, not %s: Grafana refuses the file", kindName(r))
		return "", false
	}
	if r.ShortTag() == "!!null" && d.Dialect == V3 {
		return "", false // dropped
	}
	if !d.tagFits(k, r, "key") {
		return "", false
	}
	return r.Value, true
}

// duplicates reports equal keys: the newer library refuses the file, the older one uses the last.
func (d *Decoder) duplicates(r *yaml.Node) {
	type id struct {
		kind  yaml.Kind
		value string
	}
	seen := make(map[id]int, len(r.Content)/2)
	for i := 0; i+1 < len(r.Content); i += 2 {
		k := r.Content[i]
		key := id{k.Kind, k.Value}
		first, dup := seen[key]
		if !dup {
			seen[key] = k.Line
			continue
		}
		if d.Dialect == V3 {
			d.Errorf(k, RuleDuplicateKey, "remove one of them", "the key %s is already on line %d: Grafana refuses the file", shownKey(k), first)
		} else {
			d.Warnf(k, RuleDuplicateKey, "remove one of them", "the key %s is already on line %d: the last one wins; Grafana 9.4 and later refuse the file", shownKey(k), first)
		}
	}
}

func isMerge(k *yaml.Node) bool {
	return k.Kind == yaml.ScalarNode && k.Value == "<<" && (k.Tag == "" || k.Tag == "!" || k.ShortTag() == "!!merge")
}

// List reads a list. Null gives an empty list and true; anything but a list is reported.
func (d *Decoder) List(n *yaml.Node, what string) ([]*yaml.Node, bool) {
	r := d.Resolve(n)
	if r == nil || r.ShortTag() == "!!null" {
		return nil, !d.stopped
	}
	if r.Kind != yaml.SequenceNode {
		d.Errorf(n, RuleWrongType, "write a dash before each item", "%s must be a list, not %s: Grafana refuses the file", what, kindName(r))
		return nil, false
	}
	return r.Content, true
}

// Items reads a list of maps in which a null item makes Grafana panic. It reads each item when its turn comes, so that
// nothing is kept of a file that is given up.
func (d *Decoder) Items(n *yaml.Node, what string) iter.Seq2[int, *Map] {
	return func(yield func(int, *Map) bool) {
		nodes, _ := d.List(n, what)
		for i, item := range nodes {
			if d.stopped {
				return
			}
			if d.IsNull(item) {
				d.Errorf(item, RuleNullItem, "remove the dash, or write the item after it", "an empty item of %s makes Grafana panic", what)
				continue
			}
			if m, ok := d.Map(item, "an item of "+what); ok && !yield(i, m) {
				return
			}
		}
	}
}

// NoList says that what should be a list is something else, which was reported as such: it is not merely missing.
func (d *Decoder) NoList(n *yaml.Node) bool {
	r := d.Resolve(n)
	return r != nil && r.Kind != yaml.SequenceNode && r.ShortTag() != "!!null"
}

// UnknownKeys warns about keys that Grafana does not read. also has keys that are judged elsewhere.
func (d *Decoder) UnknownKeys(m *Map, what string, known []string, also ...string) {
	for _, f := range m.Fields {
		if slices.Contains(known, f.Key) || slices.Contains(also, f.Key) {
			continue
		}
		hint := ""
		if f.Key == "apiVersion" {
			hint = "it belongs at the top level of the file"
		} else {
			hint = cmp.Or(KeyHint(f.Key, known), placeHint(m, f.Key, known))
		}
		d.Warnf(f.KeyNode, RuleUnknownKey, hint, "%[2]s has no key %[1]s: Grafana ignores it", shownKey(f.KeyNode), what)
	}
}

// shownKey returns a key for a message, shortened if it is long.
func shownKey(k *yaml.Node) string { return "'" + finding.Cut(k.Value, 60) + "'" }
