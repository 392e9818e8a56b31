package manifest

import (
	"encoding/base64"
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/yamledit"
	"reloader/internal/yamlslip"
)

// File is one file of a manifest.
type File struct {
	// Name is its path as the user wrote it.
	Name string
	// Contents are the objects in it; nil when the text could not be read.
	Contents *Contents
	// Docs are its documents; nil when the text could not be read.
	Docs []*yamledit.Document
	// Err says why the text could not be read.
	Err *yamledit.Error

	text *yamledit.Editor
}

// Input are the files of a manifest, which are applied together.
type Input struct {
	Files     []*File
	Workloads []*Workload
	// Objects are the ConfigMaps and Secrets in the order of the files.
	Objects []*Object
	// Others are all other objects without a pod.
	Others []yamledit.Cursor

	// byName has the last object of each kind, name and namespace. anywhere has the last of each kind and name in any namespace, for
	// a pod whose namespace is unknown.
	byName, anywhere map[[3]string]placedObject

	// found is how many files all views have together, foundBytes the sum of their sizes.
	found, foundBytes int

	volumeCache map[*yaml.Node]volumeFiles
	files       map[*yamledit.Document]*File

	gateCache map[*Workload]map[string]*gate
}

// MaxSize is the largest file in bytes that Add reads.
const MaxSize = 64 << 20

// Add reads another file.
func (in *Input) Add(name string, src []byte) {
	f := &File{Name: name, text: yamledit.NewEditor(src)}
	in.Files = append(in.Files, f)
	docs, err := yamledit.Parse(src)
	if err != nil {
		if !errors.As(err, &f.Err) {
			f.Err = &yamledit.Error{Text: err.Error()}
		}
		f.Err = atSlip(f.Err, src)
		return
	}
	if in.files == nil {
		in.files = map[*yamledit.Document]*File{}
	}
	for _, d := range docs {
		in.files[d] = f
	}
	f.Docs, f.Contents = docs, Read(docs)
	if f.Err = unrendered(f.Contents); f.Err != nil {
		return
	}
	in.Workloads = append(in.Workloads, f.Contents.Workloads...)
	for _, c := range f.Contents.Others {
		if kind := c.Get("kind").Str(); kind != "ConfigMap" && kind != "Secret" {
			in.Others = append(in.Others, c)
			continue
		}
		in.AddObject(newObject(f, c))
	}
}

// atSlip moves the error to the line that has to be corrected: a parser only reports where it could not continue.
func atSlip(e *yamledit.Error, src []byte) *yamledit.Error {
	const notYAML = "not YAML: "
	p := yamlslip.Problem{Line: e.Line, Column: 1, Message: strings.TrimPrefix(e.Text, notYAML), Hint: e.Hint}
	yamlslip.Locate(src, &p)
	if (strings.Contains(p.Message, `"{{"`) || strings.Contains(p.Message, "template")) && e.Hint != "" {
		p.Hint = e.Hint // in a manifest, that is more likely a template than a value
	}
	return &yamledit.Error{Line: p.Line, Column: p.Column, Text: notYAML + p.Message, Hint: p.Hint}
}

// AddObject adds an object that is not written in the files: one that kustomize generates, for example.
func (in *Input) AddObject(o *Object) {
	if in.byName == nil {
		in.byName, in.anywhere = map[[3]string]placedObject{}, map[[3]string]placedObject{}
	}
	in.Objects = append(in.Objects, o)
	p := placedObject{o, len(in.Objects)}
	in.byName[[3]string{o.Kind, o.Name, o.Namespace}] = p
	in.anywhere[[3]string{o.Kind, o.Name}] = p
}

// placedObject is an object and its position among all objects.
type placedObject struct {
	*Object
	at int
}

// FileOf is the file that contains the cursor.
func (in *Input) FileOf(c yamledit.Cursor) *File { return in.files[c.Doc] }

// Object is the ConfigMap or Secret of that name; the last one if there are several, because it replaces the others. An object
// without a namespace is found in every namespace.
func (in *Input) Object(kind, name, namespace string) *Object {
	if namespace == "" {
		return in.anywhere[[3]string{kind, name}].Object
	}
	own, none := in.byName[[3]string{kind, name, namespace}], in.byName[[3]string{kind, name}]
	if own.at > none.at {
		return own.Object
	}
	return none.Object
}

// Object is a ConfigMap or a Secret.
type Object struct {
	yamledit.Cursor
	Kind, Name, Namespace string
	// File is the file that contains it.
	File *File
	// Labels are its labels.
	Labels yamledit.Cursor
	// Values are its keys in the order of the file.
	Values []*Value
	// Partial means that it has more keys, which are not in the input.
	Partial bool
	byKey   map[string]*Value
}

func (o *Object) String() string { return o.Kind + "/" + o.Name }

// Value is the value of a key; nil when there is no such key, or no object.
func (o *Object) Value(key string) *Value {
	if o == nil {
		return nil
	}
	return o.byKey[key]
}

// Value is one key of a ConfigMap or Secret with its contents.
type Value struct {
	Object *Object
	Key    string
	// Field is data, binaryData or stringData.
	Field   string
	Content []byte
	// At is the value with its key; missing for a value that comes from a separate file.
	At yamledit.Cursor
	// Path is the separate file with the contents; empty when they are in the manifest.
	Path string
	// Encoded says that the manifest has the contents in base64.
	Encoded bool
	// Problem says why the contents cannot be read; the API server refuses such an object.
	Problem string

	position *Position
}

// Position returns where in which file a line and column of the contents are. It is not exact if the manifest does not have the
// contents as text; then it is the position of the key.
func (v *Value) Position(line, column int) (name string, l, c int, exact bool) {
	if v.Path != "" {
		return v.Path, line, column, true
	}
	if v.Encoded || line < 1 {
		return v.Object.File.Name, v.At.Key.Line, v.At.Key.Column, line < 1
	}
	if v.position == nil {
		v.position = locate(v.Object.File.text.Lines, v.At.Node)
	}
	l, c, exact = v.position.At(line, column)
	if !exact {
		l, c = v.At.Key.Line, v.At.Key.Column
	} else if column < 1 {
		c = 0
	}
	return v.Object.File.Name, l, c, exact
}

func newObject(f *File, c yamledit.Cursor) *Object {
	o := &Object{
		Cursor: c, Kind: c.Get("kind").Str(), Name: c.Get("metadata", "name").Str(),
		Namespace: c.Get("metadata", "namespace").Str(), Labels: c.Get("metadata", "labels"), File: f, byKey: map[string]*Value{},
	}
	fields := []string{"data", "binaryData"}
	if o.Kind == "Secret" {
		fields = []string{"data", "stringData"}
	}
	for _, field := range fields {
		for _, v := range c.Get(field).Fields() {
			o.put(newValue(o, field, v))
		}
	}
	return o
}

// NewObject makes an object without keys; AddFile adds them.
func NewObject(c yamledit.Cursor, f *File, kind, name, namespace string) *Object {
	return &Object{Cursor: c, Kind: kind, Name: name, Namespace: namespace, File: f, byKey: map[string]*Value{}}
}

// AddFile adds a key with the contents of a file.
func (o *Object) AddFile(key, path string, content []byte) {
	o.put(&Value{Object: o, Key: key, Field: "data", Content: content, Path: path})
}

func (o *Object) put(v *Value) {
	if old := o.byKey[v.Key]; old != nil { // stringData comes after data and wins
		*old = *v
		return
	}
	o.byKey[v.Key] = v
	o.Values = append(o.Values, v)
}

func newValue(o *Object, field string, c yamledit.Cursor) *Value {
	v := &Value{Object: o, Key: c.Key.Value, Field: field, At: c}
	switch {
	case c.Node.Kind != yaml.ScalarNode:
		v.Problem = "the value is a " + map[yaml.Kind]string{yaml.SequenceNode: "list", yaml.MappingNode: "mapping"}[c.Node.Kind] + ", want a string"
	case !c.IsString() && !c.Null():
		v.Problem = "the value is not a string without quotes"
	case c.Null():
	case field == "binaryData" || o.Kind == "Secret" && field == "data":
		v.Encoded = true
		b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(c.Node.Value, " ", ""))
		if err != nil {
			v.Problem = "the value is not base64"
		}
		v.Content = b
	default:
		v.Content = []byte(c.Node.Value)
	}
	return v
}

// Text is a part of the file as written, padded to keep its columns, and the line where it begins. It is false for a part that
// is shared through an alias, and for a layout that is not understood.
func (f *File) Text(c yamledit.Cursor) (text []byte, line int, ok bool) {
	if !c.OK() || c.Key == nil || len(c.Node.Content) == 0 {
		return nil, 0, false
	}
	text, ok = f.text.Text(c)
	return text, c.Node.Line, ok
}
