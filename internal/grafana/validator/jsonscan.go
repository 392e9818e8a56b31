package validator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// jsonObject is the first level of a JSON text.
type jsonObject struct {
	// isObject says that the text is an object at all.
	isObject bool
	// fields are the values, not decoded, by key; the last one if a key is repeated.
	fields map[string]jsonField
	// trailing says that more text follows the value.
	trailing bool
}

// jsonField is one value of an object.
type jsonField struct {
	raw    []byte
	offset int
}

// text is the value if it is a JSON string.
func (f jsonField) text() (string, bool) {
	if len(f.raw) == 0 || f.raw[0] != '"' {
		return "", false
	}
	var s string
	if json.Unmarshal(f.raw, &s) != nil {
		return "", false
	}
	return s, true
}

// kind is the first byte: '{', '[', '"', 't', 'f', 'n', or a digit or sign; 0 when there is no value.
func (f jsonField) kind() byte {
	if len(f.raw) == 0 {
		return 0
	}
	return f.raw[0]
}

// jsonError is where a text stops being JSON.
type jsonError struct {
	offset int
	what   string
}

func (e *jsonError) Error() string { return fmt.Sprintf("%s at byte %d", e.what, e.offset) }

// jsonHint says what is most likely wrong where a text stops being JSON; empty when nothing is known.
func jsonHint(b []byte, e *jsonError) string {
	behind := b[min(e.offset, len(b)):]
	before := bytes.TrimRight(b[:len(b)-len(behind)], " \t\r\n")
	switch starts := func(s string) bool { return bytes.HasPrefix(behind, []byte(s)) }; {
	case bytes.HasSuffix(before, []byte(",")) && (starts("}") || starts("]")):
		return "remove the comma before it"
	case starts("//"), starts("/*"), starts("#"):
		return "JSON has no comments: remove it"
	case starts("'"), starts("\u201c"), starts("\u201d"):
		return `write plain double quotes: "`
	case starts("{{"), starts("{") && bytes.HasSuffix(b[:len(b)-len(behind)], []byte("{")): // the first may pass as an object
		return "this is an unrendered template: render it first (helm template, for example)"
	case len(before) == 0 && starts("<"):
		return "this is a web page: download the dashboard itself"
	case len(before) == 0 && starts("\ufeff"):
		return "remove the byte order mark (U+FEFF) at the beginning"
	case strings.HasPrefix(e.what, "a comma or a closing") && (starts(`"`) || starts("{") || starts("[")):
		return "a comma is missing before it"
	}
	return ""
}

// maxJSONDepth is the maximum nesting that Go's decoder accepts, and so Grafana.
const maxJSONDepth = 10_000

// scanJSON checks the first JSON value in b as Go's decoder would, and keeps the fields of its first
// level. It does not decode the rest: a dashboard is large, and only a few of its fields matter.
func scanJSON(b []byte) (jsonObject, error) {
	s := jsonScanner{b: b}
	s.space()
	var o jsonObject
	var err error
	if s.peek() == '{' {
		o.isObject, o.fields = true, map[string]jsonField{}
		err = s.object(func(key []byte, f jsonField) {
			var k string
			if bytes.IndexByte(key, '\\') < 0 && utf8.Valid(key) {
				k = string(key[1 : len(key)-1])
			} else if json.Unmarshal(key, &k) != nil {
				return
			}
			o.fields[k] = f
		})
	} else {
		err = s.value()
	}
	if err != nil {
		return jsonObject{}, err
	}
	s.space()
	o.trailing = s.i < len(b)
	return o, nil
}

type jsonScanner struct {
	b     []byte
	i     int
	depth int
}

func (s *jsonScanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *jsonScanner) fail(what string) error {
	if s.i >= len(s.b) {
		what = "the file ends too early"
	}
	return &jsonError{s.i, what}
}

func (s *jsonScanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

func (s *jsonScanner) value() error {
	switch c := s.peek(); {
	case c == '{':
		return s.object(nil)
	case c == '[':
		return s.list(']', "a comma or a closing bracket is expected", nil)
	case c == '"':
		return s.str()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	}
	return s.fail("a value is expected")
}

// list reads an object or an array up to its closing character. It calls field, if not nil, for each field of an object.
func (s *jsonScanner) list(end byte, otherwise string, field func(key []byte, f jsonField)) error {
	s.depth++
	if s.depth > maxJSONDepth {
		return s.fail("the nesting is too deep")
	}
	s.i++
	s.space()
	for first := true; ; first = false {
		switch c := s.peek(); {
		case c == end:
			s.i++
			s.depth--
			return nil
		case first:
		case c != ',':
			return s.fail(otherwise)
		default:
			s.i++
			s.space()
		}
		var err error
		if end == '}' {
			err = s.member(field)
		} else {
			err = s.value()
		}
		if err != nil {
			return err
		}
		s.space()
	}
}

func (s *jsonScanner) object(field func(key []byte, f jsonField)) error {
	return s.list('}', "a comma or a closing brace is expected", field)
}

func (s *jsonScanner) member(field func(key []byte, f jsonField)) error {
	if s.peek() != '"' {
		return s.fail("a key in double quotes is expected")
	}
	keyAt := s.i
	if err := s.str(); err != nil {
		return err
	}
	key := s.b[keyAt:s.i]
	s.space()
	if s.peek() != ':' {
		return s.fail("a colon is expected")
	}
	s.i++
	s.space()
	at := s.i
	if err := s.value(); err != nil {
		return err
	}
	if field != nil {
		field(key, jsonField{s.b[at:s.i], at})
	}
	return nil
}

func (s *jsonScanner) str() error {
	s.i++
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return nil
		case c < ' ':
			return s.fail("a control character in a string")
		case c != '\\':
			s.i++
		default:
			if err := s.escape(); err != nil {
				return err
			}
		}
	}
	return s.fail("")
}

func (s *jsonScanner) escape() error {
	s.i++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i++
		return nil
	case 'u':
		s.i++
		for range 4 {
			c := s.peek()
			if !isDigitByte(c) && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return s.fail("four hexadecimal digits are expected")
			}
			s.i++
		}
		return nil
	}
	return s.fail("an invalid escape in a string")
}

func (s *jsonScanner) word(w string) error {
	if !bytes.HasPrefix(s.b[s.i:], []byte(w)) {
		for j := 0; j < len(w) && s.i < len(s.b) && s.b[s.i] == w[j]; j++ {
			s.i++
		}
		return s.fail("a value is expected")
	}
	s.i += len(w)
	return nil
}

func (s *jsonScanner) digits() bool {
	from := s.i
	for isDigitByte(s.peek()) {
		s.i++
	}
	return s.i > from
}

func (s *jsonScanner) number() error {
	if s.peek() == '-' {
		s.i++
	}
	if s.peek() == '0' {
		s.i++
	} else if !s.digits() {
		return s.fail("a digit is expected")
	}
	if s.peek() == '.' {
		s.i++
		if !s.digits() {
			return s.fail("a digit is expected")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.i++
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		if !s.digits() {
			return s.fail("a digit is expected")
		}
	}
	return nil
}

func isDigitByte(c byte) bool { return '0' <= c && c <= '9' }

// lineColumn is the line and column of a byte offset, both counted from 1.
func lineColumn(b []byte, offset int) (line, column int) {
	offset = min(offset, len(b))
	line = 1 + bytes.Count(b[:offset], []byte("\n"))
	return line, offset - bytes.LastIndexByte(b[:offset], '\n')
}
