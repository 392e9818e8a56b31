package provisioning

import "strings"

// The rules about expansion. Their explanations are in docs/checks-grafana.md.
const (
	RuleFileMissing     = "expand-file-missing"
	RuleExpandedTwice   = "expand-twice"
	RuleDollarCut       = "expand-dollar-cut"
	RuleVariableUnset   = "expand-variable-unset"
	RuleDefaultSyntax   = "expand-no-default"
	RuleUnknownExpander = "expand-unknown-expander"
)

// inspect remarks on every dollar sign of a piece (which holds no $$) that will not do what it looks like.
func (x *expander) inspect(s string, afterDollar bool) {
	for i := strings.IndexByte(s, '$'); i >= 0; {
		rest := s[i+1:]
		before := byte(0)
		if i > 0 {
			before = s[i-1]
		} else if afterDollar {
			before = '$'
		}
		used := x.inspectOne(rest, before)
		next := strings.IndexByte(rest[used:], '$')
		if next < 0 {
			return
		}
		i += 1 + used + next
	}
}

// inspectOne looks at what follows one dollar sign and returns how much of it belongs to it.
func (x *expander) inspectOne(rest string, before byte) int {
	if m := braced.FindStringSubmatchIndex("$" + rest); m != nil && m[0] == 0 {
		kind, arg := ("$" + rest)[m[2]:m[3]], ("$" + rest)[m[4]:m[5]]
		x.inspectBraced(kind, arg)
		return m[1] - 1
	}
	switch {
	case rest == "":
		return 0 // stays
	case rest[0] == '{':
		x.remark(RuleDollarCut, "", false) // ${UNCLOSED loses its sign and brace
		return 1
	case isNameByte(rest[0]) && !isDigit(rest[0]):
		n := 1
		for n < len(rest) && isNameByte(rest[n]) {
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

func (x *expander) inspectBraced(kind, arg string) {
	switch kind {
	case "", "__env":
		if strings.Contains(arg, ":-") || strings.Contains(arg, ":=") {
			x.remark(RuleDefaultSyntax, "", false)
			return
		}
		if x.env.Same {
			if v, _ := x.env.lookup(arg); v == "" && arg != "HOSTNAME" {
				x.remark(RuleVariableUnset, x.shown(arg), false)
			}
		}
	case "__file":
	default:
		x.remark(RuleUnknownExpander, "", false)
	}
}

// inspectBare judges $name. Without Grafana's environment it can only guess: a dollar sign after a
// letter or digit, or a lower-case name, is much more often a password than a variable.
func (x *expander) inspectBare(name string, before byte) {
	if x.env.Same {
		if v, _ := x.env.lookup(name); v == "" {
			if looksLikeVariable(name) && !isNameByte(before) {
				x.remark(RuleVariableUnset, x.shown(name), false)
			} else {
				x.remark(RuleDollarCut, "", false)
			}
		}
		return
	}
	if isNameByte(before) || !looksLikeVariable(name) || x.secret && before != 0 {
		x.remark(RuleDollarCut, "", false)
	}
}

// shown is the variable's name if it cannot be a piece of a password.
func (x *expander) shown(name string) string {
	if x.secret || !looksLikeVariable(name) {
		return ""
	}
	return name
}

func looksLikeVariable(name string) bool {
	return name != "" && strings.ToUpper(name) == name && !isDigit(name[0]) && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

func isNameByte(c byte) bool {
	return c == '_' || isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
