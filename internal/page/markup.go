package page

import (
	"html"
	"strconv"
	"strings"
)

// markup is HTML. Only the functions below make it, and they escape their arguments: nothing from files, servers
// or the cluster becomes a tag. (html/template would do the same, but it calls methods by name, so the linker keeps
// every exported method of the program: 1.8 MB.)
type markup string

// literal is a constant of this package: the compiler refuses a string variable in its place.
type literal string

// attrs are attributes, each with its value in quotes. No value goes into a link, script or style, where escaping would
// not be enough: those are in page.html.
type attrs []struct {
	name  literal
	value string
}

func text(s string) markup { return markup(html.EscapeString(s)) }

// el returns an element; tag is its name, or name.class.
func el(tag literal, children ...markup) markup { return elWith(tag, nil, children...) }

func elWith(tag literal, as attrs, children ...markup) markup {
	name, class, _ := strings.Cut(string(tag), ".")
	var b strings.Builder
	b.WriteString("<" + name)
	if class != "" {
		b.WriteString(` class="` + class + `"`)
	}
	for _, a := range as {
		b.WriteString(" " + string(a.name) + `="` + html.EscapeString(a.value) + `"`)
	}
	b.WriteString(">")
	for _, c := range children {
		b.WriteString(string(c))
	}
	b.WriteString("</" + name + ">\n")
	return markup(b.String())
}

func concat(parts []markup) markup {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(string(p))
	}
	return markup(b.String())
}

// optional returns an element with a text, or nothing if the text is empty.
func optional(tag literal, s string) markup {
	if s == "" {
		return ""
	}
	return el(tag, text(s))
}

// list returns a titled list that says how many items it leaves out; nothing if there are no items.
func list[T any](tag literal, title string, all []T, item func(T) markup) markup {
	if len(all) == 0 {
		return ""
	}
	var items []markup
	for _, one := range all[:min(len(all), maxShown)] {
		items = append(items, el("li", item(one)))
	}
	if n := len(all) - maxShown; n > 0 {
		items = append(items, el("li.dim", text("and "+strconv.Itoa(n)+" more")))
	}
	return el("h3", text(title)) + el(tag, items...)
}
