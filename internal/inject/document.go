package inject

import (
	"bytes"
	"errors"
	"io"
	"slices"
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

func parse(src []byte) ([]*document, error) {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var docs []*document
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, &Error{Text: "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: "), Hint: "templates (Helm, Jsonnet) have to be rendered first"}
		}
		docs = append(docs, newDocument(&n))
	}
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

func (w workload) containerNames() []string {
	var names []string
	for _, c := range w.containers() {
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

// findWorkloads also looks into lists. others are the kinds of everything else.
func findWorkloads(docs []*document) (list []workload, others []string) {
	var visit func(c cursor)
	visit = func(c cursor) {
		kind := c.get("kind").str()
		if items := c.get("items"); strings.HasSuffix(kind, "List") && items.ok() {
			for _, it := range items.items() {
				visit(it)
			}
			return
		}
		at, known := podKinds[kind]
		if !known {
			if kind != "" {
				others = append(others, kind)
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
			c := cursor{n: d.root, doc: d}
			visit(c)
		}
	}
	return list, others
}

// configMapKeys are the keys of a ConfigMap or Secret that is in the manifest itself.
func configMapKeys(docs []*document, kind, name, namespace string) (keys []string, known bool) {
	var visit func(c cursor)
	visit = func(c cursor) {
		for _, it := range c.get("items").items() {
			visit(it)
		}
		if c.get("kind").str() != kind || c.get("metadata", "name").str() != name {
			return
		}
		if ns := c.get("metadata", "namespace").str(); ns != "" && namespace != "" && ns != namespace {
			return
		}
		known = true
		for _, field := range []string{"data", "binaryData", "stringData"} {
			if m := c.get(field); m.ok() && m.n.Kind == yaml.MappingNode {
				for i := 0; i < len(m.n.Content); i += 2 {
					keys = append(keys, m.n.Content[i].Value)
				}
			}
		}
	}
	for _, d := range docs {
		if d.root != nil {
			visit(cursor{n: d.root, doc: d})
		}
	}
	slices.Sort(keys)
	return keys, known
}
