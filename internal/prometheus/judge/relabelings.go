package judge

import (
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
)

// eachRelabeling judges the relabelings of a list one by one where the file cannot be divided by lines: in a list that is
// written in brackets, and in a file with anchors. The library stops at the first bad one.
func (ix *index) eachRelabeling(found []problem) []problem {
	if !blocking(found) {
		return found
	}
	anchors := hasAnchors(ix.root)
	for _, at := range ix.places {
		list := at.node
		if at.isKey || !strings.HasSuffix(at.last(), "relabel_configs") || list.Kind != yaml.SequenceNode || !anchors && list.Style&yaml.FlowStyle == 0 {
			continue
		}
		for _, item := range list.Content {
			for _, p := range relabelingProblems(item) {
				ix.inItem(&p, place{node: item, key: at.key, path: at.path})
				// The library said so too, of the list as a whole.
				found = slices.DeleteFunc(found, func(f problem) bool {
					return f.line >= list.Line && f.line <= lastLine(list) && strings.HasSuffix(p.message, f.message)
				})
				found = append(found, p)
			}
		}
	}
	return found
}

func relabelingProblems(n *yaml.Node) []problem {
	var plain any
	if n.Decode(&plain) != nil {
		return nil
	}
	text, err := yaml2.Marshal(plain)
	if err != nil {
		return nil
	}
	var c relabel.Config
	if err = yaml2.UnmarshalStrict(text, &c); err == nil {
		err = c.Validate(model.UTF8Validation)
	}
	return problems(err, configNames)
}

// inItem finds the place of a problem in one item of a list.
func (ix *index) inItem(p *problem, item place) {
	sub := &index{root: item.node, text: ix.text}
	sub.add(item.node, item.key, item.path)
	types := fields(reflect.TypeFor[relabel.Config]())
	for _, at := range sub.places[1:] {
		t := types[at.last()]
		if p.tag != "" && !at.isKey && at.node.ShortTag() == p.tag && t != nil && typeMessage(wanted(t.String()), got(p.tag)) == p.message {
			p.line, p.column, p.message = at.node.Line, at.node.Column, quoted(at.last())+": "+p.message
			return
		}
	}
	sub.within(p, item.node.Line, lastLine(item.node))
}
