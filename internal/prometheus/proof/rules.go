package proof

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// maxKept bounds the rules of differing groups that are kept: enough to name them.
const maxKept = 5000

// Rules compares the groups of a server with the expected ones. Create it with Expected.Compare.
type Rules struct {
	want map[uint64]*wanted // by file and group
	e    *Expected
	// only are the files that were requested from the server; nil for all.
	only map[string]bool
	kept int
	// Other are groups of the server with different rules: a server of another version may only print them differently.
	Other     []ServerGroup
	differing []string
	foreign   map[string][]string // unexpected groups, by file
}

type wanted struct {
	file  string
	group *Group
	seen  bool
}

var seed = maphash.MakeSeed()

func keyOf(file, group string) uint64 {
	return maphash.Comparable(seed, [2]string{Path(file), group})
}

// Compare starts a comparison of the given files; nil means all.
func (e *Expected) Compare(only []string) *Rules {
	r := &Rules{want: map[uint64]*wanted{}, e: e, foreign: map[string][]string{}}
	if only != nil {
		r.only = make(map[string]bool, len(only))
		for _, file := range only {
			r.only[Path(file)] = true
		}
	}
	for i := range e.Rules {
		f := &e.Rules[i]
		if r.only != nil && !r.only[Path(f.Path)] {
			continue
		}
		for k := range f.Groups {
			r.want[keyOf(f.Path, f.Groups[k].Name)] = &wanted{file: f.Path, group: &f.Groups[k]}
		}
	}
	return r
}

// Add compares one group of the server.
func (r *Rules) Add(g ServerGroup) {
	if r.only != nil && !r.only[Path(g.File)] {
		return // an old server ignores the filter
	}
	w := r.want[keyOf(g.File, g.Name)]
	if w == nil {
		if len(r.foreign) < maxKept {
			r.foreign[g.File] = append(r.foreign[g.File], g.Name)
		}
		return
	}
	w.seen = true
	switch {
	case g.Interval != cmp.Or(w.group.Interval, r.e.Interval):
		r.differ(w, "has a different interval")
	case g.Limit != w.group.Limit:
		r.differ(w, "has a different limit")
	case len(g.Rules) != len(w.group.Rules):
		r.differ(w, fmt.Sprintf("has %d rules, not %d", len(g.Rules), len(w.group.Rules)))
	default:
		for i := range g.Rules {
			if w.group.same(i, g.Rules[i]) {
				continue
			}
			if r.kept += len(g.Rules); r.kept <= maxKept {
				r.Other = append(r.Other, g)
			} else {
				r.differ(w, "has different rules")
			}
			return
		}
	}
}

// same compares a rule, without its expression if the library cannot read it.
func (g *Group) same(i int, have Rule) bool {
	if slices.Contains(g.Unread, i) {
		have.Query = ""
	}
	return have.Sum() == g.Rules[i]
}

// Unreadable counts the rules whose expressions cannot be compared.
func (e *Expected) Unreadable() int {
	n := 0
	for _, f := range e.Rules {
		for _, g := range f.Groups {
			n += len(g.Unread)
		}
	}
	return n
}

func (r *Rules) differ(w *wanted, how string) {
	r.differing = append(r.differing, groupName(w.group.Name, w.file)+" "+how)
}

func groupName(group, file string) string { return `rule group "` + group + `" of ` + file }

// Reprinted compares the groups of Other again, with expressions as the library prints them.
func (r *Rules) Reprinted(groups []ServerGroup) {
	for _, g := range groups {
		w := r.want[keyOf(g.File, g.Name)]
		if w == nil || len(g.Rules) != len(w.group.Rules) {
			continue
		}
		var names []string
		for i := range g.Rules {
			if !w.group.same(i, g.Rules[i]) {
				names = append(names, strconv.Quote(g.Rules[i].Name))
			}
		}
		switch {
		case len(names) == 1:
			r.differ(w, "has a different rule "+names[0])
		case len(names) > 1:
			r.differ(w, fmt.Sprintf("has a different rule %s and %d more", names[0], len(names)-1))
		}
	}
	r.Other = nil
}

// Outcome is the result of a comparison of rules.
type Outcome struct {
	// Differences names the groups and rules that differ.
	Differences []string
	// Missing are expected files without a single group on the server.
	Missing []string
	// Invisible are files that the server runs from directories that are not visible to reloader.
	Invisible []string
}

// Outcome finishes the comparison.
func (r *Rules) Outcome() Outcome {
	r.Reprinted(r.Other)
	var o Outcome
	missing := map[string][]string{}
	some := map[string]bool{}
	for _, w := range r.want {
		if w.seen {
			some[Path(w.file)] = true
		} else {
			missing[w.file] = append(missing[w.file], w.group.Name)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(missing)) {
		groups := missing[file]
		slices.Sort(groups)
		if !some[Path(file)] {
			o.Missing = append(o.Missing, file)
			o.Differences = append(o.Differences, fmt.Sprintf("rule file %s: the server runs none of its %s", file, Counted(len(groups), "group")))
			continue
		}
		for _, g := range groups {
			o.Differences = append(o.Differences, groupName(g, file)+" is missing")
		}
	}
	slices.Sort(r.differing)
	o.Differences = append(o.Differences, r.differing...)
	r.unexpected(&o, some)
	return o
}

// unexpected sorts the server's unexpected groups into differences and invisible files.
func (r *Rules) unexpected(o *Outcome, some map[string]bool) {
	expected := make(map[string]bool, len(r.e.Rules))
	for i := range r.e.Rules {
		expected[Path(r.e.Rules[i].Path)] = true
	}
	for _, file := range slices.Sorted(maps.Keys(r.foreign)) {
		groups := r.foreign[file]
		slices.Sort(groups)
		switch {
		case some[Path(file)]:
			for _, g := range groups {
				o.Differences = append(o.Differences, groupName(g, file)+" is not in the file")
			}
		case r.only != nil || expected[Path(file)] || r.e.Visible(file):
			o.Differences = append(o.Differences, fmt.Sprintf("rule file %s: the server runs %s that the files do not have", file, Counted(len(groups), "group")))
		default:
			o.Invisible = append(o.Invisible, file)
		}
	}
}

// Visible reports whether a file of the server is in a directory that is visible to reloader.
func (e *Expected) Visible(file string) bool {
	dir := path.Dir(Path(file))
	return slices.ContainsFunc(e.Dirs, func(d string) bool {
		d = Path(d)
		return dir == d || strings.HasPrefix(dir, strings.TrimSuffix(d, "/")+"/")
	})
}

// Counted is "1 rule" or "2 rules".
func Counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// Changed are the rule files whose groups differ between two sets of files. The server must show them as in the newer set.
// For a removed file, it must show no groups.
func Changed(from, to *Expected) []string {
	before := make(map[string]*RuleFile, len(from.Rules))
	for i := range from.Rules {
		before[from.Rules[i].Path] = &from.Rules[i]
	}
	changed := []string{}
	for i := range to.Rules {
		f := &to.Rules[i]
		old, ok := before[f.Path]
		if !ok || !slices.EqualFunc(old.Groups, f.Groups, sameGroup) {
			changed = append(changed, f.Path)
		}
		delete(before, f.Path)
	}
	return append(changed, slices.Sorted(maps.Keys(before))...)
}

func sameGroup(a, b Group) bool {
	return a.Name == b.Name && a.Interval == b.Interval && a.Limit == b.Limit && slices.Equal(a.Rules, b.Rules)
}
