package yamlslip

import "strings"

// Lines cuts a file where a parser of YAML begins a new line, so that the parser's line numbers fit: also after a lone carriage
// return, and after U+0085, U+2028 and U+2029. Each line keeps its end.
func Lines(file string) []string {
	if !strings.ContainsAny(file, "\r\u0085\u2028\u2029") {
		return strings.SplitAfter(file, "\n")
	}
	var lines []string
	for {
		size, ends := lineSize(file)
		lines = append(lines, file[:size])
		if !ends {
			return lines
		}
		file = file[size:]
	}
}

// lineSize is the length of the first line, with its end if it has one.
func lineSize[T string | []byte](content T) (size int, ends bool) {
	for i := range len(content) {
		if n := breakAt(content, i); n > 0 {
			return i + n, true
		}
	}
	return len(content), false
}

// breakAt is the length of the line break at a byte; 0 if there is none.
func breakAt[T string | []byte](content T, i int) int {
	next := func(n int) byte {
		if i+n < len(content) {
			return content[i+n]
		}
		return 0
	}
	switch content[i] {
	case '\n':
		return 1
	case '\r':
		if next(1) == '\n' {
			return 2
		}
		return 1
	case 0xc2: // U+0085
		if next(1) == 0x85 {
			return 2
		}
	case 0xe2: // U+2028 and U+2029
		if next(1) == 0x80 && next(2)|1 == 0xa9 {
			return 3
		}
	}
	return 0
}
