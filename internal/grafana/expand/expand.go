package expand

import "strings"

// Use is one ${NAME}, $__env{NAME}, $__file{PATH} or $__any{thing} in a value.
type Use struct {
	// Kind is empty for ${NAME}, else what stands before the brace: "__env".
	Kind string
	// Arg is what stands in the braces; never empty.
	Arg string
	// Start and End are its bytes in the value.
	Start, End int
}

// IsVariable says whether it stands for an environment variable.
func (u Use) IsVariable() bool { return u.Kind == "" || u.Kind == "__env" }

// Uses finds them all in one pass. They are what \$(|__\w+){([^}]+)} matches.
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
			return out // nothing behind this one is closed either
		case size == 0:
			i++
		default:
			end := open + 1 + size
			out = append(out, Use{Kind: value[i+1 : open], Arg: value[open+1 : end], Start: i, End: end + 1})
			i = end + 1
		}
	}
}

// maxExact is the number of uses in one value up to which Replace is exact to the letter.
const maxExact = 100

// Replace puts in values one after the other, always for the first occurrence of the use's text: a value that
// contains the text of a later use is changed, as in Grafana. put gives false for what stays as it is. A value
// with more than a hundred uses is expanded in one pass, which only differs where values contain uses themselves.
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

// Shell replaces $NAME and ${NAME} as os.Expand does, but in one pass however many braces stay open.
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
			b.WriteByte('$') // it is followed by no name
		}
		i += size
		done = i + 1
	}
	b.WriteString(value[done:])
	return b.String()
}

// shellName is the name that begins at from, and how many bytes it takes; a brace that is empty or stays open has none.
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
