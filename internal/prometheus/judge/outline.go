package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
	"reloader/internal/yamlnode"
)

// outliner names the parts of a file, with aliases and merged mappings resolved.
type outliner struct {
	// left is how many more nodes may be reached through aliases: these can multiply without limit.
	left int
}

// maxAliased is far more than any file written by people has.
const maxAliased = 1_000_000

// outline adds the parts of a main file or a scrape_config_files file to the answer.
func (j *judge) outline(ix *index) {
	o := &outliner{left: maxAliased}
	add := func(kind, name string, n *yaml.Node) {
		h := finding.NewFingerprint()
		o.hash(h, n, 0, false)
		j.answer.Items = append(j.answer.Items, finding.Item{Kind: kind, Name: name, Fingerprint: h.Sum()})
	}
	for _, f := range o.fields(ix.root) {
		switch f.key {
		case "scrape_configs":
			for _, job := range o.items(f.value) {
				add("scrape job", o.text(job, "job_name"), job)
			}
		case "remote_write", "remote_read":
			for k, rw := range o.items(f.value) {
				add(f.key, cmp.Or(o.text(rw, "name"), fmt.Sprintf("#%d", k+1)), rw)
			}
		case "rule_files", "scrape_config_files":
			for _, pattern := range o.items(f.value) {
				add(f.key+" pattern", o.resolve(pattern).Value, pattern)
			}
		default:
			add("section", f.key, f.value)
		}
	}
}

// resolve follows an alias, and counts it. Aliases of aliases do not exist.
func (o *outliner) resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		o.left--
		return n.Alias
	}
	return n
}

func (o *outliner) items(n *yaml.Node) []*yaml.Node {
	if n = o.resolve(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

type field struct {
	key   string
	value *yaml.Node
}

// fields are the fields of a mapping, in the order in which their keys first appear. As in Prometheus' parser, the
// last value wins, whether it is merged or not.
func (o *outliner) fields(n *yaml.Node) []field {
	m := merged{at: map[string]int{}}
	o.collect(n, &m, 0)
	return m.fields
}

// merged is a mapping, including everything merged into it.
type merged struct {
	fields []field
	at     map[string]int
}

func (m *merged) set(f field) {
	if i, ok := m.at[f.key]; ok {
		m.fields[i] = f
		return
	}
	m.at[f.key] = len(m.fields)
	m.fields = append(m.fields, f)
}

func (o *outliner) collect(n *yaml.Node, into *merged, depth int) {
	if n = o.resolve(n); n == nil || n.Kind != yaml.MappingNode || depth > 1000 {
		return
	}
	for key, value := range yamlnode.Pairs(n) {
		if key.Tag != "!!merge" {
			into.set(field{key.Value, value})
			continue
		}
		from := o.items(value)
		if from == nil {
			from = []*yaml.Node{value}
		}
		for _, m := range slices.Backward(from) { // in a list, the first wins
			if o.left < 0 {
				return
			}
			o.collect(m, into, depth+1)
		}
	}
}

// text is the scalar value of a key of a mapping; empty when there is none.
func (o *outliner) text(n *yaml.Node, key string) string {
	for _, f := range o.fields(n) {
		if v := o.resolve(f.value); f.key == key && v.Kind == yaml.ScalarNode {
			return v.Value
		}
	}
	return ""
}

// hash follows aliases, so that a change of the anchor's value changes every item that uses it.
func (o *outliner) hash(h *finding.FingerprintHash, n *yaml.Node, depth int, aliased bool) {
	if n == nil || depth > 1000 {
		return
	}
	if n.Kind == yaml.AliasNode {
		n, aliased = n.Alias, true
	}
	if aliased {
		if o.left--; o.left < 0 {
			return
		}
	}
	h.WriteString(n.ShortTag())
	h.WriteString(n.Value)
	for _, c := range n.Content {
		o.hash(h, c, depth+1, aliased)
	}
	h.WriteString("end")
}

// outlineGroups names the groups of a rule file.
func outlineGroups(file *rulefmt.RuleGroups) []validator.Group {
	groups := make([]validator.Group, 0, len(file.Groups))
	for _, g := range file.Groups {
		h := finding.NewFingerprint()
		h.WriteString(fmt.Sprint(g.Interval, g.Limit, g.QueryOffset))
		hashMap(h, g.Labels)
		for _, r := range g.Rules {
			for _, part := range []string{r.Record, r.Alert, r.Expr, r.For.String(), r.KeepFiringFor.String()} {
				h.WriteString(part)
			}
			hashMap(h, r.Labels)
			hashMap(h, r.Annotations)
		}
		groups = append(groups, validator.Group{Name: g.Name, Fingerprint: h.Sum()})
	}
	return groups
}

func hashMap(h *finding.FingerprintHash, m map[string]string) {
	h.WriteString(strconv.Itoa(len(m)))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		h.WriteString(k)
		h.WriteString(m[k])
	}
}
