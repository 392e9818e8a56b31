package judge

import (
	"strings"

	"reloader/internal/finding"
	"reloader/internal/lazyregexp"
	"reloader/internal/prometheus/validator"
	"reloader/internal/versions"
)

// reNewValue matches what the library says about a word that it does not know, in the place of one of a fixed list: such
// lists grow with the versions (roles of service discoveries, actions, protocols, functions of templates).
var reNewValue = lazyregexp.New(`(?i)\b(unknown|unsupported|unrecognized|undefined|invalid .*\b(role|action|protocol|scheme|strategy|type|method|version|algorithm)\b|expected .* to be one of|must be one of|function ".*" not defined|is not (a )?(valid|supported) .*\b(role|action|protocol|scheme|strategy|type|method)\b)`)

// notNew are words of the same kind that mean something else.
var notNew = lazyregexp.New(`unknown unit|undefined variable`)

// soften makes warnings of mistakes that a newer server may not see as such: new words and new grammar. What is wrong in
// any version stays an error.
func soften(ps []problem, server versions.Version) []problem {
	if !newer(server) {
		return ps
	}
	for i := range ps {
		p := &ps[i]
		isNew := p.grammar
		switch p.rule {
		case validator.RuleValue, validator.RuleRulesValue, validator.RuleTemplate:
			isNew = reNewValue().MatchString(p.message) && !notNew().MatchString(p.message)
		}
		if isNew && p.blocks() {
			p.severity = finding.Warning
			p.unsure = p.grammar
			p.message = strings.TrimSuffix(p.message, ".") + mayKnow(server)
			p.hint = goneHint(p.message, p.query) // what was removed is known; what is new is not
		}
	}
	return ps
}

func mayKnow(server versions.Version) string {
	return "; the server runs " + server.String() + ", which may know it (checked as " + Library + ")"
}
