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
		// It looks a line or more ahead of a token that it did not expect: the file ends as badly after the token's line.
		for read > max(told, 1) {
			if _, shorter := parse(content, lineEnd(content, read-1)); shorter != message {
				break
			}
			read--
		}
	case strings.HasPrefix(m[2], "could not find expected"), strings.HasPrefix(m[2], "found a tab"), strings.HasPrefix(m[2], "found unexpected"):
	default:
		read = told
	}
	return max(read, told), line
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

// lineEnd is the offset at which the line with this number ends, counted from 1.
func lineEnd(content []byte, line int) int {
	end := 0
	for ; line > 0; line-- {
		i := bytes.IndexByte(content[end:], '\n')
		if i < 0 {
			return len(content)
		}
		end += i + 1
	}
	return end
}

// lineReader gives no more than one line at a time, and counts them.
type lineReader struct {
	rest  []byte
	lines int
}

func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	size := lineEnd(r.rest, 1)
	n := copy(p, r.rest[:size])
	r.rest = r.rest[n:]
	if n == size {
		r.lines++
	}
	return n, nil
}
