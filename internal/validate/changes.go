package validate

import (
	"cmp"
	"fmt"
	"slices"
)

// maxChanges is as many lines as anybody reads.
const maxChanges = 100

// Changes describes the way from one outline to another in lines such as "scrape job node added":
// names, never values. It is empty when one of them is not known.
func Changes(from, to *Outline) []string {
	if from == nil || to == nil {
		return nil
	}
	type key struct{ kind, name string }
	before := map[key]Item{}
	for _, item := range from.Items {
		before[key{item.Kind, item.Name}] = item
	}
	type change struct {
		key
		what string
	}
	var changes []change
	for _, item := range to.Items {
		k := key{item.Kind, item.Name}
		old, known := before[k]
		delete(before, k)
		switch {
		case !known:
			changes = append(changes, change{k, "added"})
		case old.Fingerprint != item.Fingerprint:
			changes = append(changes, change{k, "changed"})
		}
	}
	for k := range before {
		changes = append(changes, change{k, "removed"})
	}
	slices.SortFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.what, b.what), cmp.Compare(a.name, b.name))
	})
	var lines []string
	for i, c := range changes {
		if i == maxChanges {
			lines = append(lines, fmt.Sprintf("and %d more", len(changes)-maxChanges))
			break
		}
		lines = append(lines, oneLine(fmt.Sprintf("%s %s %s", c.kind, c.name, c.what)))
	}
	return lines
}
