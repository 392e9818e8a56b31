package proof

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Normal removes from a printed configuration what may differ although the server runs the same file: the ..data link in
// paths, and what the server takes from its environment and flags. Wild are the paths of such settings, with dots. An
// external label keeps its name.
func Normal(text string, wild []string) string {
	if strings.Contains(text, "/..data/") {
		text = strings.ReplaceAll(text, "/..data/", "/")
	}
	if len(wild) == 0 {
		return text
	}
	isWild := make(map[string]bool, len(wild)) // a file may have tens of thousands of labels with variables
	for _, path := range wild {
		isWild[path] = true
	}
	var b strings.Builder
	b.Grow(len(text))
	var at [4]string // the keys above the line, by depth
	skip := -1       // the depth of a setting that is left out
	for line := range strings.Lines(text) {
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		if skip >= 0 && (depth > skip || line == "\n") {
			continue // part of a setting that is left out
		}
		skip = -1
		key, _, ok := cutKey(line)
		if depth < len(at) && ok && !strings.HasPrefix(key, "- ") {
			at[depth] = strings.Trim(key, `"'`)
			if path := strings.Join(at[:depth+1], "."); isWild[path] {
				skip = depth
				if strings.HasPrefix(path, ExternalLabels) {
					fmt.Fprintf(&b, "    %s: \"*\"\n", key) // a bare star would be an alias
				}
				continue
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// Shown are the values at and below these paths of a printed configuration, by path. No path may go through a list.
func Shown(text string, paths []string) map[string]string {
	shown := map[string]string{}
	var at [5]string // the keys above the line, by depth
	for line := range strings.Lines(text) {
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		key, value, ok := cutKey(line)
		if depth >= len(at) || !ok || strings.HasPrefix(key, "- ") {
			continue
		}
		at[depth] = strings.Trim(key, `"'`)
		path := strings.Join(at[:depth+1], ".")
		if slices.ContainsFunc(paths, func(p string) bool { return path == p || strings.HasPrefix(path, p+".") }) {
			shown[path] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return shown
}

// cutKey cuts a printed line after its key, which keeps its quotes. The name of a label may contain a colon.
func cutKey(line string) (key, value string, ok bool) {
	line = strings.TrimSpace(line) + " "
	quote := line[:1]
	if quote != `"` && quote != "'" {
		return strings.Cut(line, ": ")
	}
	key, value, ok = strings.Cut(line[1:], quote+": ")
	return quote + key + quote, value, ok
}

// ExternalLabels is the path of the external labels, with its final dot.
const ExternalLabels = "global.external_labels."

// listed are the sections that are lists of named parts.
var listed = map[string]struct{ kind, name string }{
	"scrape_configs": {"scrape job", "job_name"},
	"remote_write":   {"remote_write", "name"},
	"remote_read":    {"remote_read", "name"},
}

// Kind is the name for the parts of a section, and the key that names each; ok is false for a section that is a single
// part.
func Kind(section string) (kind, nameKey string, ok bool) {
	l, ok := listed[section]
	return l.kind, l.name, ok
}

// Cut cuts a configuration, as a server prints it, into its parts.
func Cut(text string) []Item {
	var items []Item
	for item, part := range Parts(text) {
		item.Sum = Sum(part)
		items = append(items, item)
	}
	return items
}

// Parts are the parts of a configuration with their texts, and without their digests. It relies on the layout that the library
// prints: sections begin in the first column, and so do the items of lists below them.
func Parts(text string) iter.Seq2[Item, string] {
	return func(yield func(Item, string) bool) {
		section, number := "", 0
		for rest := text; rest != ""; {
			end := PartEnd(rest)
			part := rest[:end]
			if strings.HasPrefix(part, "- ") {
				number++
				kind, nameKey, _ := Kind(section)
				if !yield(Item{Kind: kind, Name: itemName(part, nameKey, number)}, part) {
					return
				}
			} else {
				name, value, _ := strings.Cut(part, ":")
				section, number = strings.TrimSpace(name), 0
				if _, _, ok := Kind(section); !ok || strings.TrimSpace(value) != "" { // else its items follow
					for strings.HasPrefix(rest[end:], "- ") { // a plain list is one part
						end += PartEnd(rest[end:])
					}
					if !yield(Item{Kind: "section", Name: section}, rest[:end]) {
						return
					}
				}
			}
			rest = rest[end:]
		}
	}
}

// PartEnd is the end of the first part of the text: the next line that is not indented.
func PartEnd(text string) int {
	for at := 0; ; {
		n := strings.IndexByte(text[at:], '\n')
		if n < 0 {
			return len(text)
		}
		if at += n + 1; at >= len(text) {
			return len(text)
		}
		if c := text[at]; c != ' ' && c != '\n' {
			return at
		}
	}
}

// itemName is the value of a key in the first column of an item; a part without one has a number.
func itemName(part, key string, number int) string {
	for at := 0; at < len(part); {
		line, next := part[at:], len(part)
		if n := strings.IndexByte(line, '\n'); n >= 0 {
			line, next = line[:n+1], at+n+1
		}
		rest, ok := strings.CutPrefix(line[min(2, len(line)):], key+":")
		if ok && (line[0] == '-' || line[0] == ' ') {
			if name := scalar(rest, part[next:]); name != "" {
				return name
			}
			break
		}
		at = next
	}
	return Numbered(number)
}

// scalar is the value that begins with first, the rest of the line of its key, and may go on in below. The key is in the first column
// of an item, so what belongs to its value is indented by more than two blanks.
func scalar(first, below string) string {
	value := strings.TrimSpace(first)
	const deeper = "   "
	if value == "" || !strings.ContainsRune("\"'|>!", rune(value[0])) && !strings.HasPrefix(below, deeper) && !strings.HasPrefix(below, "\n") {
		return value
	}
	end := 0
	for line := range strings.Lines(below) {
		if line != "\n" && !strings.HasPrefix(line, deeper) {
			break
		}
		end += len(line)
	}
	var doc struct {
		Value yaml.Node `yaml:"k"`
	}
	if yaml.Unmarshal([]byte("  k:"+first+below[:end]), &doc) != nil || doc.Value.Kind != yaml.ScalarNode {
		return strings.Trim(value, `"'`)
	}
	return doc.Value.Value
}

// Numbered is the name of a part without a name.
func Numbered(n int) string { return fmt.Sprintf("#%d", n) }

// Differences names the parts in which a printed configuration differs from the expected one, in the order of the file.
// Parts that only the server has come last.
func Differences(want, have []Item) []string {
	type key struct{ kind, name string }
	seen := make(map[key]uint64, len(have))
	for _, i := range have {
		seen[key{i.Kind, i.Name}] = i.Sum
	}
	var out []string
	for _, i := range want {
		k := key{i.Kind, i.Name}
		switch sum, ok := seen[k]; {
		case !ok:
			out = append(out, i.String()+" is missing")
		case sum != i.Sum:
			out = append(out, i.String()+" differs")
		}
		delete(seen, k)
	}
	for _, i := range have {
		if _, left := seen[key{i.Kind, i.Name}]; left {
			out = append(out, i.String()+" is not in the files")
		}
	}
	return out
}
