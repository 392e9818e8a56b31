package manifest

import (
	"maps"
	"path"
	"slices"

	"go.yaml.in/yaml/v3"

	"reloader/internal/yamledit"
)

// volumeFiles are the files of a volume by path in it, and their paths in order; unknown says which object the input
// lacks.
type volumeFiles struct {
	files   map[string]*Value
	names   []string
	objects []*Object
	unknown string
}

// volumeFiles looks into a volume, once for all its mounts.
func (in *Input) volumeFiles(w *Workload, vol Volume) volumeFiles {
	if vf, ok := in.volumeCache[vol.Node]; ok {
		return vf
	}
	var vf volumeFiles
	vf.files, vf.objects, vf.unknown = in.readVolume(w, vol)
	vf.names = slices.Sorted(maps.Keys(vf.files))
	if in.volumeCache == nil {
		in.volumeCache = map[*yaml.Node]volumeFiles{}
	}
	in.volumeCache[vol.Node] = vf
	return vf
}

func (in *Input) readVolume(w *Workload, vol Volume) (files map[string]*Value, objects []*Object, unknown string) {
	files = map[string]*Value{}
	add := func(kind, name string, source yamledit.Cursor) {
		o := in.Object(ObjectKind[kind], name, w.Namespace)
		if o == nil {
			if name != "" {
				unknown = ObjectKind[kind] + " " + name
			}
			return
		}
		objects = append(objects, o)
		items := source.Get("items")
		if len(items.Items()) == 0 {
			for _, v := range o.Values {
				files[v.Key] = v
			}
			return
		}
		for _, it := range items.Items() {
			if v := o.Value(it.Get("key").Str()); v != nil {
				files[path.Clean(it.Get("path").Str())] = v
			}
		}
	}
	switch vol.Kind {
	case "projected":
		for _, s := range vol.Get("projected", "sources").Items() {
			for kind := range ObjectKind {
				if src := s.Get(kind); src.OK() {
					add(kind, src.Get("name").Str(), src)
				}
			}
		}
	case "downwardAPI":
		unknown = "the downward API"
	default:
		add(vol.Kind, vol.ObjectName(), vol.Get(vol.Kind))
	}
	return files, objects, unknown
}
