package inject

import (
	"slices"

	"reloader/internal/yamledit"
)

// newVolume is a volume that inject writes.
type newVolume struct {
	name, kind string
	value      yamledit.Map
}

// combine makes a volume that holds exactly the members' files.
func (pl *plan) combine(members []member, whole *mount) (newVolume, error) {
	first := members[0]
	name := pl.volumeName(first.as)
	var sources yamledit.List
	var mode yamledit.Map
	if whole != nil {
		vol, _ := pl.w.volume(whole.volume)
		if vol.object() == "" {
			return newVolume{}, pl.refuse(whole.Cursor, "mount one volume there that holds all the files, for example a projected one",
				"%s is mounted twice: volume %s as the directory, volume %s by subPath into it", first.dir, whole.volume, first.volume)
		}
		sources = append(sources, yamledit.Map{{vol.kind, append(yamledit.Map{{"name", vol.object()}}, vol.copied("items", "optional")...)}})
		mode = vol.copied("defaultMode")
	}
	var objects []volume
	items := map[string]yamledit.List{}
	alone := whole == nil && !slices.ContainsFunc(members, func(m member) bool { return m.vol.object() != first.vol.object() || m.vol.kind != first.vol.kind })
	for _, m := range members {
		if m.key == "" {
			return newVolume{}, pl.refuse(m.Cursor, "mount the volume as a directory of its own",
				"which key of volume %s is at subPath %s cannot be told", m.vol.name, m.sub)
		}
		id := m.vol.kind + "/" + m.vol.object()
		if items[id] == nil {
			objects = append(objects, m.vol)
		}
		item := yamledit.Map{{"key", m.key}, {"path", m.file}}
		item = append(item, m.vol.mode(m.sub, !alone)...)
		items[id] = append(items[id], item)
	}
	if alone {
		v := objects[0]
		field := map[string]string{"configMap": "name", "secret": "secretName"}[v.kind]
		source := yamledit.Map{{field, v.object()}, {"items", items[v.kind+"/"+v.object()]}}
		source = append(source, v.copied("defaultMode", "optional")...)
		return newVolume{name, v.kind, yamledit.Map{{"name", name}, {v.kind, source}}}, nil
	}
	for _, v := range objects {
		source := yamledit.Map{{"name", v.object()}, {"items", items[v.kind+"/"+v.object()]}}
		sources = append(sources, yamledit.Map{{v.kind, append(source, v.copied("optional")...)}})
	}
	return newVolume{name, "projected", yamledit.Map{{"name", name}, {"projected", append(yamledit.Map{{"sources", sources}}, mode...)}}}, nil
}

// mode is what the volume sets for that file: for it alone, or for all where a new volume gets
// files of others too.
func (v volume) mode(path string, all bool) yamledit.Map {
	mode := v.item(path).Get("mode")
	if (!mode.OK() || mode.Null()) && all {
		mode = v.Get(v.kind, "defaultMode")
	}
	if !mode.OK() || mode.Null() {
		return nil
	}
	return yamledit.Map{{"mode", yamledit.ValueOf(mode)}}
}

// copied are the named fields that the volume sets.
func (v volume) copied(fields ...string) yamledit.Map {
	var o yamledit.Map
	for _, f := range fields {
		if c := v.Get(v.kind, f); c.OK() && !c.Null() {
			o = append(o, yamledit.Pair{f, yamledit.ValueOf(c)})
		}
	}
	return o
}
