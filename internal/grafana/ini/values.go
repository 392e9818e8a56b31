package ini

import (
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana/expand"
	"reloader/internal/lazyregexp"
)

// values checks how each value is written and expanded.
func (c *checker) values() {
	for i := range c.doc.entries {
		e := &c.doc.entries[i]
		c.written(e)
		c.expansion(e)
		if c.opts.Env.Same && e.value != "" {
			if name := envName(e.section, e.key); c.opts.Env.Lookup(name) != "" {
				c.warn(e, RuleEnvOverride, "remove the variable or the key", "the environment variable %s overrides %s", name, e.name())
			}
		}
	}
}

func (c *checker) written(e *entry) {
	switch {
	case e.joined:
		c.warn(e, RuleJoinedLine, "put the value in backticks or triple double quotes when the backslash belongs to it",
			"the backslash at the end of %s joins the next line to the value", e.name())
	case e.openQuote:
		c.warn(e, RuleOpenQuote, "close the quote, or put the value in backticks", "%s begins with a quote that is not closed; it becomes part of the value", e.name())
	}
	if e.unquoted && strings.HasSuffix(e.key, "_attribute_path") && (e.section == "auth" || strings.HasPrefix(e.section, "auth.")) {
		c.quotedPath(e)
	}
	if e.cut > 0 && (e.cutGlued || e.cutQuoted || secretName(e.key)) {
		note := ""
		if e.cutQuoted {
			note = "; quotes do not protect it"
		}
		c.report(finding.Warning, RuleValueCut, e.line, e.cut, "the value of "+e.name()+" ends before this # or ;"+note, "put the value in backticks or triple double quotes")
	}
	if e.value == "" && !e.joined {
		if k, ok := c.known.key(e.section, e.key); ok && k.hasDefault {
			c.warn(e, RuleEmptyValue, "remove the line; a default cannot be made empty in the file", "%s has no value, so Grafana keeps its default", e.name())
		}
	}
}

// quotedPath judges quotes around a whole JMESPath. Around an expression, or around a plain name if they are double quotes,
// they do not matter; any other text needs them.
func (c *checker) quotedPath(e *entry) {
	if strings.ContainsAny(e.value, "()[]|&!=<>'\"`") || e.doubleQuoted && plainName().MatchString(e.value) {
		c.report(finding.Info, RuleQuotesRemoved, e.line, e.col, "the quotes around "+e.name()+" are removed, and the expression between them is used", "leave them out")
		return
	}
	c.warn(e, RuleQuotesRemoved, "put backticks around the value, quotes included: a JMESPath text is `'Admin'`, a field with a colon `\"custom:groups\"`",
		"the quotes around %s are removed: without them it is a different JMESPath expression, or not one at all", e.name())
}

var plainName = lazyregexp.New(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$`)

// secretName reports whether a key's value is a secret, in which a # is probably not meant as a comment.
func secretName(key string) bool {
	key = strings.ToLower(key)
	for _, part := range []string{"password", "secret", "token", "private_key", "connstr", "connection_string", "encryption_key"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}

var bareVariable = lazyregexp.New(`^\$[A-Za-z_][A-Za-z0-9_]*$`)

func (c *checker) expansion(e *entry) {
	if bareVariable().MatchString(e.value) {
		c.warn(e, RuleLiteralVariable, "write ${NAME} or $__env{NAME}", "the value of %s looks like a variable, but Grafana expands only ${NAME} in this file", e.name())
	}
	for _, u := range expand.Uses(e.value) {
		switch u.Kind {
		case "", "__env":
			c.variable(e, u)
		case "__file":
			c.file(e, u)
		case "__vault":
			c.warn(e, RuleLiteralVariable, "use $__file{} or $__env{}", "$__vault{} in %s is expanded by Grafana Enterprise only; elsewhere it stays as text", e.name())
		default:
			c.warn(e, RuleLiteralVariable, "use $__file{} or $__env{}", "%s uses an expander that Grafana does not have; it stays as text", e.name())
		}
	}
}

func (c *checker) variable(e *entry, u expand.Use) {
	if c.opts.Env.Lookup(u.Arg) != "" || u.Arg == "HOSTNAME" {
		return
	}
	what := "a variable"
	if shown(u.Arg) != unnamed {
		what = "the variable " + u.Arg
	}
	hint := "set it for Grafana's container"
	if strings.ContainsAny(u.Arg, ":-") {
		hint = "Grafana has no defaults in ${}: it reads the whole text as the name"
	}
	if c.opts.Env.Same {
		c.warn(e, RuleUnsetVariable, hint, "%s uses %s, which is not set: it becomes empty", e.name(), what)
		return
	}
	c.warn(e, RuleUnsetVariable, hint, "%s uses %s, which is not set here; if Grafana does not have it either, it becomes empty", e.name(), what)
}

func (c *checker) file(e *entry, u expand.Use) {
	if _, err := c.opts.Env.File(u.Arg); err == nil {
		return
	}
	if c.opts.Env.Same {
		c.report(finding.Error, RuleMissingFile, e.line, e.col, e.name()+" names a file in $__file{} that cannot be read: Grafana does not start", "mount the file, or correct the path")
		return
	}
	c.warn(e, RuleMissingFile, "Grafana does not start if its container does not have it either", "%s names a file in $__file{} that cannot be read here", e.name())
}
