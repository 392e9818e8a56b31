// Package manifest reads Kubernetes manifests: workloads, the objects behind their volumes, and the files that each container finds.
package manifest

import (
	"slices"
	"strings"

	"reloader/internal/yamledit"
)

// Workload is an object with a pod or a pod template.
type Workload struct {
	Kind, Name, Namespace string
	// Object is the whole object, Pod the spec of its pod, Meta the metadata of its pod.
	Object, Pod, Meta yamledit.Cursor

	// Containers are the ordinary containers; InitContainers include native sidecars.
	Containers, InitContainers []Container
	Volumes                    []Volume

	volumeAt map[string]int
	claimed  map[string]bool // names of volumeClaimTemplates; nil before the first call of claims
}

func (w *Workload) String() string { return w.Kind + "/" + w.Name }

// Line is the line where the workload begins.
func (w *Workload) Line() int { return w.Object.Node.Line }

// AllContainers are the ordinary containers, then the init containers.
func (w *Workload) AllContainers() []Container { return slices.Concat(w.Containers, w.InitContainers) }

// Volume is the volume of that name; the first one if the name is repeated.
func (w *Workload) Volume(name string) (Volume, bool) {
	i, ok := w.volumeAt[name]
	if !ok {
		return Volume{}, false
	}
	return w.Volumes[i], true
}

// IsPatch reports whether it is only part of an object, which kustomize merges into a complete one.
func (w *Workload) IsPatch() bool {
	all := w.AllContainers()
	return len(all) > 0 && !slices.ContainsFunc(all, func(c Container) bool { return c.Image() != "" })
}

// ContainerNames are the containers with their images, for a message.
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

// podKinds has, for each kind, the path of its pod or pod template.
var podKinds = map[string][]string{
	"Pod": nil, "Deployment": {"spec", "template"}, "StatefulSet": {"spec", "template"}, "DaemonSet": {"spec", "template"},
	"DeploymentConfig": {"spec", "template"}, // OpenShift
}

// maxLists is how many levels of nested Lists are followed.
const maxLists = 4

// Contents are the objects of a manifest.
type Contents struct {
	Workloads []*Workload
	// Others are all objects without a pod.
	Others []yamledit.Cursor
}

// Read finds the objects in documents, also in Lists. An object that appears several times through aliases counts once, so that
// aliases cannot multiply the work.
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
