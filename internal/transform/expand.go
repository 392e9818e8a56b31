package transform

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"reloader/internal/finding"
)

// maxFindings bounds the findings of a file: one with more contains $(...) by mistake.
const maxFindings = 100

// expand replaces each $(VAR), as the prometheus-operator's config reloader does. A reference to an unset variable stays
// as it is; an empty variable is replaced by nothing. Values are not expanded again.
func expand(file string, data []byte, o Options) ([]byte, []finding.Finding) {
	var out bytes.Buffer
	var findings []finding.Finding
	pos := position{line: 1, column: 1}
	for rest := data; ; {
		before, name, after, ok := cutReference(rest)
		pos.advance(before)
		out.Write(before)
		if !ok {
			break
		}
		written := rest[len(before) : len(rest)-len(after)]
		var value string
		var set bool
		if o.allowed(name) {
			value, set = o.Lookup(name)
		}
		switch {
		case len(findings) >= maxFindings:
			return data, append(findings, finding.More("file", finding.Error, 0, true))
		case !o.allowed(name):
			findings = append(findings, finding.Finding{
				Line: pos.line, Column: pos.column, Rule: RuleForbidden,
				Message: fmt.Sprintf("environment variable %s may not be used in files", name),
				Hint:    fmt.Sprintf("add %s to the target's expand_env_names, unless it is a secret of reloader itself", name),
			})
			out.Write(written)
		case !set:
			findings = append(findings, finding.Finding{
				Line: pos.line, Column: pos.column, Rule: RuleUnset,
				Message: fmt.Sprintf("environment variable %s is not set", name),
				Hint:    fmt.Sprintf("set %s in the reloader container, or remove this file from expand_env", name),
			})
			out.Write(written)
		case int64(out.Len())+int64(len(value)) > o.MaxSize:
			size := fmt.Sprintf("the file becomes larger than %d MiB", o.MaxSize>>20)
			if o.together {
				size = fmt.Sprintf("all files of its source together have more than %d MiB", o.MaxTotal>>20)
			}
			return data, append(findings, finding.Finding{
				Line: pos.line, Column: pos.column, Rule: RuleSize, Message: fmt.Sprintf("with environment variable %s %s", name, size),
			})
		default:
			if o.Inserted != nil {
				o.Inserted(file, name, value)
			}
			out.WriteString(value)
		}
		pos.advance(written)
		rest = after
	}
	return out.Bytes(), findings
}

// cutReference splits b at the first $(VAR).
func cutReference(b []byte) (before []byte, name string, after []byte, ok bool) {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte("$("))
		if i < 0 {
			return b, "", nil, false
		}
		start := from + i + len("$(")
		end := start
		for end < len(b) && isNameByte(b[end]) {
			end++
		}
		if end > start && end < len(b) && b[end] == ')' {
			return b[:start-len("$(")], string(b[start:end]), b[end+1:], true
		}
		from = start
	}
}

func isNameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// position is a position in a text; both numbers start at 1, and columns are characters.
type position struct{ line, column int }

func (p *position) advance(text []byte) {
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		p.line += bytes.Count(text, []byte("\n"))
		p.column = 1
		text = text[i+1:]
	}
	p.column += utf8.RuneCount(text)
}
