package manifest

import (
	"slices"
	"strings"

	"reloader/internal/yamledit"
)

// ObjectKind is the kind of object that a volume of each kind shows.
var ObjectKind = map[string]string{"configMap": "ConfigMap", "secret": "Secret"}

// Volume is one entry of the pod's volumes.
type Volume struct {
	yamledit.Cursor
	Name string
	// Kind is the name of the field with its source: configMap, secret, projected, emptyDir, persistentVolumeClaim ...
	Kind string
}

func newVolume(v yamledit.Cursor) Volume {
	vol := Volume{Cursor: v, Name: v.Get("name").Str()}
	for _, kind := range []string{"configMap", "secret", "projected", "downwardAPI", "emptyDir", "persistentVolumeClaim", "hostPath"} {
		if v.Get(kind).OK() {
			vol.Kind = kind
		}
	}
	return vol
}

// FromAPI reports whether the kubelet writes the volume from API objects, by swapping ..data. A subPath mount of it never changes.
func (v Volume) FromAPI() bool {
	return v.Kind == "configMap" || v.Kind == "secret" || v.Kind == "projected" || v.Kind == "downwardAPI"
}

// ObjectName is the name of the ConfigMap or Secret that the volume shows; empty for any other volume.
func (v Volume) ObjectName() string {
	if s := v.Sources(); len(s) == 1 && v.Kind != "projected" {
		return s[0].Name.Str()
	}
	return ""
}

// IsToken reports whether the volume has a service account's token, which is not configuration.
func (v Volume) IsToken() bool {
	return slices.ContainsFunc(v.Get("projected", "sources").Items(), func(s yamledit.Cursor) bool { return s.Get("serviceAccountToken").OK() })
}

// KeyOf is the key of the object that is visible at sub; empty when the volume does not say.
func (v Volume) KeyOf(sub string) string {
	if v.ObjectName() == "" {
		return ""
	}
	if it := v.Item(sub); it.OK() {
		return it.Get("key").Str()
	}
	if len(v.Get(v.Kind, "items").Items()) > 0 || strings.Contains(sub, "/") {
		return ""
	}
	return sub
}

// Item is the entry of the volume's items with that path; missing when there is none.
func (v Volume) Item(path string) yamledit.Cursor {
	for _, it := range v.Get(v.Kind, "items").Items() {
		if it.Get("path").Str() == path {
			return it
		}
	}
	return yamledit.Cursor{}
}
