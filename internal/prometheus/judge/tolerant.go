package judge

import (
	"strings"

	"reloader/internal/finding"
	"reloader/internal/lazyregexp"
	"reloader/internal/prometheus/validator"
	"reloader/internal/versions"
)

// reNewValue matches errors about an unknown word where the library knows a fixed list of words. Such lists grow with new
// versions (roles of service discoveries, actions, protocols, template functions).
var reNewValue = lazyregexp.New(`(?i)\b(unknown|unsupported|unrecognized|undefined|invalid .*\b(role|action|protocol|scheme|strategy|type|method|version|algorithm)\b|expected .* to be one of|must be one of|function ".*" not defined|is not (a )?(valid|supported) .*\b(role|action|protocol|scheme|strategy|type|method)\b)`)

// notNew matches similar errors that no newer version accepts.
var notNew = lazyregexp.New(`unknown unit|undefined variable`)

// soften turns errors that a newer server may accept (new words, new grammar) into warnings. What is wrong in every
// version stays an error.
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
			p.hint = goneHint(p.message, p.query) // the hints about removed words stay true; others may not
		}
	}
	return ps
}

func mayKnow(server versions.Version) string {
	return "; the server runs " + server.String() + ", which may know it (checked as " + Library + ")"
}
