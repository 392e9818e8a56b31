package manifest

import (
	"maps"
	"path"
	"slices"

	"go.yaml.in/yaml/v3"
)

// volumeFiles are the files of a volume by path in it, and the sorted paths; unknown names what is not in the input.
type volumeFiles struct {
	files   map[string]*Value
	names   []string
	objects []*Object
	unknown string
}

// volumeFiles reads a volume, once for all its mounts.
func (in *Input) volumeFiles(w *Workload, vol Volume) volumeFiles {
	if vf, ok := in.volumeCache[vol.Node]; ok {
		return vf
	}
	vf := in.readVolume(w, vol)
	vf.names = slices.Sorted(maps.Keys(vf.files))
	if in.volumeCache == nil {
		in.volumeCache = map[*yaml.Node]volumeFiles{}
	}
	in.volumeCache[vol.Node] = vf
	return vf
}

func (in *Input) readVolume(w *Workload, vol Volume) volumeFiles {
	vf := volumeFiles{files: map[string]*Value{}}
	if vol.Kind == "downwardAPI" {
		vf.unknown = "the downward API"
	}
	for _, s := range vol.Sources() {
		name := s.Name.Str()
		o := in.Object(s.Kind, name, w.Namespace)
		if o == nil {
			if name != "" {
				vf.unknown = s.Kind + " " + name
			}
			continue
		}
		vf.objects = append(vf.objects, o)
		if o.Partial {
			vf.unknown = "the rest of " + o.String()
		}
		items := s.Get("items").Items()
		for _, it := range items {
			if v := o.Value(it.Get("key").Str()); v != nil {
				vf.files[path.Clean(it.Get("path").Str())] = v
			}
		}
		for _, v := range o.Values {
			if len(items) == 0 {
				vf.files[v.Key] = v
			}
		}
	}
	return vf
}
