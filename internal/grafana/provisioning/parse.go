package provisioning

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the largest file, in bytes, that Parse accepts. Grafana has no limit, but a
// ConfigMap has one of 1 MiB, and a tree of nodes takes many times the size of its text.
const MaxSize = 8 << 20

// Dialect is the YAML library that a Grafana was built with.
type Dialect uint8

// The dialects. V2 (before 9.4) lets the last of two equal keys win, V3 refuses them.
const (
	V2 Dialect = iota + 1
	V3
)

// SyntaxError says that a file is not YAML. It carries nothing of the file's values.
type SyntaxError struct {
	Line, Column int
	Message      string
	// TooLarge says that the file was not looked at.
	TooLarge bool
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// Parse returns the top node of the first document, or nil when the file is empty or holds
// only comments. Grafana does not look at what comes after the first document, nor does Parse.
func Parse(content []byte) (root *yaml.Node, serr *SyntaxError) {
	if len(content) > MaxSize {
		return nil, &SyntaxError{Line: 1, Column: 1, TooLarge: true,
			Message: fmt.Sprintf("the file has %d bytes, more than the %d that are judged", len(content), MaxSize)}
	}
	// The library turns its own panics into errors; any other one must not end the daemon.
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

func syntaxError(content []byte, msg string) *SyntaxError {
	e := &SyntaxError{Line: 1, Column: 1, Message: strings.TrimPrefix(msg, "yaml: ")}
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Message = strings.TrimPrefix(msg, m[0])
	}
	rest := content
	for i := 1; i < e.Line; i++ {
		_, after, found := bytes.Cut(rest, []byte("\n"))
		if !found {
			break
		}
		rest = after
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	e.Column = 1 + len(line) - len(bytes.TrimLeft(line, " \t"))
	return e
}
