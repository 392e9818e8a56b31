package manifest

import (
	"maps"
	"path"
	"slices"
	"strings"

	"reloader/internal/paths"
	"reloader/internal/yamledit"
)

// NoSuchVolume is ViewMount.Unknown of a mount whose volume the pod does not have.
const NoSuchVolume = "no such volume"

// View is what a container finds in its mounts.
type View struct {
	// Files are the files whose contents the input has, by path in the container.
	Files map[string]*Value
	// Mounts are the container's mounts in the order of their paths, one for each path.
	Mounts []ViewMount
	// Problems keep the container from starting, or from finding a file.
	Problems []Problem
	// Cut means that the view is incomplete, because the input has too many files (MaxFiles, MaxBytes).
	Cut    bool
	points map[string]*ViewMount
	byName *paths.Index
	// unknown are the sorted paths of mounts with unknown contents.
	unknown []string
	in      *Input
}

// ViewMount is a mount with what is known about it.
type ViewMount struct {
	Mount
	Volume Volume
	// Unknown says what is missing to know its contents; empty when they are known.
	Unknown string
	// Source is the directory in the sidecar from which a gate is filled; empty for any other volume.
	Source string
	// Objects are the ConfigMaps and Secrets of the input that it shows.
	Objects []*Object
}

// Problem is a fault in how mounts, volumes and objects fit together.
type Problem struct {
	At yamledit.Cursor
	// Kind is one of the constants below; Text and Hint are for the user.
	Kind       string
	Text, Hint string
}

// The kinds of problems.
const (
	NoVolume      = "volume"        // the pod has no volume of that name
	NoKey         = "key"           // the object has no such key
	NoObject      = "object"        // the object is not in the input
	TwoMounts     = "mount-twice"   // two mounts at one path
	FileDirectory = "sub-directory" // the subPath is not a key, so an empty directory appears
)

// Look returns what the container finds in its mounts.
func (in *Input) Look(w *Workload, c Container) *View {
	v := &View{Files: map[string]*Value{}, points: map[string]*ViewMount{}, in: in}
	for _, m := range c.Mounts {
		vm := &ViewMount{Mount: m}
		if have := v.points[m.Path]; have != nil {
			v.Problems = append(v.Problems, Problem{
				At: m.Get("mountPath"), Kind: TwoMounts,
				Text: "container " + c.Name() + " has two mounts at " + m.Path + " (volumes " + have.Mount.Volume + " and " + m.Volume + "): the API server refuses it",
				Hint: "give one of them a different mountPath, or put both into one projected volume",
			})
			continue
		}
		v.points[m.Path] = vm
	}
	for _, p := range slices.Sorted(maps.Keys(v.points)) {
		vm := v.points[p]
		in.fill(v, w, c, vm)
		if v.Cut {
			break
		}
		v.Mounts = append(v.Mounts, *vm)
		if vm.Unknown != "" {
			v.unknown = append(v.unknown, p)
		}
	}
	v.Cut = v.Cut || in.overfull()
	return v
}

// fill puts the files of one mount into the view.
func (in *Input) fill(v *View, w *Workload, c Container, m *ViewMount) {
	vol, ok := w.Volume(m.Mount.Volume)
	switch {
	case ok:
	case w.claims(m.Mount.Volume):
		m.Unknown = "a volume claim"
		return
	default:
		m.Unknown = NoSuchVolume
		v.Problems = append(v.Problems, Problem{
			At: m.Get("name"), Kind: NoVolume,
			Text: "container " + c.Name() + " mounts volume " + m.Mount.Volume + ", which the pod does not have: the API server refuses it",
			Hint: "add it to volumes, or correct the name",
		})
		return
	}
	m.Volume = vol
	if g := in.gates(w)[vol.Name]; g != nil && !c.IsReloader() {
		m.Unknown, m.Source = g.unknown, g.source
		v.putAll(m, slices.Sorted(maps.Keys(g.files)), "", g.files)
		return
	}
	if !vol.FromAPI() {
		m.Unknown = "volume " + vol.Name + " (" + vol.Kind + ")"
		return
	}
	if m.IsExpr() {
		m.Unknown = "a subPathExpr"
		return
	}
	vf := in.volumeFiles(w, vol)
	m.Objects, m.Unknown = vf.objects, vf.unknown
	sub := path.Clean("/" + m.Sub)[1:]
	if sub == "" {
		v.putAll(m, vf.names, "", vf.files)
		return
	}
	if f := vf.files[sub]; f != nil {
		v.put(m, m.Path, f)
		return
	}
	below := paths.Prefixed(vf.names, sub+"/")
	v.putAll(m, below, sub+"/", vf.files)
	if len(below) == 0 && vf.unknown == "" {
		v.Problems = append(v.Problems, Problem{
			At: m.Get("subPath"), Kind: FileDirectory,
			Text: "volume " + vol.Name + " has no file " + m.Sub + ": an empty directory appears at " + m.Path,
			Hint: keysHint(vf.names),
		})
	}
}

// Names are the sorted paths of the files.
func (v *View) Names() []string { return v.Paths().Sorted() }

// Paths is the index for finding files by patterns.
func (v *View) Paths() *paths.Index {
	if v.byName == nil || len(v.byName.Sorted()) != len(v.Files) {
		v.byName = paths.NewIndex(slices.Sorted(maps.Keys(v.Files)))
	}
	return v.byName
}

// Covering is the innermost mount that contains the path, and where it is mounted; nil when the path is in the image.
func (v *View) Covering(p string) (string, *ViewMount) {
	for dir := path.Clean(p); ; dir = path.Dir(dir) {
		if m := v.points[dir]; m != nil {
			return dir, m
		}
		if dir == "/" || dir == "." {
			return "", nil
		}
	}
}

// UnknownAt says what is missing to know what a container finds in a directory, because of the mount that contains it or of one
// inside it; empty when everything is known.
func (v *View) UnknownAt(dir string) string {
	if _, m := v.Covering(dir); m != nil && m.Unknown != "" {
		return m.Unknown
	}
	dir = path.Clean(dir)
	if i, found := slices.BinarySearch(v.unknown, dir); found {
		return v.points[v.unknown[i]].Unknown
	}
	if below := paths.Prefixed(v.unknown, strings.TrimSuffix(dir, "/")+"/"); len(below) > 0 {
		return v.points[below[0]].Unknown
	}
	return ""
}

// claims reports whether the workload creates a volume claim of that name for each pod.
func (w *Workload) claims(name string) bool {
	if w.claimed == nil {
		w.claimed = map[string]bool{}
		for _, t := range w.Object.Get("spec", "volumeClaimTemplates").Items() {
			w.claimed[t.Get("metadata", "name").Str()] = true
		}
	}
	return w.claimed[name]
}

// Sources are the references of a volume to ConfigMaps and Secrets.
func (v Volume) Sources() []VolumeSource {
	var list []VolumeSource
	switch v.Kind {
	case "configMap", "secret":
		name := v.Get(v.Kind, "name")
		if v.Kind == "secret" {
			name = v.Get(v.Kind, "secretName")
		}
		list = append(list, VolumeSource{v.Get(v.Kind), ObjectKind[v.Kind], name})
	case "projected":
		for _, s := range v.Get("projected", "sources").Items() {
			for _, kind := range []string{"configMap", "secret"} {
				if src := s.Get(kind); src.OK() {
					list = append(list, VolumeSource{src, ObjectKind[kind], src.Get("name")})
				}
			}
		}
	}
	return list
}

// VolumeSource is a ConfigMap or Secret that a volume names.
type VolumeSource struct {
	yamledit.Cursor
	// Kind is ConfigMap or Secret.
	Kind string
	Name yamledit.Cursor
}

// Optional reports whether the pod also starts without the object or its keys.
func (s VolumeSource) Optional() bool { return s.Get("optional").Is(true) }

// ObjectProblems are the objects and keys that a volume names and the input does not have.
func (in *Input) ObjectProblems(w *Workload, vol Volume) []Problem {
	var list []Problem
	for _, s := range vol.Sources() {
		if s.Name.Str() == "" {
			continue
		}
		o := in.Object(s.Kind, s.Name.Str(), w.Namespace)
		if o == nil {
			if !s.Optional() && !provided(s.Name.Str()) {
				hint := "give its file to reloader check too; if it is in the cluster only, ignore this"
				if other := in.Object(s.Kind, s.Name.Str(), ""); other != nil {
					hint = "the one in namespace " + other.Namespace + " is not visible to a pod in namespace " + w.Namespace + ": put both into one namespace"
				}
				list = append(list, Problem{
					At: s.Name, Kind: NoObject, Text: s.Kind + " " + s.Name.Str() + " is not in the input: its contents were not judged",
					Hint: hint,
				})
			}
			continue
		}
		for _, it := range s.Get("items").Items() {
			key := it.Get("key")
			if o.Value(key.Str()) == nil && key.OK() && !s.Optional() && !o.Partial {
				list = append(list, Problem{
					At: key, Kind: NoKey, Text: o.String() + " has no key " + key.Str() + ": the pod does not start",
					Hint: keysHint(o.keys(maxKeys + 1)),
				})
			}
		}
	}
	return list
}

// provided reports whether the cluster itself puts that ConfigMap into each namespace.
func provided(name string) bool {
	return name == "kube-root-ca.crt" || name == "openshift-service-ca.crt"
}

// keys are the first keys of the object, at most that many.
func (o *Object) keys(most int) []string {
	var keys []string
	for _, v := range o.Values[:min(len(o.Values), most)] {
		keys = append(keys, v.Key)
	}
	return keys
}

// maxKeys is how many keys a hint names.
const maxKeys = 8

func keysHint(keys []string) string {
	switch {
	case len(keys) == 0:
		return "it has none"
	case len(keys) > maxKeys:
		return "it has " + strings.Join(keys[:maxKeys], ", ") + " and more"
	}
	return "it has " + strings.Join(keys, ", ")
}

// SystemDir reports whether an image needs its own files in the directory.
func SystemDir(dir string) bool {
	if slices.Contains([]string{"/", "/etc", "/var", "/var/lib", "/opt", "/home", "/mnt", "/srv", "/tmp", "/run"}, dir) {
		return true
	}
	whole := []string{"/usr", "/bin", "/sbin", "/lib", "/lib64", "/dev", "/proc", "/sys", "/etc/ssl", "/etc/pki"}
	return slices.ContainsFunc(whole, func(d string) bool { return paths.Inside(dir, d) })
}
