package yamlslip

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/lazyregexp"
)

var reSyntax = lazyregexp.New(`^yaml: line (\d+): (.*)$`)

// stops is the line where the parser stopped, and the line where the block or text around it begins. The library tells
// only the latter if there is one, so the former is how far it read.
func stops(content []byte, line int) (stopped, context int) {
	read, message := parse(content, len(content))
	m := reSyntax().FindStringSubmatch(message)
	if m == nil {
		return line, line
	}
	told, _ := strconv.Atoi(m[1])
	switch {
	case m[2] == "did not find expected node content":
		read = told + 1 // the node begins there; the library counts the lines of such errors from 0
	case strings.HasPrefix(m[2], "did not find expected"):
		read = unexpected(content, max(told, 1), read, message)
	case strings.HasPrefix(m[2], "could not find expected"), strings.HasPrefix(m[2], "found a tab"), strings.HasPrefix(m[2], "found unexpected"):
	default:
		read = told
	}
	return max(read, told), line
}

// again limits how many bytes are parsed again to find one line, also for a small file; a large one is parsed four times
// more, and then the line is near the right one. Without a limit, 1 MB with 20,000 lines to choose from took over 8 minutes.
const again = 4 << 20

// unexpected is the line, from first to last, of a token that the parser did not expect: it looks a line or more ahead of
// the token, and the file ends as badly after the token's line.
func unexpected(content []byte, first, last int, message string) int {
	ends := lineEnds(content, last)
	last = min(last, len(ends))
	for left := max(again, 4*len(content)); last > first && left > 0; {
		before := last - 1 // and up to a line that is more than a comment, because without the others the end is the same
		for before > first && empty(content[ends[before-2]:ends[before-1]]) {
			before--
		}
		size := ends[before-1]
		if _, shorter := parse(content, size); shorter != message {
			break
		}
		last, left = before, left-size
	}
	return last
}

func empty(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '#'
}

// parse reads the first document of the beginning of a file, and returns how many lines the parser read and its error;
// empty if there is none.
func parse(content []byte, size int) (read int, message string) {
	r := &lineReader{rest: content[:size]}
	if err := yaml.NewDecoder(r).Decode(new(yaml.Node)); err != nil {
		message = err.Error()
	}
	return r.lines, message
}

// lineEnds are the offsets at which the first lines end.
func lineEnds(content []byte, lines int) []int {
	ends := make([]int, 0, lines)
	for end := 0; end < len(content) && len(ends) < lines; {
		size, _ := lineSize(content[end:])
		end += size
		ends = append(ends, end)
	}
	return ends
}

// lineReader gives no more than one line at a time, and counts those it began to give.
type lineReader struct {
	rest   []byte
	lines  int
	inside bool // a line
}

func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	if !r.inside {
		r.lines++
	}
	size, _ := lineSize(r.rest)
	n := copy(p, r.rest[:size])
	r.rest, r.inside = r.rest[n:], n < size
	return n, nil
}
