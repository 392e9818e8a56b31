package judge

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// plainReader reads the settings of a printed part line by line, ten times as fast as a parser of YAML. It knows only the layout in
// which the library prints, and only values that need no escapes: for anything else it gives up.
type plainReader struct {
	// rest is the text after the current line.
	rest string
	// line is the current line without its indent, and without the dash of a list item that begins on it; ended means that
	// there is none.
	line   string
	indent int
	ended  bool
	failed bool
	out    []setting
}

// plainSettings are the values of a printed node that begins with a key or a dash; ok is false when it has to be parsed.
func plainSettings(text string) (all []setting, ok bool) {
	r := plainReader{rest: text, out: make([]setting, 0, 64)}
	r.next()
	if r.ended || r.indent > 2 {
		return nil, false
	}
	r.block("")
	return r.out, r.ended && !r.failed
}

// next goes on to the next line.
func (r *plainReader) next() {
	if r.ended = r.rest == ""; r.ended {
		return
	}
	r.line, r.rest, _ = strings.Cut(r.rest, "\n")
	text := strings.TrimLeft(r.line, " ")
	r.indent = len(r.line) - len(text)
	r.line = text
	r.failed = r.failed || text == ""
}

// block reads the mapping or list that begins on this line.
func (r *plainReader) block(at string) {
	if r.dashed() {
		r.list(at)
	} else {
		r.mapping(at)
	}
}

func (r *plainReader) dashed() bool { return strings.HasPrefix(r.line, "- ") }

func (r *plainReader) list(at string) {
	indent, length, n := r.indent, len(r.out), 0
	r.out = append(r.out, setting{path: at + "/#"})
	for !r.failed && !r.ended && r.indent == indent && r.dashed() {
		item := at + "/" + strconv.Itoa(n)
		r.line, r.indent = r.line[2:], r.indent+2
		if _, _, ok := plainKey(r.line); ok || r.dashed() {
			r.block(item)
		} else {
			r.value(r.line, item)
			r.next()
		}
		n++
	}
	r.out[length].text = strconv.Itoa(n)
}

func (r *plainReader) mapping(at string) {
	indent, names := r.indent, len(r.out)
	var keys []string
	free := freeMaps[path.Base(at)]
	if free {
		r.out = append(r.out, setting{path: at + "/"})
	}
	for !r.failed && !r.ended && r.indent == indent && !r.dashed() {
		key, value, ok := plainKey(r.line)
		if !ok {
			r.failed = true
			return
		}
		if free {
			keys = append(keys, key)
		}
		below := at + "/" + key
		if value != "" {
			r.value(value, below)
			r.next()
			continue
		}
		r.next()
		switch {
		case r.ended:
			r.failed = true
		case r.indent == indent+2:
			r.block(below)
		case r.indent == indent && r.dashed():
			r.list(below)
		default:
			r.failed = true
		}
	}
	if free {
		slices.Sort(keys)
		r.out[names].text = strings.Join(keys, "\x00")
	}
}

// value reads a value that is on one line.
func (r *plainReader) value(text, at string) {
	add := func(path, text string) { r.out = append(r.out, setting{path, text}) }
	if text == "" {
		r.failed = true
		return
	}
	last := len(text) - 1
	switch first := text[0]; {
	case text == "{}":
		if freeMaps[path.Base(at)] {
			add(at+"/", "")
		}
	case text == "[]":
		add(at+"/#", "0")
	case first == '[' && text[last] == ']':
		items := strings.Split(text[1:last], ", ")
		add(at+"/#", strconv.Itoa(len(items)))
		for i, item := range items {
			r.failed = r.failed || !isPlain(item) || strings.ContainsAny(item, ",[]{}")
			add(at+"/"+strconv.Itoa(i), item)
		}
	case (first == '"' || first == '\'') && last > 0 && text[last] == first:
		inner := text[1:last]
		r.failed = r.failed || strings.ContainsAny(inner, `"'\`) || !isASCII(inner)
		add(at, inner)
	default:
		r.failed = r.failed || !isPlain(text)
		add(at, text)
	}
}

// plainKey cuts a line after a key without quotes.
func plainKey(line string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(line, ":")
	if !ok || key == "" || value != "" && (value[0] != ' ' || len(value) == 1) {
		return "", "", false
	}
	for i := range len(key) {
		if c := key[i]; !wordByte(c) && (c != '-' || i == 0) {
			return "", "", false
		}
	}
	return key, strings.TrimPrefix(value, " "), true
}

// isPlain reports whether a value without quotes means exactly its text.
func isPlain(text string) bool {
	return text != "" && text == strings.TrimSpace(text) && isASCII(text) && !strings.ContainsRune("-?:,[]{}#&*!|>'\"%@`", rune(text[0])) &&
		!strings.HasPrefix(text, "...") && !strings.Contains(text, ": ") && !strings.Contains(text, " #") && text[len(text)-1] != ':'
}

// isASCII reports whether a text has nothing but printable ASCII characters and blanks.
func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
