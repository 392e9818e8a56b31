package provisioning

import (
	"strings"

	"reloader/internal/grafana/expand"
)

// The rules about expansion. Their explanations are in docs/checks-grafana.md.
const (
	RuleFileMissing     = "expand-file-missing"
	RuleExpandedTwice   = "expand-twice"
	RuleDollarCut       = "expand-dollar-cut"
	RuleOwnVariable     = "expand-own-variable"
	RuleVariableUnset   = "expand-variable-unset"
	RuleDefaultSyntax   = "expand-no-default"
	RuleUnknownExpander = "expand-unknown-expander"
)

// inspect remarks on every dollar sign in a piece (without $$) that does not do what it seems to.
func (x *expander) inspect(s string, afterDollar bool) {
	uses := expand.Uses(s)
	for i := 0; ; {
		next := strings.IndexByte(s[i:], '$')
		if next < 0 {
			return
		}
		i += next
		for len(uses) > 0 && uses[0].Start < i {
			uses = uses[1:]
		}
		if len(uses) > 0 && uses[0].Start == i {
			x.inspectBraced(uses[0])
			i = uses[0].End
			continue
		}
		before := byte(0)
		if i > 0 {
			before = s[i-1]
		} else if afterDollar {
			before = '$'
		}
		i += 1 + x.inspectOne(s[i+1:], before)
	}
}

// inspectOne judges a dollar sign without a whole pair of braces. It returns how many bytes of rest belong to it.
func (x *expander) inspectOne(rest string, before byte) int {
	switch {
	case rest == "":
		return 0 // Grafana keeps it
	case rest[0] == '{':
		x.remark(RuleDollarCut, "", false) // ${UNCLOSED loses its sign and brace
		return 1
	case expand.IsNameByte(rest[0]) && !isDigit(rest[0]):
		n := 1
		for n < len(rest) && expand.IsNameByte(rest[n]) {
			n++
		}
		x.inspectBare(rest[:n], before)
		return n
	case strings.IndexByte("*#@!?-0123456789", rest[0]) >= 0:
		x.remark(RuleDollarCut, "", false) // $1 and $- vanish
		return 1
	}
	return 0
}

func (x *expander) inspectBraced(u expand.Use) {
	switch {
	case u.IsVariable():
		value := ""
		if x.env.Same {
			value = x.env.Lookup(u.Arg)
		}
		switch {
		case value != "":
		case strings.Contains(u.Arg, ":-") || strings.Contains(u.Arg, ":="):
			x.remark(RuleDefaultSyntax, "", false)
		case u.Kind == "" && grafanasOwn(u.Arg):
			x.remark(RuleOwnVariable, "", false)
		case x.env.Same && u.Arg != "HOSTNAME":
			x.remark(RuleVariableUnset, x.shown(u.Arg), false)
		}
	case u.Kind != "__file":
		x.remark(RuleUnknownExpander, "", false)
	}
}

// grafanasOwn reports whether a name in braces is one that Grafana itself replaces when it shows a panel or a link:
// ${__value.raw}, ${__span.tags}, ${__data.fields["x"]}. No container has an environment variable with such a name.
func grafanasOwn(name string) bool {
	return strings.HasPrefix(name, "__") || strings.ContainsAny(name, ".[")
}

// inspectBare judges $name. Without Grafana's environment it can only guess: a dollar sign after a letter or digit, or
// a lower-case name within other text, is much more often part of a password than a variable.
func (x *expander) inspectBare(name string, before byte) {
	whole := x.whole == "$"+name
	glued := expand.IsNameByte(before)
	if x.env.Same {
		if x.env.Lookup(name) == "" {
			if whole || looksLikeVariable(name) && !glued {
				x.remark(RuleVariableUnset, x.shown(name), false)
			} else {
				x.remark(RuleDollarCut, "", false)
			}
		}
		return
	}
	documented := before == 0 || strings.IndexByte("/:@ ", before) >= 0
	if whole || looksLikeVariable(name) && !glued && (documented || !x.secret) {
		return
	}
	x.remark(RuleDollarCut, "", false)
}

// shown returns the variable's name unless it could be part of a password.
func (x *expander) shown(name string) string {
	if x.secret || !looksLikeVariable(name) {
		return ""
	}
	return name
}

func looksLikeVariable(name string) bool {
	return name != "" && strings.ToUpper(name) == name && !isDigit(name[0]) && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
