package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/lazyregexp"
)

const (
	maxFileSize = 1 << 20 // a ConfigMap cannot hold more
	// maxItems limits every list, so that aliases cannot blow up a small file.
	maxItems = 1000
	// maxErrors limits a report: more mistakes usually have a single cause.
	maxErrors = 20
)

// Error is one mistake in the configuration.
type Error struct {
	// File, Line and Column are the position; Line is 0 if the mistake has no position in a file.
	File         string
	Line, Column int
	// Field is the flag or the path of the key.
	Field   string
	Message string
	// Hint says what to write instead; empty if that is not known.
	Hint string
}

// Error returns "file:line:column: field: message; hint".
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(finding.Finding{File: e.File, Line: e.Line, Column: e.Column}.Position() + ": ")
	}
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// position is where a key is in the file.
type position struct{ line, column int }

// decoder fills a Config from YAML nodes. It is stricter than yaml's own decoding and records
// the position of every key.
type decoder struct {
	file      string
	positions map[string]position
	errs      []error
}

// parse fills c, which holds the defaults, from the file's bytes and returns the position of each key by path.
func parse(file string, data []byte, c *Config) (map[string]position, error) {
	root, err := document(file, data)
	if err != nil {
		return nil, err
	}
	d := &decoder{file: file, positions: map[string]position{}}
	d.value(root, reflect.ValueOf(c).Elem(), "")
	return d.positions, errors.Join(d.errs...)
}

// document returns the root node of the one YAML document in data.
func document(file string, data []byte) (*yaml.Node, error) {
	switch {
	case len(data) > maxFileSize:
		return nil, &Error{File: file, Message: fmt.Sprintf("the file has %d bytes, more than the %d of a ConfigMap", len(data), maxFileSize)}
	case !utf8.Valid(data):
		return nil, &Error{File: file, Message: "not a text file: invalid UTF-8"}
	}
	var doc, trailing yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &Error{File: file, Message: "the file is empty"}
	} else if err != nil {
		return nil, syntaxError(file, err)
	}
	if err := dec.Decode(&trailing); err == nil {
		return nil, &Error{File: file, Line: trailing.Line, Column: trailing.Column, Message: "a second YAML document; only the first is read"}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(file, err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Tag == "!!null" {
		return nil, &Error{File: file, Message: "the file is empty"}
	}
	return doc.Content[0], nil
}

var yamlLine = lazyregexp.New(`^yaml: (?:line (\d+): )?`)

// syntaxError turns yaml's own error into an Error with its line.
func syntaxError(file string, err error) error {
	text := err.Error()
	e := &Error{File: file, Message: text}
	if m := yamlLine().FindStringSubmatch(text); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Message = "not valid YAML: " + text[len(m[0]):]
	}
	return e
}

func (d *decoder) fail(n *yaml.Node, path, hint, format string, args ...any) {
	if len(d.errs) < maxErrors {
		d.errs = append(d.errs, &Error{
			File: d.file, Line: n.Line, Column: n.Column, Field: path, Message: fmt.Sprintf(format, args...), Hint: hint,
		})
	}
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	mountType    = reflect.TypeFor[Mount]()
)

// value decodes n into v, which is at path.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if _, known := d.positions[path]; !known {
		d.positions[path] = position{n.Line, n.Column}
	}
	switch {
	case v.Type() == durationType:
		if s, ok := d.scalar(n, path, "a duration such as 30s"); ok {
			duration, err := time.ParseDuration(s)
			if err != nil {
				d.fail(n, path, "", "want a duration such as 30s, 5m or 100ms")
			}
			v.SetInt(int64(duration))
		}
	case v.Type() == mountType:
		if s, ok := d.scalar(n, path, "PATH or PATH=SERVERPATH"); ok {
			mount, err := ParseMount(s)
			if err != nil {
				d.fail(n, path, "", "%s", err)
			}
			v.Set(reflect.ValueOf(mount))
		}
	case v.Kind() == reflect.Struct:
		d.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		d.sequence(n, v, path)
	case v.Kind() == reflect.String:
		if s, ok := d.scalar(n, path, "a string"); ok {
			v.SetString(s)
		}
	case v.Kind() == reflect.Int:
		if s, ok := d.scalar(n, path, "a number"); ok {
			i, err := strconv.Atoi(s)
			if err != nil {
				d.fail(n, path, "", "want a whole number")
			}
			v.SetInt(int64(i))
		}
	case v.Kind() == reflect.Bool:
		if s, ok := d.scalar(n, path, "true or false"); ok {
			if s != "true" && s != "false" {
				d.fail(n, path, "", "want true or false")
			}
			v.SetBool(s == "true")
		}
	}
}

func (d *decoder) scalar(n *yaml.Node, path, want string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.fail(n, path, "", "want %s", want)
		return "", false
	}
	return n.Value, true
}

func (d *decoder) sequence(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "", "want a list")
		return
	}
	if len(n.Content) > maxItems {
		d.fail(n, path, "", "%d items, more than %d", len(n.Content), maxItems)
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.value(item, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	v.Set(list)
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "", "want keys and values")
		return
	}
	if t, ok := reflect.TypeAssert[*Target](v.Addr()); ok {
		*t = TargetDefaults(kindOf(n))
	}
	fields := keys(v)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		field, known := fields[key.Value]
		switch {
		case !known:
			// Sorted, so that the hint is always the same if two names are equally near.
			hint := didYouMean(key.Value, slices.Sorted(maps.Keys(fields)))
			d.fail(key, path, hint, "unknown key %q", key.Value)
			continue
		case seen[key.Value]:
			d.fail(key, at, "", "given twice")
			continue
		}
		seen[key.Value] = true
		d.positions[at] = position{key.Line, key.Column}
		d.value(value, field, at)
	}
}

// kindOf finds a target's kind before its defaults are known.
func kindOf(n *yaml.Node) Kind {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "kind" {
			return Kind(n.Content[i+1].Value)
		}
	}
	return ""
}

// keys returns the fields of a struct by their YAML names, including those of inlined structs.
func keys(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		switch tag := v.Type().Field(i).Tag.Get("yaml"); tag {
		case "-":
		case ",inline":
			maps.Copy(fields, keys(v.Field(i)))
		default:
			fields[tag] = v.Field(i)
		}
	}
	return fields
}
