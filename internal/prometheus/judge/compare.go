package judge

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/prometheus/prometheus/config"
	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"

	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
	"reloader/internal/versions"
	"reloader/internal/yamlnode"
)

// maxLeaves is how many values of a configuration are reported one by one; a configuration with more reports none.
const maxLeaves = 300_000

// setting is a scalar in a printed configuration, or the number of items in a list.
type setting struct {
	path string
	text string
}

// freeMaps are mappings whose keys users choose: an extra key is a difference, not a default.
var freeMaps = map[string]bool{
	"external_labels": true, "labels": true, "params": true, "headers": true, "http_headers": true, "proxy_connect_header": true, "meta": true,
}

// values appends the settings below a node, with their paths.
func values(n *yaml.Node, at string, out []setting) []setting {
	switch n.Kind {
	case yaml.MappingNode:
		if freeMaps[path.Base(at)] {
			var keys []string
			for k := range yamlnode.Pairs(n) {
				keys = append(keys, k.Value)
			}
			slices.Sort(keys)
			out = append(out, setting{at + "/", strings.Join(keys, "\x00")})
		}
		for k, v := range yamlnode.Pairs(n) {
			out = values(v, at+"/"+k.Value, out)
		}
	case yaml.SequenceNode:
		out = append(out, setting{at + "/#", strconv.Itoa(len(n.Content))})
		for i, c := range n.Content {
			out = values(c, at+"/"+strconv.Itoa(i), out)
		}
	case yaml.AliasNode: // printed configurations have none
	default:
		out = append(out, setting{at, n.Value})
	}
	return out
}

// top is the root of a printed configuration; nil when it cannot be read or is empty.
func top(text string) *yaml.Node {
	var doc yaml.Node
	if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// parts cuts a parsed configuration as proof.Cut cuts its text.
func parts(root *yaml.Node) map[string]*yaml.Node {
	m := map[string]*yaml.Node{}
	for section, n := range yamlnode.Pairs(root) {
		kind, nameKey, ok := proof.Kind(section.Value)
		if !ok || n.Kind != yaml.SequenceNode {
			m[proof.Item{Kind: "section", Name: section.Value}.String()] = n
			continue
		}
		for k, item := range n.Content {
			name := proof.Numbered(k + 1)
			if v := yamlnode.Resolve(child(item, nameKey)); v != nil && v.Value != "" {
				name = v.Value
			}
			m[proof.Item{Kind: kind, Name: name}.String()] = item
		}
	}
	return m
}

// addLeaves adds the values of each part of a printed configuration, and marks those that the file sets.
func addLeaves(items []proof.Item, text string, ix *index) {
	file := parts(ix.root)
	texts := make([]string, 0, len(items))
	for _, part := range proof.Parts(text) {
		texts = append(texts, part)
	}
	var left atomic.Int64
	left.Store(maxLeaves)
	onAll(len(items), func(i int) {
		if left.Load() >= 0 {
			items[i].Leaves = leaves(settingsOf(items[i], texts[i]), file[items[i].String()])
			left.Add(-int64(len(items[i].Leaves)))
		}
	})
	if left.Load() < 0 {
		for i := range items {
			items[i].Leaves = nil
		}
	}
}

// settingsOf are the settings of a part of a printed configuration; nil when it cannot be read, or has another name.
func settingsOf(i proof.Item, part string) []setting {
	if i.Kind == "section" {
		if name, below, _ := strings.Cut(part, ":\n"); name == i.Name {
			if all, ok := plainSettings(below); ok {
				return all
			}
		}
		if n := parts(top(part))[i.String()]; n != nil {
			return values(n, "", nil)
		}
		return nil
	}
	job := "  " + strings.TrimPrefix(part, "- ")
	all, ok := plainSettings(job)
	if !ok {
		if n := top(job); n != nil {
			all = values(n, "", nil)
		}
	}
	nameKey := "/name"
	if i.Kind == "scrape job" {
		nameKey = "/job_name"
	}
	name := ""
	if at := slices.IndexFunc(all, func(s setting) bool { return s.path == nameKey }); at >= 0 {
		name = all[at].text
	}
	if name != "" && name != i.Name || name == "" && !strings.HasPrefix(i.Name, "#") {
		return nil
	}
	return all
}

// leaves are the values of a printed part. source is the same part in the file; it may be nil.
func leaves(printed []setting, source *yaml.Node) proof.Leaves {
	written := map[string]bool{}
	o := outliner{left: maxAliased}
	o.written(source, "", written, 0)
	all := make(proof.Leaves, 0, len(printed))
	for _, v := range printed {
		all = append(all, proof.Leaf{Path: proof.Short(v.path), Value: proof.Short(v.text), Written: written[v.path]})
	}
	return all
}

// written lists the paths of what the file itself sets, in the form of values.
func (o *outliner) written(n *yaml.Node, at string, out map[string]bool, depth int) {
	n = o.resolve(n)
	if n == nil || depth > 100 || o.left < 0 {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		out[at+"/"] = true
		for _, f := range o.fields(n) {
			o.written(f.value, at+"/"+f.key, out, depth+1)
		}
	case yaml.SequenceNode:
		out[at+"/#"] = true
		for i, c := range n.Content {
			o.written(c, at+"/"+strconv.Itoa(i), out, depth+1)
		}
	default:
		out[at] = true
	}
}

// compared compares the files with what a server of another version shows. Both sides go through the library. What only
// one of the versions knows is left out.
func compared(q *validator.Question) *validator.Compared {
	c := &validator.Compared{}
	p := newParser(q.Features, versions.Parse(q.Version))
	for _, g := range q.Compare.Groups {
		for i, r := range g.Rules {
			if expr, err := p.ParseExpr(r.Query); err == nil {
				g.Rules[i].Query = expr.String()
			}
		}
		c.Groups = append(c.Groups, g)
	}
	if !q.Compare.Jobs && !q.Compare.Configuration {
		return c
	}
	cfg, left, err := reread(q)
	switch {
	case err != nil:
		c.Failed = "Prometheus " + Library + ", which reloader compares with, cannot read it"
	case q.Compare.Jobs:
		compareJobs(q, cfg, left, c)
	default:
		compareConfig(q, cfg, left, c)
	}
	c.LeftOut = slices.Sorted(maps.Keys(left))
	return c
}

// compareConfig compares a whole configuration.
func compareConfig(q *validator.Question, cfg *config.Config, left map[string]bool, c *validator.Compared) {
	text := proof.Normal(cfg.String(), q.Compare.Wild)
	if sameVersion(q.Version) {
		c.Differences = proof.Differences(q.Compare.Items, proof.Cut(text))
		return
	}
	root := top(text)
	if root == nil {
		c.Failed = "it is not valid YAML"
		return
	}
	have := parts(root)
	for _, want := range q.Compare.Items {
		name := want.String()
		n := have[name]
		delete(have, name)
		switch {
		case n == nil && want.Kind == "section" && !anyWritten(want):
			left[want.Name] = true
		case n == nil:
			c.Differences = append(c.Differences, name+" is missing")
		default:
			key, same := compareItem(want, values(n, "", nil), left)
			if !same {
				c.Differences = append(c.Differences, name+" differs"+key)
			}
		}
	}
	for name := range have {
		if section, ok := strings.CutPrefix(name, "section "); ok {
			left[strings.Trim(section, `"`)] = true
			continue
		}
		c.Differences = append(c.Differences, name+" is not in the files")
	}
}

// reread reads what the server printed with the library. It also returns the settings that the library does not know.
func reread(q *validator.Question) (cfg *config.Config, unknown map[string]bool, err error) {
	text := q.Files[q.Main].Content
	if cfg, err = printable(withOmitted(string(text), q.Version), q.Compare.Dir, nil); err != nil {
		return nil, nil, err
	}
	unknown = map[string]bool{}
	for _, p := range problems(yaml2.UnmarshalStrict(text, &config.Config{}), configNames) {
		if p.unknown != "" {
			unknown[p.unknown] = true
		}
	}
	return cfg, unknown, nil
}

func anyWritten(i proof.Item) bool {
	return slices.ContainsFunc(i.Leaves, func(l proof.Leaf) bool { return l.Written })
}

// compareItem compares one part. What the file sets must be the same. A different value of what the file does not set may
// be the default of the server's version: it is left out.
func compareItem(want proof.Item, have []setting, left map[string]bool) (key string, same bool) {
	leaves := make(map[uint32]proof.Leaf, len(want.Leaves))
	for _, l := range want.Leaves {
		leaves[l.Path] = l
	}
	for _, v := range have {
		l, ok := leaves[proof.Short(v.path)]
		delete(leaves, proof.Short(v.path))
		switch {
		case ok && l.Value == proof.Short(v.text):
		case ok && l.Written:
			return " in " + dotted(v.path), false
		default:
			left[strings.TrimPrefix(kindKey(want)+"."+dotted(v.path), ".")] = true
		}
	}
	for _, l := range leaves {
		if l.Written {
			return "", false
		}
	}
	return "", true
}

func kindKey(i proof.Item) string {
	if i.Kind == "section" {
		return i.Name
	}
	return strings.ReplaceAll(i.Kind, " ", "_")
}

// dotted is a path of keys as people write it, without item numbers.
func dotted(path string) string {
	var keys []string
	for k := range strings.SplitSeq(path, "/") {
		if _, err := strconv.Atoi(k); err != nil && k != "" && k != "#" {
			keys = append(keys, k)
		}
	}
	return strings.Join(keys, ".")
}
