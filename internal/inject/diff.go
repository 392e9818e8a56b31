package inject

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

const contextLines = 3

// maxSteps bounds the work on one document, and the memory for it, which grow with the square of
// the difference. Behind it the rest of the document is shown as removed and added.
const maxSteps = 1000

// Diff is the shortest unified diff from a to b, document by document; empty when they are equal.
func Diff(nameA string, a []byte, nameB string, b []byte) []byte {
	if bytes.Equal(a, b) {
		return nil
	}
	x, y := bytes.SplitAfter(a, []byte("\n")), bytes.SplitAfter(b, []byte("\n"))
	steps := byDocument(x, y)
	var out bytes.Buffer
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", nameA, nameB)
	for from := 0; from < len(steps); {
		if steps[from].op == ' ' {
			from++
			continue
		}
		start, to := max(0, from-contextLines), from
		for i := from; i < len(steps) && i <= to+2*contextLines; i++ {
			if steps[i].op != ' ' {
				to = i
			}
		}
		end := min(len(steps), to+1+contextLines)
		hunk(&out, steps[start:end], x, y)
		from = end
	}
	return out.Bytes()
}

// step is one line of a diff: removed (at x), added (at y) or kept (at both).
type step struct {
	op   byte
	x, y int
}

func hunk(out *bytes.Buffer, steps []step, x, y [][]byte) {
	removed, added := 0, 0
	var body bytes.Buffer
	for _, s := range steps {
		line := x[min(s.x, len(x)-1)]
		if s.op == '+' {
			line = y[s.y]
		}
		if len(line) == 0 { // behind the last line feed
			continue
		}
		if s.op != '+' {
			removed++
		}
		if s.op != '-' {
			added++
		}
		body.WriteByte(s.op)
		body.Write(line)
		if line[len(line)-1] != '\n' {
			body.WriteString("\n\\ No newline at end of file\n")
		}
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", span(steps[0].x, removed), span(steps[0].y, added))
	out.Write(body.Bytes())
}

// span writes a range of lines; an empty one names the line before it.
func span(at, count int) string {
	if count > 0 {
		at++
	}
	return fmt.Sprintf("%d,%d", at, count)
}

// byDocument compares document with document: what inject adds is in its own one or at the end.
func byDocument(x, y [][]byte) []step {
	ends := func(lines [][]byte) []int {
		var at []int
		for i, l := range lines {
			if i > 0 && bytes.HasPrefix(l, []byte("---")) {
				at = append(at, i)
			}
		}
		return at
	}
	ex, ey := ends(x), ends(y)
	var steps []step
	fromX, fromY := 0, 0
	if len(ey) >= len(ex) {
		for i, toX := range ex {
			steps = append(steps, shifted(shortest(x[fromX:toX], y[fromY:ey[i]]), fromX, fromY)...)
			fromX, fromY = toX, ey[i]
		}
	}
	return append(steps, shifted(shortest(x[fromX:], y[fromY:]), fromX, fromY)...)
}

func shifted(steps []step, x, y int) []step {
	for i := range steps {
		steps[i].x += x
		steps[i].y += y
	}
	return steps
}

// shortest is Myers' algorithm between the common head and tail: its cost follows the
// difference, not the size of the manifest.
func shortest(x, y [][]byte) []step {
	head := 0
	for head < len(x) && head < len(y) && bytes.Equal(x[head], y[head]) {
		head++
	}
	tail := 0
	for tail < len(x)-head && tail < len(y)-head && bytes.Equal(x[len(x)-1-tail], y[len(y)-1-tail]) {
		tail++
	}
	var steps []step
	for i := range head {
		steps = append(steps, step{' ', i, i})
	}
	for _, s := range myers(x[head:len(x)-tail], y[head:len(y)-tail]) {
		steps = append(steps, step{s.op, s.x + head, s.y + head})
	}
	for i := range tail {
		steps = append(steps, step{' ', len(x) - tail + i, len(y) - tail + i})
	}
	return steps
}

func myers(x, y [][]byte) []step {
	size := len(x) + len(y)
	at := map[int]int{1: 0} // how far each diagonal got
	var trace []map[int]int
	for d := 0; d <= size; d++ {
		if d > maxSteps {
			return replaced(len(x), len(y))
		}
		trace = append(trace, maps.Clone(at))
		for k := -d; k <= d; k += 2 {
			i := at[k-1] + 1
			if k == -d || k != d && at[k-1] < at[k+1] {
				i = at[k+1]
			}
			for i < len(x) && i-k < len(y) && bytes.Equal(x[i], y[i-k]) {
				i++
			}
			at[k] = i
			if i >= len(x) && i-k >= len(y) {
				return backtrack(trace, len(x), len(y))
			}
		}
	}
	return nil
}

// replaced removes all lines and adds all others.
func replaced(x, y int) []step {
	var steps []step
	for i := range x {
		steps = append(steps, step{'-', i, 0})
	}
	for j := range y {
		steps = append(steps, step{'+', x, j})
	}
	return steps
}

func backtrack(trace []map[int]int, i, j int) []step {
	var steps []step
	for d, at := range slices.Backward(trace) {
		k := i - j
		prev := k - 1
		if k == -d || k != d && at[k-1] < at[k+1] {
			prev = k + 1
		}
		pi := at[prev]
		pj := pi - prev
		for i > pi && j > pj && i > 0 && j > 0 {
			i, j = i-1, j-1
			steps = append(steps, step{' ', i, j})
		}
		switch {
		case d == 0:
		case prev == k+1:
			j--
			steps = append(steps, step{'+', i, j})
		default:
			i--
			steps = append(steps, step{'-', i, j})
		}
	}
	slices.Reverse(steps)
	return steps
}
