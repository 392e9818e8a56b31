package provisioning

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/lazyregexp"
	"reloader/internal/yamlslip"
)

// MaxSize is the size, in bytes, of the largest file that Parse accepts. Grafana has no limit, but a
// ConfigMap has one of 1 MiB, and the nodes need many times as much memory as the text.
const MaxSize = 8 << 20

// Dialect is the YAML library with which a version of Grafana was built.
type Dialect uint8

// The dialects. V2 (before 9.4) lets the last of two equal keys win, V3 refuses them.
const (
	V2 Dialect = iota + 1
	V3
)

// SyntaxError says that a file is not valid YAML. It contains none of the file's values.
type SyntaxError struct {
	Line, Column int
	// Message and Hint say what is wrong and what to write; Hint may be empty.
	Message, Hint string
	// TooLarge says that the file was not parsed because of its size.
	TooLarge bool
}

var yamlLine = lazyregexp.New(`^(?:yaml: )?line (\d+): `)

// Parse returns the top node of the first document, or nil when the file is empty or has
// only comments. Like Grafana, it ignores what follows the first document.
func Parse(content []byte) (root *yaml.Node, serr *SyntaxError) {
	if len(content) > MaxSize {
		return nil, &SyntaxError{Line: 1, Column: 1, TooLarge: true,
			Message: fmt.Sprintf("the file has %d bytes; reloader judges at most %d", len(content), MaxSize)}
	}
	// The library turns its own panics into errors; no other panic may end the daemon.
	defer func() {
		if r := recover(); r != nil {
			root, serr = nil, &SyntaxError{Line: 1, Column: 1, Message: "the YAML parser gave up"}
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return nil, syntaxError(content, err.Error())
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

// syntaxError finds the line to edit. The name of an anchor is not repeated: a password that begins with * looks like one.
func syntaxError(content []byte, msg string) *SyntaxError {
	p := yamlslip.Problem{Line: 1, Column: 1, Message: strings.TrimPrefix(msg, "yaml: ")}
	if m := yamlLine().FindStringSubmatch(msg); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		p.Message = strings.TrimPrefix(msg, m[0])
	}
	if m := unknownAnchor().FindStringSubmatch(msg); m != nil {
		p.Anchor, p.Message = m[1], "an unquoted value that begins with * is an alias, and there is no anchor of this name"
		p.Hint = "quote the value, or name an anchor of this file"
	}
	yamlslip.Locate(content, &p)
	return &SyntaxError{Line: max(p.Line, 1), Column: max(p.Column, 1), Message: p.Message, Hint: p.Hint}
}

var unknownAnchor = lazyregexp.New(`unknown anchor '(.*)' referenced`)
