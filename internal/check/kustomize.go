package check

import (
	"cmp"
	"path/filepath"
	"strings"

	"reloader/internal/manifest"
	"reloader/internal/yamledit"
)

// addGenerated adds the ConfigMaps and Secrets that kustomize would generate from files next to a Kustomization, so that a
// directory can be judged before it is built. Everything else in a Kustomization needs kustomize itself.
func addGenerated(in *manifest.Input) {
	for _, o := range in.Others {
		if kind := o.Get("kind").Str(); kind != "Kustomization" && kind != "Component" {
			continue
		}
		file := in.FileOf(o)
		for _, g := range o.Get("configMapGenerator").Items() {
			generated(in, file, o, g, "ConfigMap")
		}
		for _, g := range o.Get("secretGenerator").Items() {
			generated(in, file, o, g, "Secret")
		}
	}
}

// generated adds the object of one generator. It leaves out files that it cannot read: kustomize reports them.
func generated(in *manifest.Input, file *manifest.File, kustomization, g yamledit.Cursor, kind string) {
	namespace := cmp.Or(g.Get("namespace").Str(), kustomization.Get("namespace").Str())
	labels := g.Get("options", "labels")
	if !labels.OK() {
		labels = kustomization.Get("generatorOptions", "labels")
	}
	obj := manifest.NewObject(g, file, kind, g.Get("name").Str(), namespace)
	obj.Labels = labels
	obj.Partial = g.Get("literals").OK() || g.Get("envs").OK() || g.Get("env").OK() || g.Get("behavior").Str() == "merge"
	for _, it := range g.Get("files").Items() {
		key, name, named := strings.Cut(it.Str(), "=")
		if !named {
			key, name = filepath.Base(it.Str()), it.Str()
		}
		// Files outside the directory are left to kustomize, which refuses most of them.
		if !filepath.IsLocal(name) {
			continue
		}
		name = filepath.Join(filepath.Dir(file.Name), name)
		if content, err := readBounded(name); err == nil {
			obj.AddFile(key, name, content)
		}
	}
	in.AddObject(obj)
}
