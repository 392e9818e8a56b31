package settings

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	library = "github.com/prometheus/prometheus"
	header  = `// Code generated from %s/discovery/%s by "make golden". DO NOT EDIT.
// It is what Prometheus %s reads and refuses, without what discovers.

`
)

// Methods that are called through an interface: YAML, discovery.Config, fmt.
var called = []string{"Name", "SetDirectory", "UnmarshalYAML", "MarshalYAML", "UnmarshalText", "MarshalText", "UnmarshalJSON", "MarshalJSON", "String"}

// Methods that discover targets. Stubs replace them.
var discovers = []string{"NewDiscoverer", "NewDiscovererMetrics"}

const stubs = `
// NewDiscoverer implements discovery.Config: nothing is discovered here.
func (*%[1]s) NewDiscoverer(discovery.DiscovererOptions) (discovery.Discoverer, error) {
	return nil, errors.ErrUnsupported
}

// NewDiscovererMetrics implements discovery.Config.
func (*%[1]s) NewDiscovererMetrics(prometheus.Registerer, discovery.RefreshMetricsInstantiator) discovery.DiscovererMetrics {
	return nil
}
`

// declaration is a function, a method, a type, or one or more constants or variables, with its comment.
type declaration struct {
	node     ast.Node
	text     string
	names    []string
	receiver string // of a method
}

// source is a package of the library.
type source struct {
	name     string
	license  string
	imports  map[string]string // of all files: the line of an import, by its name in the code
	declared []*declaration
	kinds    []string // the types that are registered
}

// generate returns the part of a package that reads and refuses settings: everything that is reachable from the methods
// in called.
func generate(dir, release string) ([]byte, error) {
	s, err := parse(dir)
	if err != nil {
		return nil, err
	}
	keep := s.reachable()
	used := map[string]bool{"discovery": true, "errors": true, "prometheus": true}
	var body bytes.Buffer
	for _, d := range s.declared {
		if !keep[d] {
			continue
		}
		body.WriteString(d.text + "\n\n")
		for id := range identifiers(d.node) {
			used[id] = true
		}
	}
	for _, k := range s.kinds {
		fmt.Fprintf(&body, stubs, k)
	}
	fmt.Fprintf(&body, "\n// Kinds are pointers to the kinds of discovery, to register them.\nfunc Kinds() []discovery.Config {\n\treturn []discovery.Config{&%s{}}\n}\n",
		strings.Join(s.kinds, "{}, &"))
	var out bytes.Buffer
	out.WriteString(s.license + "\n\n")
	fmt.Fprintf(&out, header, library, filepath.Base(dir), release)
	fmt.Fprintf(&out, "// Package %s is the settings of a kind of service discovery as Prometheus reads them.\npackage %s\n\nimport (\n", s.name, s.name)
	s.imports["discovery"] = `"` + library + `/discovery"`
	s.imports["errors"], s.imports["prometheus"] = `"errors"`, `"github.com/prometheus/client_golang/prometheus"`
	var std, others []string
	for name, line := range s.imports {
		switch {
		case !used[name]:
		case strings.Contains(line, "."):
			others = append(others, line)
		default:
			std = append(std, line)
		}
	}
	byPath := func(a, b string) int { return strings.Compare(a[strings.Index(a, `"`):], b[strings.Index(b, `"`):]) }
	slices.SortFunc(std, byPath)
	slices.SortFunc(others, byPath)
	fmt.Fprintf(&out, "%s\n\n%s\n)\n\n", strings.Join(std, "\n"), strings.Join(others, "\n"))
	out.Write(body.Bytes())
	code, err := format.Source(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("format %s: %w\n%s", dir, err, out.Bytes())
	}
	return code, nil
}

func parse(dir string) (*source, error) {
	p, err := build.Default.ImportDir(dir, 0)
	if err != nil {
		return nil, err
	}
	s := &source{name: p.Name, imports: map[string]string{}}
	for _, name := range p.GoFiles {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, name, text, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		if s.license == "" {
			s.license = strings.TrimSpace(between(files, text, f.Comments[0]))
		}
		for _, im := range f.Imports {
			as := path.Base(strings.Trim(im.Path.Value, `"`))
			if im.Name != nil {
				as = im.Name.Name
			}
			if as == "_" {
				continue
			}
			s.imports[as] = between(files, text, im)
		}
		for _, d := range f.Decls {
			s.add(files, text, d)
		}
	}
	return s, nil
}

func between(files *token.FileSet, text []byte, n ast.Node) string {
	return string(text[files.Position(n.Pos()).Offset:files.Position(n.End()).Offset])
}

// add adds a declaration. The members of a group are added one by one; none of the library's groups uses iota.
func (s *source) add(files *token.FileSet, text []byte, d ast.Decl) {
	comment := func(doc *ast.CommentGroup) string {
		if doc == nil {
			return ""
		}
		return between(files, text, doc) + "\n"
	}
	if f, ok := d.(*ast.FuncDecl); ok {
		dec := &declaration{node: f, text: comment(f.Doc) + between(files, text, f), names: []string{f.Name.Name}}
		if f.Recv != nil {
			t := f.Recv.List[0].Type
			if p, ok := t.(*ast.StarExpr); ok {
				t = p.X
			}
			if id, ok := t.(*ast.Ident); ok {
				dec.receiver = id.Name
			}
		}
		if dec.names[0] == "init" {
			s.kinds = append(s.kinds, registered(f)...)
			return
		}
		s.declared = append(s.declared, dec)
		return
	}
	g, ok := d.(*ast.GenDecl)
	if !ok || g.Tok == token.IMPORT {
		return
	}
	for _, spec := range g.Specs {
		dec := &declaration{node: spec, text: g.Tok.String() + " " + between(files, text, spec)}
		doc := g.Doc
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			dec.names = []string{spec.Name.Name}
			if g.Lparen.IsValid() {
				doc = spec.Doc
			}
		case *ast.ValueSpec:
			for _, n := range spec.Names {
				dec.names = append(dec.names, n.Name)
			}
			if g.Lparen.IsValid() {
				doc = spec.Doc
			}
		}
		dec.text = comment(doc) + dec.text
		s.declared = append(s.declared, dec)
	}
}

// registered are the types that an init function registers.
func registered(f *ast.FuncDecl) (types []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if fun, ok := call.Fun.(*ast.SelectorExpr); !ok || fun.Sel.Name != "RegisterConfig" {
			return true
		}
		if p, ok := call.Args[0].(*ast.UnaryExpr); ok {
			if lit, ok := p.X.(*ast.CompositeLit); ok {
				if id, ok := lit.Type.(*ast.Ident); ok {
					types = append(types, id.Name)
				}
			}
		}
		return true
	})
	return types
}

// reachable are the declarations that the kinds need. An identifier counts as a use of everything with that name: too much
// is kept rather than too little.
func (s *source) reachable() map[*declaration]bool {
	keep := map[*declaration]bool{}
	mentioned := map[string]bool{}
	types := map[string]bool{}
	for _, k := range s.kinds {
		mentioned[k] = true
	}
	for grown := true; grown; {
		grown = false
		for _, d := range s.declared {
			if keep[d] || !slices.ContainsFunc(d.names, func(n string) bool {
				if d.receiver == "" {
					return mentioned[n]
				}
				if slices.Contains(discovers, n) && slices.Contains(s.kinds, d.receiver) {
					return false
				}
				return types[d.receiver] && (mentioned["."+n] || slices.Contains(called, n))
			}) {
				continue
			}
			keep[d], grown = true, true
			if _, ok := d.node.(*ast.TypeSpec); ok {
				types[d.names[0]] = true
			}
			for id := range identifiers(d.node) {
				mentioned[id] = id != "_"
			}
		}
	}
	return keep
}

// identifiers are the names that a declaration uses. A selected name has a dot before it. Names of fields do not count.
func identifiers(n ast.Node) map[string]bool {
	ids := map[string]bool{}
	var walk func(ast.Node) bool
	walk = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			ids["."+n.Sel.Name] = true
			ast.Inspect(n.X, walk)
			return false
		case *ast.KeyValueExpr:
			if _, field := n.Key.(*ast.Ident); !field {
				ast.Inspect(n.Key, walk)
			}
			ast.Inspect(n.Value, walk)
			return false
		case *ast.Field:
			ast.Inspect(n.Type, walk)
			return false
		case *ast.Ident:
			ids[n.Name] = true
		}
		return true
	}
	ast.Inspect(n, walk)
	return ids
}
