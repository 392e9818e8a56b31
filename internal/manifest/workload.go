// Package manifest reads Kubernetes manifests: workloads, the objects behind their volumes, and what each container finds at which path.
package manifest

import (
	"slices"
	"strings"

	"reloader/internal/yamledit"
)

// Workload is an object with a pod in it.
type Workload struct {
	Kind, Name, Namespace string
	// Object is the whole, Pod the pod's spec, Meta the metadata of the pod (of the template).
	Object, Pod, Meta yamledit.Cursor

	// Containers are the ordinary containers, InitContainers the others, native sidecars among them.
	Containers, InitContainers []Container
	Volumes                    []Volume

	volumeAt map[string]int
	claimed  map[string]bool // names of volumeClaimTemplates; nil before the first question
}

func (w *Workload) String() string { return w.Kind + "/" + w.Name }

// Line is where the workload begins.
func (w *Workload) Line() int { return w.Object.Node.Line }

// AllContainers are the ordinary containers, then the init containers.
func (w *Workload) AllContainers() []Container { return slices.Concat(w.Containers, w.InitContainers) }

// Volume is the volume of that name; of two the first.
func (w *Workload) Volume(name string) (Volume, bool) {
	i, ok := w.volumeAt[name]
	if !ok {
		return Volume{}, false
	}
	return w.Volumes[i], true
}

// IsPatch says that it is a part of a manifest, for kustomize to put into a whole one.
func (w *Workload) IsPatch() bool {
	all := w.AllContainers()
	return len(all) > 0 && !slices.ContainsFunc(all, func(c Container) bool { return c.Image() != "" })
}

// ContainerNames describe the containers for a message.
func (w *Workload) ContainerNames() []string {
	var names []string
	for _, c := range w.Containers {
		if c.Image() == "" {
			names = append(names, c.Name()+" without an image")
			continue
		}
		names = append(names, c.Name()+" of image "+c.Image())
	}
	if len(names) == 0 {
		names = []string{"none"}
	}
	return names
}

// podKinds says where each kind keeps its pod.
var podKinds = map[string][]string{
	"Pod": nil, "Deployment": {"spec", "template"}, "StatefulSet": {"spec", "template"}, "DaemonSet": {"spec", "template"},
	"DeploymentConfig": {"spec", "template"}, // of OpenShift
}

// maxLists is how deep lists of lists are followed.
const maxLists = 4

// Contents are the objects of a manifest.
type Contents struct {
	Workloads []*Workload
	// Others are all objects without a pod.
	Others []yamledit.Cursor
}

// Read goes through documents, and through the lists in them. An object that several aliases stand for
// is one object, so that aliases cannot make the work grow.
func Read(docs []*yamledit.Document) *Contents {
	c := &Contents{}
	for _, d := range docs {
		if d.Root != nil {
			(&reading{Contents: c, seen: map[any]bool{}}).visit(d.Top(), 0)
		}
	}
	return c
}

type reading struct {
	*Contents
	seen map[any]bool
}

func (r *reading) visit(c yamledit.Cursor, depth int) {
	if r.seen[c.Node] {
		return
	}
	r.seen[c.Node] = true
	kind := c.Get("kind").Str()
	if items := c.Get("items"); items.OK() && depth < maxLists && (strings.HasSuffix(kind, "List") || kind == "") {
		for _, it := range items.Items() {
			r.visit(it, depth+1)
		}
		return
	}
	at, known := podKinds[kind]
	switch {
	case known:
		r.Workloads = append(r.Workloads, newWorkload(kind, c, at))
	case kind != "":
		r.Others = append(r.Others, c)
	}
}

func newWorkload(kind string, c yamledit.Cursor, at []string) *Workload {
	template := c.Get(at...)
	w := &Workload{
		Kind: kind, Name: c.Get("metadata", "name").Str(), Namespace: c.Get("metadata", "namespace").Str(),
		Object: c, Pod: template.Get("spec"), Meta: template.Get("metadata"), volumeAt: map[string]int{},
	}
	for _, it := range w.Pod.Get("containers").Items() {
		w.Containers = append(w.Containers, newContainer(it))
	}
	for _, it := range w.Pod.Get("initContainers").Items() {
		w.InitContainers = append(w.InitContainers, newContainer(it))
	}
	for i, v := range w.Pod.Get("volumes").Items() {
		vol := newVolume(v)
		w.Volumes = append(w.Volumes, vol)
		if _, twice := w.volumeAt[vol.Name]; !twice {
			w.volumeAt[vol.Name] = i
		}
	}
	return w
}
