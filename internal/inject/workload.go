package inject

import (
	"slices"
	"strings"

	"reloader/internal/yamledit"
)

// workload is an object with a pod in it.
type workload struct {
	kind, name, namespace string
	obj, pod, meta        yamledit.Cursor // meta is of the pod template
}

func (w workload) String() string { return w.kind + "/" + w.name }

func (w workload) Line() int { return w.obj.Node.Line }

func (w workload) containers() []container {
	var list []container
	for _, c := range w.pod.Get("containers").Items() {
		list = append(list, container{c})
	}
	return list
}

func (w workload) initContainers() []container {
	var list []container
	for _, c := range w.pod.Get("initContainers").Items() {
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
func findWorkloads(docs []*yamledit.Document) (list []workload, others []yamledit.Cursor) {
	var visit func(c yamledit.Cursor, depth int)
	visit = func(c yamledit.Cursor, depth int) {
		kind := c.Get("kind").Str()
		if items := c.Get("items"); strings.HasSuffix(kind, "List") && items.OK() && depth < maxLists {
			for _, it := range items.Items() {
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
		template := c.Get(at...)
		list = append(list, workload{
			kind: kind, name: c.Get("metadata", "name").Str(), namespace: c.Get("metadata", "namespace").Str(),
			obj: c, pod: template.Get("spec"), meta: template.Get("metadata"),
		})
	}
	for _, d := range docs {
		if d.Root != nil {
			visit(d.Top(), 0)
		}
	}
	return list, others
}
