package judge

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
)

// expect fills in what a server will report about itself when it runs these files. A server does not run files with errors.
func (j *judge) expect(l *configLoader, ix *index, jobs []job, rules []validator.RulePath) {
	j.answer.RulePaths = rules
	for i := range j.rereads {
		if !j.other[i] {
			j.answer.Rereads = append(j.answer.Rereads, i)
		}
	}
	slices.Sort(j.answer.Rereads)
	if l.body == "" && ix.root != nil {
		j.answer.Untold = true
		return
	}
	if slices.ContainsFunc(j.answer.Findings, func(f validator.Finding) bool { return f.Severity == finding.Error && f.Query == "" }) {
		return
	}
	main := j.q.Files[j.q.Main].Path
	e := &proof.Expected{
		Library: Library, Main: main, Agent: j.q.Agent, OpenJobs: j.open, OpenRules: j.openRules,
		Interval: time.Duration(l.config.GlobalConfig.EvaluationInterval).Seconds(),
	}
	for _, jb := range jobs {
		e.Jobs = append(e.Jobs, proof.Job{Name: jb.JobName, Wait: jb.file != j.q.Main || mayFail(jb.ScrapeConfig)})
	}
	if !j.q.Offline {
		j.print(e, l, path.Dir(main), ix, jobs)
	}
	j.unread(e)
	j.answer.Expected = e
}

// print fills in the configuration as the server prints it, and the jobs that the server prints elsewhere.
func (j *judge) print(e *proof.Expected, l *configLoader, dir string, ix *index, jobs []job) {
	cfg, err := l.printable(dir, j.q.Features, ix)
	secrets := err == nil && j.fileJobs(e, cfg.GlobalConfig, jobs)
	j.hidden(e, jobs)
	if err != nil {
		e.Unprinted = "Prometheus " + Library + ", which reloader compares with, cannot print it"
		return
	}
	e.Labels = map[string]string{}
	cfg.GlobalConfig.ExternalLabels.Range(func(l labels.Label) {
		if strings.Contains(l.Value, "$") {
			e.Wild = append(e.Wild, proof.ExternalLabels+l.Name)
			e.Labels[l.Name] = l.Value
		}
	})
	if len(e.Labels) > 0 {
		e.Hidden = append(e.Hidden, "values of variables in external labels")
	}
	for _, keys := range byFlags {
		if !sets(ix.root, keys) {
			e.Wild = append(e.Wild, strings.Join(keys, "."))
		}
	}
	text := proof.Normal(printed(cfg), e.Wild)
	if secrets || masks(text) {
		e.Hidden = append(e.Hidden, "values of secrets")
	}
	e.Text, e.Items = proof.Sum(text), proof.Cut(text)
	if !sameVersion(j.q.Version) {
		addLeaves(e.Items, text, ix)
	}
}

// sameVersion reports whether the server prints a configuration as the library does.
func sameVersion(server string) bool {
	server, _, _ = strings.Cut(server, "+")
	return server == Library
}

// byFlags are the settings whose defaults come from the server's flags and environment: GOGC, --log.level,
// --storage.tsdb.retention.time and .size.
var byFlags = [][]string{{"runtime", "gogc"}, {"runtime", "log_level"}, {"storage", "tsdb", "retention"}}

// sets reports whether a file sets the value at a path of keys.
func sets(n *yaml.Node, keys []string) bool {
	o := outliner{left: maxAliased}
	_, found := o.value(n, keys...)
	return found
}

// mayFail reports whether the server may fail to create the job's scrape pool without reporting it: the pool's HTTP
// client needs files, and versions that fit together.
func mayFail(c *config.ScrapeConfig) bool {
	tls := c.HTTPClientConfig.TLSConfig
	return tls.MaxVersion != 0 && tls.MaxVersion < tls.MinVersion || tls.CAFile != "" || tls.CertFile != "" || tls.KeyFile != "" || tls.CA != "" || tls.Cert != "" || c.HTTPClientConfig.OAuth2 != nil
}

// hidden names what no server shows.
func (j *judge) hidden(e *proof.Expected, jobs []job) {
	n := len(slices.DeleteFunc(slices.Clone(jobs), func(jb job) bool { return jb.file == j.q.Main }))
	if n > len(e.FileJobs) {
		e.FileJobs = nil
		e.Hidden = append(e.Hidden, fmt.Sprintf("the contents of %d scrape jobs in scrape_config_files (their names are compared)", n))
	}
}

// maxExamples is how many files of an unread directory are named.
const maxExamples = 5

// unread finds visible directories from which the server reads no file.
func (j *judge) unread(e *proof.Expected) {
	// The files of each directory, including those below it. A directory with enough examples has parents with enough.
	used, files := map[string]bool{}, map[string][]string{}
	for _, p := range j.byName.Sorted() {
		i := j.paths[p]
		isUsed := j.matched[i] || j.other[i]
		for d := path.Dir(p); !used[d] && (isUsed || len(files[d]) < maxExamples); d = path.Dir(d) {
			if isUsed {
				used[d] = true
			} else {
				files[d] = append(files[d], path.Base(p))
			}
			if d == "/" || d == "." {
				break
			}
		}
	}
	mainDir := path.Dir(e.Main)
	for _, d := range j.q.Dirs {
		d = path.Clean(d)
		if d == mainDir || strings.HasPrefix(mainDir, d+"/") || used[d] || len(files[d]) == 0 {
			continue
		}
		u := proof.Unread{Dir: d, Files: slices.Sorted(slices.Values(files[d]))}
		u.Like = j.like(u.Files)
		e.Unread = append(e.Unread, u)
	}
}

// like is a directory that is not visible to reloader, from which the server reads files with names like these.
func (j *judge) like(files []string) string {
	for _, pattern := range j.patterns {
		dir := path.Dir(proof.Path(pattern))
		if j.dirs[dir] || strings.ContainsAny(dir, `*?[\`) {
			continue
		}
		if slices.ContainsFunc(files, func(f string) bool { ok, _ := path.Match(path.Base(pattern), f); return ok }) {
			return dir
		}
	}
	return ""
}

// readAtUse reports whether the server reads the file that a key names again for each use. That is known for the HTTP
// clients of scrape jobs, remote write and read, and alerting. Service discovery and the rest may read it once.
func readAtUse(keys []string) bool {
	clients := []string{"scrape_configs", "remote_write", "remote_read", "alerting"}
	others := []string{"google_iam", "sigv4", "azuread"}
	files := []string{"username_file", "password_file", "credentials_file", "bearer_token_file", "client_secret_file", "ca_file", "cert_file", "key_file"}
	return slices.Contains(clients, keys[0]) && slices.Contains(files, keys[len(keys)-1]) && !inDiscovery(keys) &&
		!slices.ContainsFunc(keys, func(k string) bool { return slices.Contains(others, k) })
}

// printer is a parser that records how the server will print each expression.
type printer struct {
	parser.Parser
	printed map[string]string
}

// ParseExpr implements parser.Parser.
func (p *printer) ParseExpr(input string) (parser.Expr, error) {
	expr, err := p.Parser.ParseExpr(input)
	if expr != nil && (err == nil || onlyTooNew(err)) {
		p.printed[input] = expr.String()
	}
	return expr, err
}

// shownGroups adds to each group of a rule file what the server will report about it.
func shownGroups(groups []validator.Group, file *rulefmt.RuleGroups, p *printer) {
	for i, g := range file.Groups {
		if len(g.Rules) == 0 {
			continue
		}
		shown := &proof.Group{Name: g.Name, Interval: time.Duration(g.Interval).Seconds(), Limit: g.Limit, Offset: g.QueryOffset != nil, Rules: make([]uint64, len(g.Rules))}
		for k, r := range g.Rules {
			printed, read := p.printed[r.Expr]
			if !read {
				shown.Unread = append(shown.Unread, k)
			}
			rule := proof.Rule{Type: "recording", Name: r.Record, Query: printed, Labels: merge(g.Labels, r.Labels)}
			if r.Alert != "" {
				rule.Type, rule.Name = "alerting", r.Alert
				rule.Duration, rule.KeepFiringFor = time.Duration(r.For).Seconds(), time.Duration(r.KeepFiringFor).Seconds()
				rule.Annotations = r.Annotations
			}
			shown.Rules[k] = rule.Sum()
		}
		groups[i].Shown = shown
	}
}

// merge adds a rule's labels to those of its group.
func merge(group, rule map[string]string) map[string]string {
	if len(group) == 0 {
		return rule
	}
	all := make(map[string]string, len(group)+len(rule))
	maps.Copy(all, group)
	maps.Copy(all, rule)
	return all
}
