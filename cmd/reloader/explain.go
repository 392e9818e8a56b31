package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"reloader/internal/finding"
	"reloader/internal/inject"
)

// explainWidth is the width of an explanation's lines, in characters.
const explainWidth = 100

// explain prints what inject did to each workload, container by container, and then what is
// left for the user to do.
func explain(w io.Writer, name string, src []byte, res inject.Result) {
	for _, workload := range grouped(res.Notes, func(n inject.Note) string { return n.Workload }) {
		fmt.Fprintf(w, "%s: %s\n", finding.OneLine(name), finding.OneLine(workload[0].Workload))
		title := func(n inject.Note) string {
			if n.Warning {
				return "left for you"
			}
			return cmp.Or(n.About, "the pod")
		}
		for _, group := range grouped(workload, title) {
			fmt.Fprintf(w, "  %s\n", finding.OneLine(title(group[0])))
			remarks(w, group)
		}
	}
	if string(src) == string(res.Output) {
		fmt.Fprintf(w, "%s: nothing to change\n", name)
	}
}

// grouped groups notes by key. Groups are in the order of their first notes; warnings come last.
func grouped(notes []inject.Note, key func(inject.Note) string) [][]inject.Note {
	at := map[string]int{}
	var groups [][]inject.Note
	for _, warning := range []bool{false, true} {
		for _, n := range notes {
			if n.Warning != warning {
				continue
			}
			i, ok := at[key(n)]
			if !ok {
				i = len(groups)
				at[key(n)] = i
				groups = append(groups, nil)
			}
			groups[i] = append(groups[i], n)
		}
	}
	return groups
}

// remarks writes each note as a paragraph after its line number. Further lines of a note are
// indented.
func remarks(w io.Writer, notes []inject.Note) {
	digits := 0
	for _, n := range notes {
		digits = max(digits, len(fmt.Sprint(n.Line)))
	}
	indent := strings.Repeat(" ", len("    line ")+digits+2)
	for _, n := range notes {
		first, rest, more := strings.Cut(n.Text, "\n")
		fmt.Fprintf(w, "    line %*d  %s\n", digits, n.Line, wrap(first, indent))
		if more {
			fmt.Fprintf(w, "%s%s\n", indent, strings.ReplaceAll(rest, "\n", "\n"+indent))
		}
	}
}

// wrap breaks a text between words, and puts indent before each line except the first.
func wrap(text, indent string) string {
	var b strings.Builder
	at := len(indent)
	for i, word := range strings.Fields(text) {
		size := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+size > explainWidth:
			b.WriteString("\n" + indent)
			at = len(indent)
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += size
	}
	return b.String()
}
