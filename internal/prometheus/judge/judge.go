// Package judge gives Prometheus' verdict on a set of files: it runs Prometheus' own code on their contents.
package judge

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/promql/parser"

	"reloader/internal/finding"
	"reloader/internal/lazyregexp"
	"reloader/internal/paths"
	"reloader/internal/prometheus/validator"
	"reloader/internal/versions"
	"reloader/internal/yamlslip"
)

// judge holds one question and what was found so far.
type judge struct {
	q      *validator.Question
	server versions.Version
	parser parser.Parser
	// paths maps the server's path of each file to the file's number in the question.
	paths map[string]int
	// byName and dirsByName index the keys of paths and dirs.
	byName, dirsByName *paths.Index
	// compared counts the comparisons of a path with a pattern; uncompared says that there were too many.
	compared   int
	uncompared bool
	// wholeDirs are the question's directories: all of their files are visible.
	wholeDirs map[string]bool
	// unfit are the names that lead to no readable file, with where they lead if they are links.
	unfit map[string]string
	// dirs are all visible directories, including subdirectories. A pattern may match one.
	dirs map[string]bool
	// matched are files that already have a role. Each file is judged once.
	matched map[int]bool
	answer  validator.Answer
	seen    map[validator.Finding]bool
	missing map[string]bool
	// rereads are files that the server reads again on its own; other are files with a use for which that is not certain.
	rereads, other map[int]bool
	// patterns are the file patterns seen so far, as the server resolves them.
	patterns []string
	// open and openRules say that scrape_config_files or rule_files may match files that are not visible to reloader.
	open, openRules bool
}

// Judge gives the verdict. It reads no file and sends no request.
func Judge(q *validator.Question) *validator.Answer {
	if q.Compare != nil {
		return &validator.Answer{Library: Library, Compared: compared(q)}
	}
	j := newJudge(q)
	j.main()
	slices.Sort(j.answer.Need)
	slices.SortFunc(j.answer.Rules, func(a, b validator.RuleFile) int { return cmp.Compare(a.File, b.File) })
	return &j.answer
}

// newJudge indexes the files and directories of a question.
func newJudge(q *validator.Question) *judge {
	j := &judge{
		q: q, server: versions.Parse(q.Version), parser: newParser(q.Features, versions.Parse(q.Version)),
		paths: make(map[string]int, len(q.Files)), wholeDirs: map[string]bool{}, dirs: map[string]bool{}, matched: make(map[int]bool, len(q.Files)),
		unfit: make(map[string]string, len(q.Broken)), seen: map[validator.Finding]bool{}, missing: map[string]bool{},
		rereads: map[int]bool{}, other: make(map[int]bool, len(q.Files)),
	}
	j.other[q.Main] = true
	j.answer.Library = Library
	for i, f := range q.Files {
		j.paths[path.Clean(f.Path)] = i
	}
	for _, d := range q.Dirs {
		j.dirs[path.Clean(d)], j.wholeDirs[path.Clean(d)] = true, true
	}
	for _, p := range q.Broken {
		j.unfit[path.Clean(p)] = q.Links[p]
	}
	for _, p := range slices.AppendSeq(slices.Collect(maps.Keys(j.paths)), maps.Keys(j.unfit)) {
		for d := path.Dir(p); d != "/" && d != "." && !j.dirs[d]; d = path.Dir(d) {
			j.dirs[d] = true
		}
	}
	for _, d := range q.Atomic {
		j.dirs[path.Join(d, "..data")] = true
	}
	j.byName, j.dirsByName = paths.NewIndex(slices.Sorted(maps.Keys(j.paths))), paths.NewIndex(slices.Sorted(maps.Keys(j.dirs)))
	return j
}

// report adds a problem of a file to the answer, once.
func (j *judge) report(file int, p problem) {
	f := validator.Finding{
		File: file, Line: max(p.line, 0), Column: max(p.column, 0), Severity: p.severity, Rule: p.rule,
		Message: bounded(p.message), Hint: bounded(p.hint), Open: p.open,
	}
	if p.unsure {
		f.Query = p.query
	}
	if j.seen[f] {
		return
	}
	j.seen[f] = true
	j.answer.Findings = append(j.answer.Findings, f)
}

// reportAll locates, redacts and reports the problems of a file.
func (j *judge) reportAll(file int, ix *index, ps []problem) {
	if len(ps) == 0 {
		return
	}
	hidden := secretsOf(ix)
	var lines *yamlslip.Text
	for _, p := range ps {
		ix.locate(&p)
		if p.blocks() && (p.tag != "" || p.unknown != "" || p.rule == validator.RuleValue) {
			if lines == nil {
				lines = yamlslip.Scan([]byte(strings.Join(ix.text, "")))
			}
			p.reinterpret(lines)
		}
		if p.unknown != "" && p.hint == "" && p.blocks() && !j.server.Known() && mayBeNew(p.unknown) {
			p.hint = "judged as Prometheus " + Library + "; if the server is newer, give its version with --prometheus-version"
		}
		if p.hint == hintFeature && !j.server.Known() {
			p.hint += "; if the server has it, give --prometheus-feature"
		}
		p.message, p.hint = hidden.redact(p.message), hidden.redact(p.hint)
		j.report(file, p)
	}
}

// main judges the main file and everything that it names.
func (j *judge) main() {
	content := j.q.Files[j.q.Main].Content
	j.matched[j.q.Main] = true
	ix, err := parse(content)
	if err != nil {
		j.answer.Broken = true
		j.answer.Scheme = j.q.Scheme
		j.broken(j.q.Main, content, err, configNames)
		j.orphans()
		j.web()
		return
	}
	l := &configLoader{server: j.server}
	ps := l.judge(ix.text, ix)
	ps = append(ps, tooNew(ix, firstInConfig, j.server)...)
	j.reportAll(j.q.Main, ix, ps)
	j.answer.Broken = blocking(ps)
	j.answer.Scheme = l.config.GlobalConfig.MetricNameValidationScheme.String()
	j.outline(ix)
	j.secondDocument(j.q.Main, content, validator.RuleSecondDocument, "the main file")
	if j.q.Agent {
		j.agent(l.config, ix)
	}
	j.refer(l, ix)
}

// orphans judges every file that looks like a rule file, when the rule files are not known.
func (j *judge) orphans() {
	var rules []int
	for i, f := range j.q.Files {
		if i != j.q.Main && f.Size != validator.Known && reGroups().Match(f.Content) {
			rules = append(rules, i)
		}
	}
	j.ruleFiles(rules, model.UTF8Validation)
}

var reGroups = lazyregexp.New(`(?m)^groups:`)

// agent refuses what a server in agent mode refuses.
func (j *judge) agent(cfg *config.Config, ix *index) {
	for _, field := range []struct {
		key string
		set bool
	}{
		{"alerting", len(cfg.AlertingConfig.AlertmanagerConfigs) > 0 || len(cfg.AlertingConfig.AlertRelabelConfigs) > 0},
		{"rule_files", len(cfg.RuleFiles) > 0},
		{"remote_read", len(cfg.RemoteReadConfigs) > 0},
	} {
		if field.set {
			p := problem{
				severity: finding.Error, rule: validator.RuleAgent,
				message: "field " + field.key + " is not allowed in agent mode",
				hint:    "remove it, or run the server without --agent",
				needles: []string{field.key}}
			ix.locate(&p)
			j.report(j.q.Main, p)
		}
	}
}

func bounded(s string) string {
	const most = 2000
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
