package judge

import (
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
)

// loader judges YAML as the server would, and returns the problems that it sees at once.
type loader func(text string) []problem

// isolator finds all problems of a file, although the library stops at the first: it judges each part alone, and then
// the rest together, without the bad parts.
type isolator struct {
	text  text
	root  *unit
	index *index
	load  loader
	spent int
	until time.Time
	found []problem
	// unjudged are parts that cannot be judged because another part is bad.
	unjudged map[*unit]bool
	// nameless are the jobs without a name; saidNameless that they were reported.
	nameless     map[*yaml.Node]bool
	saidNameless bool
	// good are the parts that can be used together; nil when the rest of the file stays bad.
	good map[*unit]bool
}

// Bounds on the search in a bad file, whose verdict is already known.
const (
	maxLoads    = 3000
	maxIsolate  = 3 * time.Second
	maxRest     = 100
	maxProblems = 1000
)

func isolate(t text, ix *index, load loader) *isolator {
	root := t.cut(ix.root)
	iso := &isolator{text: t, root: root, index: ix, load: load, until: time.Now().Add(maxIsolate), unjudged: map[*unit]bool{}, nameless: namelessJobs(ix.root)}
	iso.unit(root, map[*unit]bool{})
	return iso
}

// try judges only the kept parts. It returns problems with their lines in the file.
func (s *isolator) try(keep map[*unit]bool) []problem {
	s.spent++
	body, lines := s.text.render(s.root, keep)
	problems := s.load(body)
	for i := range problems {
		if l := problems[i].line; l > 0 && l <= len(lines) {
			problems[i].line = lines[l-1]
		}
	}
	return problems
}

func (s *isolator) exhausted() bool {
	return s.spent > maxLoads || len(s.found) > maxProblems || time.Now().After(s.until)
}

// end is a problem that says that the search stopped early; none when it did not.
func (s *isolator) end() []problem {
	if !s.exhausted() {
		return nil
	}
	return []problem{searchEnded()}
}

func searchEnded() problem {
	f := finding.More("file", finding.Error, 0, true)
	return problem{severity: f.Severity, rule: f.Rule, message: f.Message, open: true}
}

func (s *isolator) record(u *unit, problems []problem) {
	for _, p := range problems {
		if p.nameless && len(s.nameless) > 0 {
			s.recordNameless(p)
			continue
		}
		if p.line == 0 {
			s.index.within(&p, u.from+1, u.to)
		}
		s.found = append(s.found, p)
	}
}

// unit judges a part in its context and reports whether it is bad.
func (s *isolator) unit(u *unit, context map[*unit]bool) bool {
	whole := maps.Clone(context)
	u.leaves(whole)
	problems := s.try(whole)
	if len(u.children) == 0 || !blocking(problems) || s.exhausted() {
		s.record(u, problems)
		return blocking(problems)
	}
	bad := s.children(u, context)
	s.rest(u, context, bad)
	return true
}

// children judges each child alone, and returns the bad indivisible parts.
func (s *isolator) children(u *unit, context map[*unit]bool) map[*unit]bool {
	bad := map[*unit]bool{}
	around := maps.Clone(context)
	if u.item {
		s.scalars(u, around, bad)
	}
	relabeling := s.relabeling(u, around, bad)
	for _, c := range u.children {
		switch {
		case u.item && c.scalar(), c.relabeling(), s.exhausted():
			continue
		case relabeling && c.discovery():
			// What bad relabelings make of its targets is unknown, so the job is judged without them.
			s.alone(c, around)
			c.leaves(bad)
			c.leaves(s.unjudged)
			continue
		}
		if !s.child(c, siblings(u, c, around), bad) && u == s.root && c.name() == "global" {
			// Jobs inherit from global, so they are judged with it.
			c.leaves(around)
		}
	}
	return bad
}

// relabeling judges the relabelings before the targets that they change, and reports whether they are bad.
func (s *isolator) relabeling(u *unit, around, bad map[*unit]bool) bool {
	found := false
	for _, c := range u.children {
		if c.relabeling() && !s.exhausted() {
			found = s.child(c, around, bad) || found
		}
	}
	return found
}

// child judges a part in its context, marks what is bad in it, and reports whether anything is.
func (s *isolator) child(c *unit, context, bad map[*unit]bool) bool {
	before := len(s.found)
	if !s.unit(c, context) {
		return false
	}
	s.blame(c, s.found[before:], bad)
	return true
}

// alone judges a service discovery without relabelings, and ignores problems of its targets.
func (s *isolator) alone(c *unit, around map[*unit]bool) {
	before := len(s.found)
	s.unit(c, around)
	s.found = append(s.found[:before], slices.DeleteFunc(s.found[before:], func(p problem) bool { return p.rule == validator.RuleTarget })...)
}

// siblings adds the parts that a child needs: static targets may be URLs if relabelings change them.
func siblings(u, c *unit, around map[*unit]bool) map[*unit]bool {
	if c.name() != "static_configs" {
		return around
	}
	with := maps.Clone(around)
	for _, o := range u.children {
		if o.relabeling() {
			o.leaves(with)
		}
	}
	return with
}

// scalars judges the scalar keys of an item together, because they depend on one another, and adds them to the context of
// the other keys. When they are bad, it adds only the keys that name the item.
func (s *isolator) scalars(u *unit, around, bad map[*unit]bool) {
	with := maps.Clone(around)
	for _, c := range u.children {
		if c.scalar() {
			with[c] = true
		}
	}
	problems := s.try(with)
	if !blocking(problems) {
		maps.Copy(around, with)
		return
	}
	s.record(u, problems)
	for _, c := range u.children {
		switch {
		case c.identity():
			around[c] = true
		case c.scalar():
			bad[c] = true
		}
	}
}

// blame marks the parts of a bad child that contain the problems, or all of it.
func (s *isolator) blame(c *unit, problems []problem, bad map[*unit]bool) {
	hit := s.blameNameless(c, bad)
	for _, p := range problems {
		hit = p.blocks() && blameLine(c, p.line, bad) || hit
	}
	if !hit {
		c.leaves(bad)
	}
}

// blameLine marks the smallest part that contains the line, or the whole item when the line names it.
func blameLine(u *unit, line int, bad map[*unit]bool) bool {
	if line <= u.from || line > u.to {
		return false
	}
	if len(u.children) == 0 {
		bad[u] = true
		return true
	}
	for _, c := range u.children {
		if u.item && c.identity() && line > c.from && line <= c.to {
			u.leaves(bad)
			return true
		}
		if blameLine(c, line, bad) {
			return true
		}
	}
	return false
}

// rest judges what is left without the bad parts: this finds conflicts between good parts.
func (s *isolator) rest(u *unit, context, bad map[*unit]bool) {
	keep := maps.Clone(context)
	u.leaves(keep)
	drop(keep, bad)
	drop(keep, s.unjudged)
	for range maxRest {
		if s.exhausted() {
			return
		}
		problems := s.try(keep)
		if !blocking(problems) {
			if u == s.root {
				s.good = keep
			}
			return
		}
		before := len(s.found)
		s.record(u, problems)
		size := len(keep)
		for _, p := range s.found[before:] {
			dropAt(u, p.line, keep)
		}
		if len(keep) == size {
			return
		}
	}
}

// dropAt removes the smallest list item that contains the line, so that the rest can be judged.
func dropAt(u *unit, line int, keep map[*unit]bool) bool {
	for _, c := range u.children {
		if line <= c.from || line > c.to {
			continue
		}
		if dropAt(c, line, keep) {
			return true
		}
		if c.key == nil || len(c.children) == 0 && !c.scalar() {
			leaves := map[*unit]bool{}
			c.leaves(leaves)
			drop(keep, leaves)
			return true
		}
	}
	return false
}

func drop(from, these map[*unit]bool) {
	for u := range these {
		delete(from, u)
	}
}

func blocking(problems []problem) bool { return slices.ContainsFunc(problems, problem.blocks) }
