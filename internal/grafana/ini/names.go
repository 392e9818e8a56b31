package ini

import (
	"fmt"
	"strings"

	"reloader/internal/finding"
)

// names checks the names of sections and keys: unknown, in the wrong case, duplicate.
func (c *checker) names() {
	c.sections()
	first := map[[2]string]*entry{}
	for i := range c.doc.entries {
		e := &c.doc.entries[i]
		id := [2]string{e.section, e.key}
		if before := first[id]; before != nil {
			c.warn(e, RuleDuplicateKey, "remove one of them", "%s was already set on line %d; the last one counts", e.name(), before.line)
		} else {
			first[id] = e
		}
		c.key(e)
	}
}

func (c *checker) sections() {
	first := map[string]int{}
	for _, h := range c.doc.headers {
		if line := first[h.name]; line != 0 {
			c.report(finding.Warning, RuleDuplicateSection, h.line, h.col,
				fmt.Sprintf("section [%s] already begins on line %d; the two are merged", shown(h.name), line), "move the keys into one section")
			continue
		}
		first[h.name] = h.line
		if h.name == defaultSection {
			continue
		}
		if _, ok := c.known.section(h.name); ok {
			if h.name == "session" {
				c.report(finding.Warning, RuleRemovedKey, h.line, h.col, "section [session] is not read by Grafana since 6.2", "use [remote_cache]")
			}
			continue
		}
		near := c.nearest(h.name, c.known.sectionNames())
		switch {
		case near != "" && strings.EqualFold(near, h.name):
			c.report(finding.Warning, RuleWrongCase, h.line, h.col,
				fmt.Sprintf("section [%s] has no effect: names are case-sensitive", shown(h.name)), "write ["+near+"]")
		default:
			hint := ""
			if near != "" {
				hint = "did you mean [" + near + "]?"
			}
			c.report(finding.Warning, RuleUnknownSection, h.line, h.col,
				fmt.Sprintf("section [%s] is not one that Grafana reads", shown(h.name)), c.mayBeNew(hint))
		}
	}
}

func (c *checker) key(e *entry) {
	section, ok := c.known.section(e.section)
	if !ok {
		if parent := c.known.inherited(e.section, e.key); parent != "" {
			c.parentKey(e, parent)
		}
		return // the section was reported
	}
	if k, ok := section.keys[e.key]; ok {
		if k.kind == kindOld && c.version.AtLeast(v12) {
			c.warn(e, RuleRemovedKey, "remove it", "%s is not read by Grafana 12", e.name())
		}
		return
	}
	if section.open {
		return
	}
	if parent := c.known.inherited(e.section, e.key); parent != "" {
		c.parentKey(e, parent)
		return
	}
	near := c.nearest(e.key, section.keyNames())
	if near != "" && strings.EqualFold(near, e.key) {
		c.warn(e, RuleWrongCase, "write "+near, "%s has no effect: names are case-sensitive", e.name())
		return
	}
	hint := ""
	switch other := c.elsewhere(e.key); {
	case near != "":
		hint = "did you mean " + near + "?"
	case c.likeYAML(e):
		hint = "this looks like YAML: write [section], and key = value below it"
	case other != "":
		hint = "[" + other + "] has a key of that name"
	}
	c.warn(e, RuleUnknownKey, c.mayBeNew(hint), "%s is not a key that Grafana reads", e.name())
}

// likeYAML says that an entry above all sections is a section's name with a colon, as YAML has it.
func (c *checker) likeYAML(e *entry) bool {
	_, section := c.known.section(e.key)
	return section && e.section == defaultSection && e.value == ""
}

// maxHints is how many findings get a suggestion: a file with more is not a grafana.ini.
const maxHints = 200

func (c *checker) nearest(name string, known []string) string {
	if len(c.findings) > maxHints {
		return ""
	}
	return finding.Nearest(name, known)
}

// mayBeNew adds that a newer Grafana may know the name.
func (c *checker) mayBeNew(hint string) string {
	if !c.newerThanTried() {
		return hint
	}
	if hint != "" {
		hint += " "
	}
	return hint + "It may be new: reloader knows the settings of Grafana 12.4, and some of 13."
}

func (c *checker) parentKey(e *entry, parent string) {
	c.warn(e, RuleParentKey, "write it in ["+parent+"], or remove it",
		"[%s] has no key %s, so Grafana sets the key of [%s] instead", shown(e.section), shown(e.key), parent)
}

// elsewhere is the only section that has the key; empty when none or several have it.
func (c *checker) elsewhere(key string) string {
	found := ""
	for name, s := range c.known {
		if _, ok := s.keys[key]; ok {
			if found != "" {
				return ""
			}
			found = name
		}
	}
	return found
}
