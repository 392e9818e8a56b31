package inject

import "slices"

// newVolume is a volume that inject writes.
type newVolume struct {
	name, kind string
	value      obj
}

// combine makes a volume that holds exactly the members' files.
func (pl *plan) combine(members []member, whole *mount) (newVolume, error) {
	first := members[0]
	name := pl.volumeName(first.as)
	var sources list
	var mode obj
	if whole != nil {
		vol, _ := pl.w.volume(whole.volume)
		if vol.object() == "" {
			return newVolume{}, pl.refuse(whole.cursor, "mount one volume there that holds all the files, for example a projected one",
				"%s is mounted twice: volume %s as the directory, volume %s by subPath into it", first.dir, whole.volume, first.volume)
		}
		sources = append(sources, obj{{vol.kind, append(obj{{"name", vol.object()}}, vol.copied("items", "optional")...)}})
		mode = vol.copied("defaultMode")
	}
	var objects []volume
	items := map[string]list{}
	alone := whole == nil && !slices.ContainsFunc(members, func(m member) bool { return m.vol.object() != first.vol.object() || m.vol.kind != first.vol.kind })
	for _, m := range members {
		if m.key == "" {
			return newVolume{}, pl.refuse(m.cursor, "mount the volume as a directory of its own",
				"which key of volume %s is at subPath %s cannot be told", m.vol.name, m.sub)
		}
		id := m.vol.kind + "/" + m.vol.object()
		if items[id] == nil {
			objects = append(objects, m.vol)
		}
		item := obj{{"key", m.key}, {"path", m.file}}
		item = append(item, m.vol.mode(m.sub, !alone)...)
		items[id] = append(items[id], item)
	}
	if alone {
		v := objects[0]
		field := map[string]string{"configMap": "name", "secret": "secretName"}[v.kind]
		source := obj{{field, v.object()}, {"items", items[v.kind+"/"+v.object()]}}
		source = append(source, v.copied("defaultMode", "optional")...)
		return newVolume{name, v.kind, obj{{"name", name}, {v.kind, source}}}, nil
	}
	for _, v := range objects {
		source := obj{{"name", v.object()}, {"items", items[v.kind+"/"+v.object()]}}
		sources = append(sources, obj{{v.kind, append(source, v.copied("optional")...)}})
	}
	return newVolume{name, "projected", obj{{"name", name}, {"projected", append(obj{{"sources", sources}}, mode...)}}}, nil
}

// mode is what the volume sets for that file: for it alone, or for all where a new volume gets
// files of others too.
func (v volume) mode(path string, all bool) obj {
	mode := v.item(path).get("mode")
	if (!mode.ok() || mode.null()) && all {
		mode = v.get(v.kind, "defaultMode")
	}
	if !mode.ok() || mode.null() {
		return nil
	}
	return obj{{"mode", valueOf(mode)}}
}

// copied are the named fields that the volume sets.
func (v volume) copied(fields ...string) obj {
	var o obj
	for _, f := range fields {
		if c := v.get(v.kind, f); c.ok() && !c.null() {
			o = append(o, field{f, valueOf(c)})
		}
	}
	return o
}
