package expand

import "strings"

// Use is one ${NAME}, $__env{NAME}, $__file{PATH} or $__any{thing} in a value.
type Use struct {
	// Kind is empty for ${NAME}, otherwise the text before the brace, such as "__env".
	Kind string
	// Arg is the text in the braces; never empty.
	Arg string
	// Start and End are its byte offsets in the value; End is exclusive.
	Start, End int
}

// IsVariable says whether it refers to an environment variable.
func (u Use) IsVariable() bool { return u.Kind == "" || u.Kind == "__env" }

// Uses finds all matches of \$(|__\w+){([^}]+)} in one pass.
func Uses(value string) []Use {
	var out []Use
	for i := 0; ; {
		next := strings.IndexByte(value[i:], '$')
		if next < 0 {
			return out
		}
		i += next
		open := i + 1
		if strings.HasPrefix(value[open:], "__") {
			for open += 2; open < len(value) && IsNameByte(value[open]); open++ {
			}
			if open == i+3 {
				i++
				continue
			}
		}
		if open >= len(value) || value[open] != '{' {
			i++
			continue
		}
		size := strings.IndexByte(value[open+1:], '}')
		switch {
		case size < 0:
			return out // no later brace is closed either
		case size == 0:
			i++
		default:
			end := open + 1 + size
			out = append(out, Use{Kind: value[i+1 : open], Arg: value[open+1 : end], Start: i, End: end + 1})
			i = end + 1
		}
	}
}

// maxExact is the maximum number of uses in a value for which Replace does exactly what Grafana does.
const maxExact = 100

// Replace replaces the uses one by one, each time the first occurrence of the use's text: an inserted value that
// contains the text of a later use is changed too, as in Grafana. put returns false for a use that stays as it is. A
// value with more than maxExact uses is expanded in one pass. The result differs only if inserted values contain uses.
func Replace(value string, put func(Use) (string, bool)) string {
	uses := Uses(value)
	if len(uses) <= maxExact {
		out := value
		for _, u := range uses {
			if v, ok := put(u); ok {
				out = strings.Replace(out, value[u.Start:u.End], v, 1)
			}
		}
		return out
	}
	var b strings.Builder
	done := 0
	for _, u := range uses {
		if v, ok := put(u); ok {
			b.WriteString(value[done:u.Start])
			b.WriteString(v)
			done = u.End
		}
	}
	b.WriteString(value[done:])
	return b.String()
}

// Shell replaces $NAME and ${NAME} as os.Expand does, but in one pass, however many braces are not closed.
func Shell(value string, variable func(string) string) string {
	var b strings.Builder
	lastClosing := strings.LastIndexByte(value, '}')
	done := 0
	for i := 0; i+1 < len(value); i++ {
		if value[i] != '$' {
			continue
		}
		name, size := shellName(value, i+1, lastClosing)
		b.WriteString(value[done:i])
		switch {
		case name != "":
			b.WriteString(variable(name))
		case size == 0:
			b.WriteByte('$') // no name follows
		}
		i += size
		done = i + 1
	}
	b.WriteString(value[done:])
	return b.String()
}

// shellName is the name that begins at from, and its length in bytes with braces. Empty or unclosed braces have no name.
func shellName(value string, from, lastClosing int) (string, int) {
	switch c := value[from]; {
	case c == '{':
		if from > lastClosing {
			return "", 1
		}
		end := strings.IndexByte(value[from:], '}')
		if end == 1 {
			return "", 2
		}
		return value[from+1 : from+end], end + 1
	case strings.IndexByte("*#$@!?-0123456789", c) >= 0:
		return value[from : from+1], 1
	}
	end := from
	for end < len(value) && IsNameByte(value[end]) {
		end++
	}
	return value[from:end], end - from
}

// IsNameByte says whether a byte can be part of a variable's name.
func IsNameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
