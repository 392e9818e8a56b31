package judge

import (
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"reloader/internal/finding"
	"reloader/internal/lazyregexp"
	"reloader/internal/prometheus/validator"
	"reloader/internal/versions"
)

// verdict is the result for one rule file.
type verdict struct {
	problems []problem
	index    *index
	broken   error
	groups   []validator.Group
}

// ruleJudge judges rule files; it is safe for concurrent use.
type ruleJudge struct {
	parser parser.Parser
	scheme model.ValidationScheme
	server versions.Version
	// offline leaves out what a server will show.
	offline bool
}

// file judges one rule file. It only works out positions when something is wrong.
func (j *ruleJudge) file(content []byte) verdict {
	var printing *printer
	reads := j.parser
	if !j.offline {
		printing = &printer{Parser: j.parser, printed: map[string]string{}}
		reads = printing
	}
	groups, ps := j.parse(reads, content)
	old := older(j.server)
	var warnings []problem
	v := verdict{}
	if groups != nil {
		warnings = duplicateRules(groups)
		v.groups = outlineGroups(groups)
		if printing != nil {
			shownGroups(v.groups, groups, printing)
		}
	}
	if p := secondDocumentIn(content, validator.RuleDocuments, "a rule file"); p != nil {
		p.hint = "put the groups of all documents under one groups:"
		warnings = append(warnings, *p)
	}
	if len(ps) == 0 && len(warnings) == 0 && !old {
		return v
	}
	if p := rulesOf1(content); p != nil && blocking(ps) {
		v.problems = []problem{*p}
		return v
	}
	ix, err := parse(content)
	if err != nil {
		v.broken = err
		return v
	}
	v.index = ix
	if p := otherKind(ix, roleRules); p != nil && blocking(ps) {
		v.problems = []problem{*p}
		return v
	}
	if groups == nil && ix.root != nil {
		load := func(body string) []problem {
			_, ps := j.parse(j.parser, []byte(body))
			return ps
		}
		if parts := isolate(ix.text, ix, load); blocking(parts.found) {
			ps = j.hiddenMistakes(ix, parts.found, parts.exhausted())
		}
	}
	v.problems = append(soften(hinted(ps, ix, ruleFileType, roleRules), j.server), warnings...)
	if old {
		v.problems = append(v.problems, tooNew(ix, firstInRules, j.server)...)
		v.problems = append(v.problems, j.renamed(ix)...)
	}
	return v
}

// quiet is for what the library logs: its errors say the same.
var quiet = slog.New(slog.DiscardHandler)

// parse judges YAML as the server's rule manager does. Groups are nil when the file cannot be decoded.
func (j *ruleJudge) parse(p parser.Parser, content []byte) (*rulefmt.RuleGroups, []problem) {
	groups, errs := rulefmt.Parse(content, false, j.scheme, p, quiet)
	ps := tolerate(ruleProblems(errs, groups), j.server)
	if groups == nil && !blocking(ps) {
		groups, errs = rulefmt.Parse(content, true, j.scheme, p, quiet)
		ps = append(ps, ruleProblems(errs, groups)...)
	}
	if groups != nil {
		ps = append(ps, unreadableGroups(groups, content)...)
	}
	return groups, ps
}

var (
	reRepeated     = lazyregexp.New(`^groupname: "(?s:(.*))" is repeated in the same file$`)
	reRulePosition = lazyregexp.New(`^(\d+):(\d+): (?:(\d+):(\d+): )?`)
	reRuleLabel    = lazyregexp.New(`^invalid (label name|label value|annotation name): (?s:(.*))$`)
	reRuleField    = lazyregexp.New(`^invalid field '(\w+)' in recording rule$`)
	reRuleTemplate = lazyregexp.New(`^(?:label|annotation) "((?:[^"\\]|\\.)*)": (?s:(.*))$`)
)

func ruleProblems(errs []error, groups *rulefmt.RuleGroups) []problem {
	var ps []problem
	for _, err := range errs {
		if re, ok := errors.AsType[*rulefmt.Error](err); ok {
			ps = append(ps, ruleProblem(re))
			continue
		}
		if groups == nil {
			ps = append(ps, problems(err, ruleNames)...)
			continue
		}
		ps = append(ps, groupProblem(err.Error()))
	}
	// A rule with both or neither is not a recording rule, so its fields are not wrong for one.
	for _, p := range slices.Clone(ps) {
		if strings.Contains(p.message, "only one of 'record' and 'alert'") {
			ps = slices.DeleteFunc(ps, func(o problem) bool {
				return o.group == p.group && o.number == p.number && strings.Contains(o.message, "in recording rule")
			})
		}
	}
	return ps
}

// groupProblem is a problem of a group itself: its name or its labels.
func groupProblem(msg string) problem {
	p := problem{severity: finding.Error, rule: validator.RuleGroupName, message: msg}
	p.line, p.column, p.message = cutPosition(msg)
	if m := reRuleLabel().FindStringSubmatch(p.message); m != nil {
		p.rule, p.needles, p.message = validator.RuleLabel, []string{m[2]}, "invalid "+m[1]+" "+strconv.Quote(m[2])
	} else if m := reRepeated().FindStringSubmatch(p.message); m != nil {
		p.message, p.group, p.line = "group "+strconv.Quote(m[1])+" appears twice in this file", m[1], 0
		p.hint = "merge the two groups, or rename one"
	}
	if p.message == "Groupname must not be empty" {
		p.message, p.unnamed, p.hint = "a group has no name", true, "give each group in the file its own name"
	}
	return p
}

func cutPosition(msg string) (line, column int, rest string) {
	m := reRulePosition().FindStringSubmatch(msg)
	if m == nil {
		return 0, 0, msg
	}
	line, _ = strconv.Atoi(m[1])
	column, _ = strconv.Atoi(m[2])
	if line == 0 && m[3] != "" {
		line, _ = strconv.Atoi(m[3])
		column, _ = strconv.Atoi(m[4])
	}
	return line, column, msg[len(m[0]):]
}

// ruleProblem is a problem of one rule. The library's text begins with the position, the group and the rule.
func ruleProblem(re *rulefmt.Error) problem {
	var inner error = &re.Err
	if u := re.Err.Unwrap(); u != nil {
		inner = u
	}
	p := problem{severity: finding.Error, rule: validator.RuleRulesValue, message: inner.Error()}
	p.line, p.column, _ = cutPosition(re.Error())
	p.group, p.number = re.Group, re.Rule
	where := "a rule of group " + strconv.Quote(re.Group)
	if re.RuleName != "" {
		where = "rule " + strconv.Quote(re.RuleName) + " of group " + strconv.Quote(re.Group)
	}
	switch {
	case promQL(inner, &p):
	case reRuleLabel().MatchString(p.message):
		m := reRuleLabel().FindStringSubmatch(p.message)
		p.rule, p.needles, p.message = validator.RuleLabel, []string{m[2]}, "invalid "+m[1]+" "+strconv.Quote(m[2])
	case reRuleTemplate().MatchString(p.message):
		m := reRuleTemplate().FindStringSubmatch(p.message)
		p.rule, p.needles, p.field = validator.RuleTemplate, []string{unquote(`"` + m[1] + `"`)}, true
		p.hint = templateHint(m[2])
		p.message = strings.TrimSuffix(p.message, m[2]) + plainTemplate(m[2])
	case reRuleField().MatchString(p.message):
		p.needles, p.line, p.column = []string{reRuleField().FindStringSubmatch(p.message)[1]}, 0, 0
		p.hint = "only alerting rules have it: remove it, or write alert instead of record"
	case strings.Contains(p.message, "braces present in the recording rule name"):
		p.hint = "put the selector into expr and the labels into labels"
	}
	p.message = where + ": " + p.message
	return p
}

var (
	reTemplateName = lazyregexp.New(`^template: (?s:__alert_.*?):(\d+): `)
	reTemplateWord = lazyregexp.New(`(undefined variable|function) "(\$?\w+)"`)
)

// templateFunctions are those of Prometheus' templates.
var templateFunctions = []string{
	"args", "externalURL", "first", "graphLink", "humanize", "humanize1024", "humanizeDuration", "humanizePercentage", "humanizeTimestamp", "label",
	"match", "now", "parseDuration", "pathPrefix", "query", "reReplaceAll", "safeHtml", "sortByLabel", "stripDomain", "stripPort", "strvalue",
	"tableLink", "title", "toDuration", "toLower", "toTime", "toUpper", "urlQueryEscape", "value",
}

// plainTemplate is a template's mistake without the name that the library gives to the template, which the message has already.
func plainTemplate(message string) string {
	m := reTemplateName().FindStringSubmatch(message)
	switch {
	case m == nil:
		return message
	case m[1] == "1":
		return message[len(m[0]):]
	default:
		return "line " + m[1] + " of the text: " + message[len(m[0]):]
	}
}

// templateHint suggests what an unknown word in a template was meant to be.
func templateHint(message string) string {
	m := reTemplateWord().FindStringSubmatch(message)
	switch {
	case m == nil:
		return ""
	case m[1] == "function":
		if hint := finding.DidYouMean(m[2], templateFunctions); hint != "" && len(m[2]) > 4 { // of short words all are near
			return hint
		}
		return "quote a string between {{ and }}; for literal braces write {{ \"{{\" }}"
	}
	if hint := finding.DidYouMean(m[2], []string{"$labels", "$value", "$externalLabels", "$externalURL"}); hint != "" {
		return hint
	}
	return "variables: $labels, $value, $externalLabels, $externalURL"
}

// renamed warns about what only a 2.x server accepts.
func (j *ruleJudge) renamed(ix *index) []problem {
	if !is2x(j.server) {
		return nil
	}
	var ps []problem
	for _, at := range ix.places {
		if !at.isKey && at.last() == "expr" && reHoltWinters().MatchString(at.node.Value) {
			ps = append(ps, problemAt(at.node, finding.Warning, validator.RuleServerVersion,
				"Prometheus 3.0 calls holt_winters double_exponential_smoothing, behind promql-experimental-functions",
				"rename it when you upgrade the server"))
		}
	}
	return ps
}
