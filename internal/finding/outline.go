package finding

import (
	"fmt"
	"slices"
)

// Count is the number of items of a kind; 0 for a nil outline.
func (o *Outline) Count(kind string) int {
	if o == nil {
		return 0
	}
	n := 0
	for _, i := range o.Items {
		if i.Kind == kind {
			n++
		}
	}
	return n
}

// maxNamed is how many changes of one kind are listed by name; more than that are only counted.
const maxNamed = 8

// DiffOutline lists what changed between two outlines, by name and without values: `scrape job "node" added`, or
// `20 rule groups removed` when there are many. Kinds are in the order of the outlines.
func DiffOutline(before, after *Outline) []string {
	d := outlineDiff{names: map[change][]string{}}
	old, now := d.group(before), d.group(after)
	for _, id := range now.order {
		was, had := old.prints[id]
		switch is := now.prints[id]; {
		case !had:
			d.note(id, "added")
		case !slices.Equal(was, is):
			d.note(id, "changed")
		}
	}
	for _, id := range old.order {
		if _, has := now.prints[id]; !has {
			d.note(id, "removed")
		}
	}
	return d.lines()
}

type itemID struct{ kind, name string }

type change struct{ kind, what string }

type outlineDiff struct {
	kinds []string
	names map[change][]string
}

type grouped struct {
	order  []itemID
	prints map[itemID][]uint64
}

// group collects the fingerprints of items by identity: names are not always unique.
func (d *outlineDiff) group(o *Outline) grouped {
	g := grouped{prints: map[itemID][]uint64{}}
	if o == nil {
		return g
	}
	for _, i := range o.Items {
		id := itemID{i.Kind, i.Name}
		if _, ok := g.prints[id]; !ok {
			g.order = append(g.order, id)
		}
		g.prints[id] = append(g.prints[id], i.Fingerprint)
		if n := len(d.kinds); (n == 0 || d.kinds[n-1] != i.Kind) && !slices.Contains(d.kinds, i.Kind) {
			d.kinds = append(d.kinds, i.Kind)
		}
	}
	return g
}

func (d *outlineDiff) note(id itemID, what string) {
	c := change{id.kind, what}
	d.names[c] = append(d.names[c], id.name)
}

func (d *outlineDiff) lines() []string {
	var out []string
	for _, kind := range d.kinds {
		for _, what := range []string{"added", "changed", "removed"} {
			names := d.names[change{kind, what}]
			if len(names) > maxNamed {
				out = append(out, fmt.Sprintf("%d %ss %s", len(names), kind, what))
				continue
			}
			for _, n := range names {
				out = append(out, fmt.Sprintf("%s %q %s", kind, n, what))
			}
		}
	}
	return out
}
