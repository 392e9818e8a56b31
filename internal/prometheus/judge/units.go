package judge

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/yamlnode"
)

// text is a YAML file as lines, so that parts of it can be judged alone and keep their line numbers.
type text []string

// unit is a part of a file that makes sense alone: a section, a job, a list of relabelings, one relabeling. Its lines are
// [from, to). The key or dash of a unit with children is on the lines before its first child. For an item of a list, it
// can also be on the first child's line.
type unit struct {
	key, node *yaml.Node
	from, to  int
	children  []*unit
	// dash is the part of the first child's line that stays when that child is left out.
	dash string
	// item says that the unit is a mapping in a list: its scalar keys belong together.
	item bool
}

// scalar reports whether the unit is a key with a plain value.
func (u *unit) scalar() bool { return u.key != nil && u.node.Kind == yaml.ScalarNode }

// identity reports whether the unit is the key that an item cannot exist without.
func (u *unit) identity() bool {
	return u.scalar() && (u.name() == "job_name" || u.name() == "url" || u.name() == "name")
}

// name is the unit's key; empty for items of lists.
func (u *unit) name() string {
	if u.key == nil {
		return ""
	}
	return u.key.Value
}

// relabeling reports whether the unit relabels targets.
func (u *unit) relabeling() bool { return u.name() == "relabel_configs" }

// discovery reports whether the unit finds targets.
func (u *unit) discovery() bool {
	return u.name() == "static_configs" || strings.HasSuffix(u.name(), "_sd_configs")
}

// maxDepth is how deep units are divided: sections, their jobs, a job's keys, a list's items, and two more levels.
const maxDepth = 6

// cut divides a parsed file into units. A file that cannot be divided by lines (flow style, anchors) is one unit without
// children.
func (t text) cut(root *yaml.Node) *unit {
	u := &unit{node: root, from: 0, to: len(t)}
	if !hasAnchors(root) {
		t.divide(u, maxDepth)
	}
	return u
}

func (t text) divide(u *unit, depth int) {
	if depth == 0 || u.node.Style&yaml.FlowStyle != 0 {
		return
	}
	var children []*unit
	switch u.node.Kind {
	case yaml.MappingNode:
		for k, v := range yamlnode.Pairs(u.node) {
			children = append(children, &unit{key: k, node: v, from: k.Line - 1})
		}
	case yaml.SequenceNode:
		for _, v := range u.node.Content {
			children = append(children, &unit{node: v, from: t.dashLine(v.Line - 1)})
		}
	default:
		return
	}
	if !t.place(u, children) {
		return
	}
	u.children = children
	for _, c := range children {
		switch {
		case c.key == nil && c.node.Kind == yaml.MappingNode && isUnitList(u.name()):
			c.item = true
			t.divide(c, depth-1)
		case c.key != nil && (c.node.Kind == yaml.SequenceNode || c.name() == "alerting"):
			t.divide(c, depth-1)
		}
	}
}

// isUnitList names the lists whose items have parts that make sense alone.
func isUnitList(name string) bool {
	return slices.Contains([]string{"scrape_configs", "alertmanagers", "remote_write", "remote_read", "groups"}, name)
}

// place gives the children their lines; false when one of them does not begin on its own line.
func (t text) place(u *unit, children []*unit) bool {
	for i, c := range children {
		first := u.from
		if u.key != nil {
			first++
		}
		if i > 0 {
			first = children[i-1].from + 1
		}
		if c.from < first || c.from >= u.to {
			return false
		}
		c.to = u.to
		if i > 0 {
			children[i-1].to = c.from
		}
	}
	if len(children) > 0 && u.key == nil && u.node.Kind == yaml.MappingNode && children[0].from == u.from {
		line := t[u.from]
		if col := children[0].key.Column - 1; col > 0 && col <= len(line) {
			u.dash = strings.TrimRight(line[:col], " ") + "\n"
		}
	}
	return true
}

// dashLine is the line with the dash of the item whose contents begin on the given line.
func (t text) dashLine(line int) int {
	for i := min(line, len(t)-1); i >= 0; i-- {
		s := strings.TrimSpace(t[i])
		if strings.HasPrefix(s, "-") {
			return i
		}
		if i < line && s != "" && !strings.HasPrefix(s, "#") {
			break
		}
	}
	return line
}

// render returns the text of the kept units, and the line of the file for each of its lines.
func (t text) render(root *unit, keep map[*unit]bool) (string, []int) {
	r := &renderer{text: t, keep: keep}
	r.write(root)
	return r.b.String(), r.lines
}

type renderer struct {
	text  text
	keep  map[*unit]bool
	b     strings.Builder
	lines []int
}

func (r *renderer) emit(from, to int) {
	for i := from; i < to && i < len(r.text); i++ {
		r.b.WriteString(r.text[i])
		r.lines = append(r.lines, i+1)
	}
}

// wanted reports whether a unit or any part of it is kept.
func (r *renderer) wanted(u *unit) bool {
	return r.keep[u] || slices.ContainsFunc(u.children, r.wanted)
}

func (r *renderer) write(u *unit) {
	if len(u.children) == 0 {
		if r.keep[u] {
			r.emit(u.from, u.to)
		}
		return
	}
	if !r.wanted(u) {
		return
	}
	if first := u.children[0]; first.from > u.from {
		r.emit(u.from, first.from)
	} else if u.dash != "" && !r.wanted(first) {
		r.b.WriteString(u.dash)
		r.lines = append(r.lines, u.from+1)
	}
	for _, c := range u.children {
		r.write(c)
	}
}

// leaves adds the unit's indivisible parts to a set.
func (u *unit) leaves(set map[*unit]bool) {
	if len(u.children) == 0 {
		set[u] = true
		return
	}
	for _, c := range u.children {
		c.leaves(set)
	}
}

func hasAnchors(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || n.Anchor != "" || slices.ContainsFunc(n.Content, hasAnchors)
}
