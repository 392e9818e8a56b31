package inject

import (
	"slices"

	"reloader/internal/manifest"
	"reloader/internal/yamledit"
)

// newVolume is a volume that inject adds.
type newVolume struct {
	name, kind string
	value      yamledit.Map
}

// combine makes a volume that holds exactly the members' files.
func (pl *plan) combine(members []member, whole *manifest.Mount) (newVolume, error) {
	first := members[0]
	name := pl.volumeName(first.as)
	var sources yamledit.List
	var mode yamledit.Map
	if whole != nil {
		vol, _ := pl.w.Volume(whole.Volume)
		if vol.ObjectName() == "" {
			return newVolume{}, pl.refuse(whole.Cursor, "mount one volume there with all the files, for example a projected one",
				"%s is mounted twice: volume %s as the directory, volume %s by subPath into it", first.dir, whole.Volume, first.Volume)
		}
		sources = append(sources, yamledit.Map{{vol.Kind, append(yamledit.Map{{"name", vol.ObjectName()}}, copied(vol, "items", "optional")...)}})
		mode = copied(vol, "defaultMode")
	}
	var objects []manifest.Volume
	items := map[string]yamledit.List{}
	alone := whole == nil && !slices.ContainsFunc(members, func(m member) bool {
		return m.vol.ObjectName() != first.vol.ObjectName() || m.vol.Kind != first.vol.Kind
	})
	for _, m := range members {
		if m.key == "" {
			return newVolume{}, pl.refuse(m.Cursor, "mount the volume as its own directory",
				"it is unclear which key of volume %s is at subPath %s", m.vol.Name, m.Sub)
		}
		id := m.vol.Kind + "/" + m.vol.ObjectName()
		if items[id] == nil {
			objects = append(objects, m.vol)
		}
		item := yamledit.Map{{"key", m.key}, {"path", m.file}}
		item = append(item, modeOf(m.vol, m.Sub, !alone)...)
		items[id] = append(items[id], item)
	}
	if alone {
		v := objects[0]
		field := map[string]string{"configMap": "name", "secret": "secretName"}[v.Kind]
		source := yamledit.Map{{field, v.ObjectName()}, {"items", items[v.Kind+"/"+v.ObjectName()]}}
		source = append(source, copied(v, "defaultMode", "optional")...)
		return newVolume{name, v.Kind, yamledit.Map{{"name", name}, {v.Kind, source}}}, nil
	}
	for _, v := range objects {
		source := yamledit.Map{{"name", v.ObjectName()}, {"items", items[v.Kind+"/"+v.ObjectName()]}}
		sources = append(sources, yamledit.Map{{v.Kind, append(source, copied(v, "optional")...)}})
	}
	return newVolume{name, "projected", yamledit.Map{{"name", name}, {"projected", append(yamledit.Map{{"sources", sources}}, mode...)}}}, nil
}

// modeOf is the mode that the volume sets for a file. With all, the mode for all its files counts, too, because the new volume also
// gets files from other volumes.
func modeOf(v manifest.Volume, path string, all bool) yamledit.Map {
	mode := v.Item(path).Get("mode")
	if (!mode.OK() || mode.Null()) && all {
		mode = v.Get(v.Kind, "defaultMode")
	}
	if !mode.OK() || mode.Null() {
		return nil
	}
	return yamledit.Map{{"mode", yamledit.ValueOf(mode)}}
}

// copied are those of the named fields that the volume sets.
func copied(v manifest.Volume, fields ...string) yamledit.Map {
	var o yamledit.Map
	for _, f := range fields {
		if c := v.Get(v.Kind, f); c.OK() && !c.Null() {
			o = append(o, yamledit.Pair{f, yamledit.ValueOf(c)})
		}
	}
	return o
}
