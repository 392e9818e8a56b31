package judge

import (
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v3"

	"reloader/internal/prometheus/validator"
	"reloader/internal/yamlnode"
	"reloader/internal/yamlslip"
)

// place is a node of a file and the path to it.
type place struct {
	node *yaml.Node
	// key is the key whose value or list item the node is; nil at the top.
	key *yaml.Node
	// path are the keys from the top, without indexes. For a key, it ends with the key itself.
	path  []string
	isKey bool
}

// last is the last key of the path, section the one before it; empty when there is none.
func (p place) last() string { return p.fromEnd(1) }

func (p place) section() string { return p.fromEnd(2) }

func (p place) fromEnd(n int) string {
	if len(p.path) < n {
		return ""
	}
	return p.path[len(p.path)-n]
}

// index holds the nodes of a file with their places.
type index struct {
	root   *yaml.Node
	places []place
	text   text
	// inOrder says that places are sorted by line, so that a binary search finds those of a line.
	inOrder bool
	// patterns are the first places of the patterns in file_sd_configs; nil until they are needed.
	patterns map[string]*yaml.Node
	// groups are the rule groups by name; nil until they are needed.
	groups map[string][]*yaml.Node
}

// parse reads the file's first document; the root is nil when it is empty.
func parse(b []byte) (*index, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	ix := &index{text: yamlslip.Lines(string(b))}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		ix.root = doc.Content[0]
		ix.add(ix.root, nil, nil)
	}
	ix.inOrder = slices.IsSortedFunc(ix.places, func(a, b place) int { return a.node.Line - b.node.Line })
	return ix, nil
}

// between are the places of the lines from..to, both included.
func (ix *index) between(from, to int) []place {
	if !ix.inOrder {
		return slices.DeleteFunc(slices.Clone(ix.places), func(at place) bool { return at.node.Line < from || at.node.Line > to })
	}
	before := func(at place, line int) int { return at.node.Line - line }
	first, _ := slices.BinarySearchFunc(ix.places, from, before)
	end, _ := slices.BinarySearchFunc(ix.places, to+1, before)
	return ix.places[first:max(first, end)]
}

func (ix *index) add(n, key *yaml.Node, path []string) {
	ix.places = append(ix.places, place{node: n, key: key, path: path})
	switch n.Kind {
	case yaml.MappingNode:
		for k, v := range yamlnode.Pairs(n) {
			below := append(slices.Clip(path), k.Value)
			ix.places = append(ix.places, place{node: k, key: key, path: below, isKey: true})
			ix.add(v, k, below)
		}
	case yaml.SequenceNode:
		for _, v := range n.Content {
			ix.add(v, key, path)
		}
	default:
		// Aliases are not followed: they point to places that are already in the index.
	}
}

// locate gives a problem its column, and its line when that is unknown.
func (ix *index) locate(p *problem) {
	if p.line == 0 {
		from, to := ix.ruleLines(p.group, p.number)
		ix.within(p, from, to)
	}
	if p.under != "" && p.first > 0 && p.first < p.line {
		p.message += " (first on line " + strconv.Itoa(p.first) + ")"
	}
	if p.query != "" {
		ix.inQuery(p)
	}
	if p.column > 0 {
		return
	}
	here := ix.between(p.line, p.line)
	for _, at := range here {
		switch {
		case p.tag != "" && !at.isKey && at.node.ShortTag() == p.tag,
			len(p.needles) > 0 && at.isKey && at.node.Value == p.needles[0]:
			p.column = at.node.Column
			if p.tag != "" && at.key != nil {
				p.message = quoted(at.key.Value) + ": " + p.message
			}
			return
		}
	}
	if len(here) > 0 {
		p.column = here[0].node.Column
	}
}

// within finds the place of a problem without a line, in the lines from..to: the value or key that it quotes, a key that
// it names, or the beginning.
func (ix *index) within(p *problem, from, to int) {
	if n := ix.groupOf(p); n != nil {
		p.line, p.column = n.Line, n.Column
		return
	}
	if p.regexp && ix.point(p, from, to, isBadRegexp) {
		return
	}
	if len(p.needles) > 0 && p.needles[0] == "" && ix.point(p, from, to, func(at place) bool { return at.isKey && at.node.Value == "" }) {
		return
	}
	isField := func(at place) bool {
		return at.isKey && at.node.Value == p.needles[0] && (at.section() == "annotations" || at.section() == "labels")
	}
	if p.field && ix.point(p, from, to, isField) {
		return
	}
	if p.rule == validator.RuleTarget && strings.Contains(p.message, "no address") &&
		ix.point(p, from, to, isEmptyTarget) {
		return
	}
	// A message also names the job. The key of the mistake is the better place.
	key := ix.named(p.message, from, to)
	isKey := func(at place) bool { return at.isKey && at.node.Value == key }
	if !p.last && key != "" && key != "job_name" && onlyJob(ix, p.needles, from, to) && ix.point(p, from, to, isKey) {
		return
	}
	for _, needle := range p.needles {
		fits := func(at place) bool {
			return at.node.Kind == yaml.ScalarNode && at.node.Value == needle && (p.under == "" || !at.isKey && at.last() == p.under)
		}
		if needle != "" && ix.point(p, from, to, fits) {
			return
		}
	}
	if key != "" && ix.point(p, from, to, isKey) {
		return
	}
	ix.point(p, from, to, func(place) bool { return true })
}

func isEmptyTarget(at place) bool {
	return !at.isKey && at.last() == "targets" && at.node.Kind == yaml.ScalarNode && at.node.Value == ""
}

// onlyJob reports whether a message quotes nothing in these lines but the name of a job.
func onlyJob(ix *index, needles []string, from, to int) bool {
	if len(needles) == 0 {
		return false
	}
	for _, at := range ix.between(from, to) {
		if at.isKey || at.node.Kind != yaml.ScalarNode || !slices.Contains(needles, at.node.Value) {
			continue
		}
		if at.last() != "job_name" {
			return false
		}
	}
	return true
}

// isBadRegexp reports whether a place holds a regular expression that relabeling cannot use.
func isBadRegexp(at place) bool {
	if at.isKey || at.last() != "regex" || at.node.Kind != yaml.ScalarNode {
		return false
	}
	_, err := relabel.NewRegexp(at.node.Value)
	return err != nil
}

// point sets the problem's position to a place in the lines that fits, and reports whether there is one.
func (ix *index) point(p *problem, from, to int, fits func(place) bool) bool {
	found := false
	for _, at := range ix.between(from, to) {
		if !fits(at) {
			continue
		}
		p.line, p.column, found = at.node.Line, at.node.Column, true
		if !p.last {
			break
		}
		if p.first == 0 {
			p.first = p.line
		}
	}
	return found
}

// named is the longest key in the lines that is also a word of the message.
func (ix *index) named(message string, from, to int) string {
	best := ""
	words := strings.FieldsFunc(strings.ToLower(message), func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	has := map[string]bool{}
	for i, w := range words {
		has[w] = true
		if i > 0 {
			has[words[i-1]+"_"+w] = true
		}
	}
	for _, at := range ix.between(from, to) {
		if at.isKey && has[strings.ToLower(at.node.Value)] && len(at.node.Value) > len(best) {
			best = at.node.Value
		}
	}
	return best
}

// at finds a key on a line.
func (ix *index) at(line int, key string) (place, bool) {
	for _, at := range ix.between(line, line) {
		if at.isKey && at.node.Value == key {
			return at, true
		}
	}
	return place{}, false
}

// targetFiles is the first node in file_sd_configs with this pattern; nil when there is none.
func (ix *index) targetFiles(pattern string) *yaml.Node {
	if ix.patterns == nil {
		ix.patterns = map[string]*yaml.Node{}
		for _, at := range ix.places {
			files := !at.isKey && at.last() == "files" && at.section() == "file_sd_configs" && at.node.Kind == yaml.ScalarNode
			if files && ix.patterns[at.node.Value] == nil {
				ix.patterns[at.node.Value] = at.node
			}
		}
	}
	return ix.patterns[pattern]
}

func quoted(s string) string { return `"` + s + `"` }
