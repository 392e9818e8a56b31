package judge

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"reloader/internal/yamlnode"
)

// ruleLines are the lines of the n-th rule (from 1) of a group; all lines when it cannot be found.
func (ix *index) ruleLines(group string, n int) (from, to int) {
	const all = 1 << 30
	if n == 0 {
		return 1, all
	}
	for _, g := range ix.groupsOf(group) {
		if rules := child(g, "rules"); rules != nil && n <= len(rules.Content) {
			rule := rules.Content[n-1]
			return rule.Line, lastLine(rule)
		}
	}
	return 1, all
}

// groupsOf are the rule groups with a name.
func (ix *index) groupsOf(group string) []*yaml.Node {
	if ix.groups == nil {
		ix.groups = map[string][]*yaml.Node{}
		if groups := child(ix.root, "groups"); groups != nil {
			for _, g := range groups.Content {
				if name := child(g, "name"); name != nil {
					ix.groups[name.Value] = append(ix.groups[name.Value], g)
				}
			}
		}
	}
	return ix.groups[group]
}

// groupOf is where a problem of a group itself is: at the second group with the same name, or at the first without a name. Nil for
// other problems.
func (ix *index) groupOf(p *problem) *yaml.Node {
	if same := ix.groupsOf(p.group); p.group != "" && p.number == 0 && len(same) > 1 {
		return child(same[1], "name")
	}
	groups := child(ix.root, "groups")
	if !p.unnamed || groups == nil {
		return nil
	}
	for _, g := range groups.Content {
		if n := child(g, "name"); n == nil {
			return g
		} else if n.Value == "" {
			return n
		}
	}
	return nil
}

func child(n *yaml.Node, key string) *yaml.Node {
	for k, v := range yamlnode.Pairs(n) {
		if k.Value == key {
			return v
		}
	}
	return nil
}

func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, c := range n.Content {
		last = max(last, lastLine(c))
	}
	return last
}

// inQuery moves a problem from the beginning of an expression to the place where its parser stopped. It stays at the
// beginning when that place cannot be mapped to the file exactly.
func (ix *index) inQuery(p *problem) {
	var expr *yaml.Node
	for _, at := range ix.between(p.line, p.line) {
		if at.node.Column == p.column && at.node.Kind == yaml.ScalarNode && !at.isKey {
			expr = at.node
			break
		}
	}
	if expr == nil || expr.Line > len(ix.text) {
		return
	}
	// The end of an expression is after its last character, not after its last line.
	before := p.query[:min(p.offset, len(strings.TrimRight(p.query, " \n")))]
	switch expr.Style {
	case yaml.LiteralStyle:
		line := expr.Line + strings.Count(before, "\n")
		if line >= len(ix.text) {
			return
		}
		source := ix.text[line]
		indent := utf8.RuneCountInString(source) - utf8.RuneCountInString(strings.TrimLeft(source, " "))
		part := before[strings.LastIndexByte(before, '\n')+1:]
		// An expression may be indented deeper than its block. The part then contains the extra blanks.
		full, _, _ := strings.Cut(p.query[len(before)-len(part):], "\n")
		own := utf8.RuneCountInString(part) - (len(full) - len(strings.TrimLeft(full, " ")))
		p.line, p.column = line+1, indent+1+max(own, 0)
	case 0, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle:
		start := expr.Column - 1
		if expr.Style != 0 {
			start++
		}
		source := []rune(ix.text[expr.Line-1])
		if start <= len(source) && strings.HasPrefix(string(source[start:]), before) {
			p.column = start + 1 + utf8.RuneCountInString(before)
		}
	default:
		// In folded text, an offset does not map to a place in the file.
	}
}
