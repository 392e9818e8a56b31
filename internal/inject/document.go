package inject

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is one YAML document of the manifest.
type document struct {
	root    *yaml.Node
	aliased map[*yaml.Node]bool // nodes that some alias stands for
	order   []*yaml.Node        // every node, as written
	index   map[*yaml.Node]int  // place in order
	after   map[*yaml.Node]int  // place in order of the first node behind the subtree
}

func parse(src []byte) (docs []*document, err error) {
	defer func() { // a fault of the parser is no reason to show a stack
		if p := recover(); p != nil {
			docs, err = nil, &Error{Text: fmt.Sprintf("not YAML: %v", p)}
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, notYAML(err, 1+bytes.Count(bytes.TrimRight(src, "\r\n"), []byte("\n")))
		}
		docs = append(docs, newDocument(&n))
	}
}

// notYAML puts the parser's line where the user's other lines are, of which there are so many.
func notYAML(err error, lines int) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &Error{Hint: "templates (Helm, Jsonnet) have to be rendered first"}
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, reason, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				e.Line, text = n, reason
				if strings.HasPrefix(reason, "did not find expected") && n < lines {
					e.Line++ // the parser counts these from 0, the scanner from 1; not what is missing at the end
				}
			}
		}
	}
	if strings.Contains(text, "tab character") {
		e.Hint = "indent with spaces"
	}
	e.Text = "not YAML: " + text
	return e
}

// duplicate finds a key that a mapping below c has twice: one reader takes the first, another
// the last, and the API server refuses it.
func (d *document) duplicate(c cursor) (key, first *yaml.Node) {
	for _, n := range d.order[d.index[c.n]:d.after[c.n]] {
		if n.Kind != yaml.MappingNode {
			continue
		}
		seen := map[string]*yaml.Node{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if before := seen[k.Value]; before != nil && k.Kind == yaml.ScalarNode {
				return k, before
			}
			seen[k.Value] = k
		}
	}
	return nil, nil
}

func newDocument(n *yaml.Node) *document {
	d := &document{aliased: map[*yaml.Node]bool{}, index: map[*yaml.Node]int{}, after: map[*yaml.Node]int{}}
	if len(n.Content) > 0 {
		d.root = n.Content[0]
		d.walk(d.root)
	}
	return d
}

func (d *document) walk(n *yaml.Node) {
	d.index[n] = len(d.order)
	d.order = append(d.order, n)
	if n.Kind == yaml.AliasNode {
		d.aliased[n.Alias] = true
	}
	for _, c := range n.Content {
		d.walk(c)
	}
	d.after[n] = len(d.order)
}

// next is the first node behind n's subtree, nil at the document's end.
func (d *document) next(n *yaml.Node) *yaml.Node {
	if i := d.after[n]; i < len(d.order) {
		return d.order[i]
	}
	return nil
}

// last is the last node of n's subtree.
func (d *document) last(n *yaml.Node) *yaml.Node { return d.order[d.after[n]-1] }

// workload is an object with a pod in it.
type workload struct {
	kind, name, namespace string
	obj, pod, meta        cursor // meta is of the pod template
}

func (w workload) String() string { return w.kind + "/" + w.name }

func (w workload) line() int { return w.obj.n.Line }

func (w workload) containers() []container {
	var list []container
	for _, c := range w.pod.get("containers").items() {
		list = append(list, container{c})
	}
	return list
}

func (w workload) initContainers() []container {
	var list []container
	for _, c := range w.pod.get("initContainers").items() {
		list = append(list, container{c})
	}
	return list
}

// patch says that it is a part of a manifest, for kustomize to put into a whole one.
func (w workload) patch() bool {
	list := w.containers()
	return len(list) > 0 && !slices.ContainsFunc(list, func(c container) bool { return c.image() != "" })
}

func (w workload) containerNames() []string {
	var names []string
	for _, c := range w.containers() {
		if c.image() == "" {
			names = append(names, c.name()+" without an image")
			continue
		}
		names = append(names, c.name()+" of image "+c.image())
	}
	if len(names) == 0 {
		names = []string{"none"}
	}
	return names
}

// podKinds says where each kind keeps its pod.
var podKinds = map[string][]string{
	"Pod": nil, "Deployment": {"spec", "template"}, "StatefulSet": {"spec", "template"}, "DaemonSet": {"spec", "template"},
}

// maxLists is how deep lists of lists are followed: aliases may make them endless.
const maxLists = 4

// findWorkloads also looks into lists. others are all other objects.
func findWorkloads(docs []*document) (list []workload, others []cursor) {
	var visit func(c cursor, depth int)
	visit = func(c cursor, depth int) {
		kind := c.get("kind").str()
		if items := c.get("items"); strings.HasSuffix(kind, "List") && items.ok() && depth < maxLists {
			for _, it := range items.items() {
				visit(it, depth+1)
			}
			return
		}
		at, known := podKinds[kind]
		if !known {
			if kind != "" {
				others = append(others, c)
			}
			return
		}
		template := c.get(at...)
		list = append(list, workload{
			kind: kind, name: c.get("metadata", "name").str(), namespace: c.get("metadata", "namespace").str(),
			obj: c, pod: template.get("spec"), meta: template.get("metadata"),
		})
	}
	for _, d := range docs {
		if d.root != nil {
			visit(cursor{n: d.root, doc: d}, 0)
		}
	}
	return list, others
}
