package judge

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"

	"reloader/internal/versions"
)

// maxRelabelings is how many relabelings of a bad file are judged one by one.
const maxRelabelings = 10_000

// eachRelabeling judges relabelings one by one where the file cannot be divided by lines: in a list in brackets, and in a
// file with anchors. The library stops at the first bad one.
func (ix *index) eachRelabeling(found []problem, server versions.Version) []problem {
	if !blocking(found) {
		return found
	}
	var all []problem
	anchors, judged, until := hasAnchors(ix.root), 0, time.Now().Add(maxIsolate)
	for _, at := range ix.places {
		list := at.node
		if at.isKey || !strings.HasSuffix(at.last(), "relabel_configs") || list.Kind != yaml.SequenceNode || !anchors && list.Style&yaml.FlowStyle == 0 {
			continue
		}
		first := len(all)
		for _, item := range list.Content {
			if judged++; judged > maxRelabelings || len(all) > maxProblems || time.Now().After(until) {
				break
			}
			all = append(all, ix.inItem(tolerate(relabelingProblems(item), server), place{node: item, key: at.key, path: at.path})...)
		}
		if first == len(all) {
			continue
		}
		// The library reported the same for the list as a whole.
		last := lastLine(list)
		found = slices.DeleteFunc(found, func(f problem) bool {
			return f.line >= list.Line && f.line <= last &&
				slices.ContainsFunc(all[first:], func(p problem) bool { return strings.HasSuffix(p.message, f.message) })
		})
	}
	found = append(found, all...)
	if judged > maxRelabelings || len(all) > maxProblems || time.Now().After(until) {
		found = append(found, searchEnded())
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

// inItem locates the problems of a list item.
func (ix *index) inItem(ps []problem, item place) []problem {
	const most = 20 // per item: each problem costs a search of the item
	ps = ps[:min(len(ps), most)]
	if len(ps) == 0 {
		return nil
	}
	sub := &index{root: item.node, text: ix.text}
	sub.add(item.node, item.key, item.path)
	types := fields(reflect.TypeFor[relabel.Config]())
	taken := map[*yaml.Node]bool{}
	wrongType := func(p *problem, at place) bool {
		t := types[at.last()]
		return p.tag != "" && !at.isKey && !taken[at.node] && t != nil && at.node.ShortTag() == p.tag && typeMessage(wanted(t.String()), got(p.tag)) == p.message
	}
	for i := range ps {
		p := &ps[i]
		n := slices.IndexFunc(sub.places[1:], func(at place) bool { return wrongType(p, at) })
		if n < 0 {
			sub.within(p, item.node.Line, lastLine(item.node))
			continue
		}
		at := sub.places[1+n]
		taken[at.node] = true
		p.line, p.column, p.message = at.node.Line, at.node.Column, quoted(at.last())+": "+p.message
	}
	return ps
}
