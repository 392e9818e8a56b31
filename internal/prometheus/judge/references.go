package judge

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
	"reloader/internal/yamlnode"
)

// job is a scrape job and the file that contains it.
type job struct {
	*config.ScrapeConfig
	file int
	ix   *index
}

// refer judges the files that the main file names.
func (j *judge) refer(l *configLoader, ix *index) {
	cfg := l.config
	file := j.q.Main
	dir := path.Dir(j.q.Files[file].Path)
	if !l.foreign {
		j.reads(file, ix, dir)
	}
	j.equalRemotes(cfg, ix)
	j.metadataPause(cfg, ix)
	if l.body != "" {
		j.noLogLevel(cfg, ix)
	}

	rules, paths := j.named(file, patternsOf(ix, "rule_files", cfg.RuleFiles, l.body != ""), dir, "rule_files")
	j.ruleFiles(rules, cfg.GlobalConfig.MetricNameValidationScheme)
	jobs := j.scrapeFiles(cfg, ix, dir, patternsOf(ix, "scrape_config_files", cfg.ScrapeConfigFiles, l.body != ""))
	for i, f := range j.q.Files {
		if f.Size == validator.Known && !j.matched[i] {
			j.answer.Unused = append(j.answer.Unused, i)
		}
	}
	j.targets(cfg, ix, jobs)
	j.unreadableNames(cfg, ix, jobs)
	if j.uncompared {
		j.orphans()
	}
	j.web()
	j.expect(l, ix, jobs, paths)
}

// patternsOf are the patterns of a list at the top of the file, where they stand: those that the library read of a file that is
// right as a whole, in whatever way it is written, else what can be seen of them.
func patternsOf(ix *index, key string, read []string, whole bool) (patterns []*yaml.Node) {
	o := outliner{left: maxAliased}
	list := &yaml.Node{}
	for _, f := range o.fields(ix.root) {
		if f.key == key {
			list = f.value
		}
	}
	written := o.items(list)
	if !whole {
		read = make([]string, len(written))
		for i, n := range written {
			if n = yamlnode.Resolve(n); n.Kind == yaml.ScalarNode {
				read[i] = n.Value
			}
		}
	}
	for i, pattern := range read {
		n := &yaml.Node{Line: max(list.Line, 1), Column: max(list.Column, 1)}
		if len(written) == len(read) {
			n = yamlnode.Resolve(written[i])
		}
		if pattern != "" {
			patterns = append(patterns, &yaml.Node{Kind: yaml.ScalarNode, Value: pattern, Line: n.Line, Column: n.Column})
		}
	}
	return patterns
}

// named resolves a top-level list of patterns to visible files, in the order in which the server reads them, and to the
// paths that the server uses for them.
func (j *judge) named(file int, patterns []*yaml.Node, dir, key string) (files []int, paths []validator.RulePath) {
	listed := make(map[int]bool, len(j.q.Files))
	for _, n := range patterns {
		pattern := join(dir, n.Value)
		found := j.glob(file, n, pattern, refusedWith)
		if len(found) == 0 && (j.uncompared || !j.dirs[path.Dir(proof.Path(pattern))]) {
			j.open = j.open || key == "scrape_config_files"
			j.openRules = j.openRules || key == "rule_files"
		}
		for _, m := range found {
			if !listed[m.File] || key == "scrape_config_files" {
				files = append(files, m.File)
			}
			listed[m.File] = true
			j.other[m.File] = true
			paths = append(paths, m)
		}
	}
	return files, paths
}

func join(dir, p string) string {
	if p == "" || path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(dir, p)
}

// absent warns, once per file and effect, about a file that is not visible. It may still exist where the server runs.
func (j *judge) absent(file int, n *yaml.Node, p, effect string) {
	if j.missing[p+"\x00"+effect] {
		return
	}
	j.missing[p+"\x00"+effect] = true
	f := problemAt(n, finding.Warning, validator.RuleMissingFile,
		fmt.Sprintf("file %q is not visible to reloader", p), "make sure that the server's container has it")
	switch why, hint := j.led(p); {
	case why != "":
		f.message, f.hint = why, hint
	case j.dirs[path.Dir(p)]:
		f.message = fmt.Sprintf("file %q does not exist", p)
	case strings.HasPrefix(p, "/var/run/secrets/kubernetes.io/"), strings.HasPrefix(p, "/run/secrets/kubernetes.io/"):
		f.severity = finding.Info
	}
	if effect != "" && f.severity == finding.Warning {
		f.message += ": " + effect
	}
	j.report(file, f)
}

// reads judges the other files that a file's jobs read and write.
func (j *judge) reads(file int, ix *index, dir string) {
	j.inputs(file, ix, dir)
	j.certificates(file, ix, dir)
	j.logDirectories(file, ix, dir)
	j.never(file, ix)
}

// inputs finds the files that a file's jobs read: credentials, certificates, authorities.
func (j *judge) inputs(file int, ix *index, dir string) {
	for _, at := range ix.places {
		if at.isKey || at.node.Kind != yaml.ScalarNode || at.node.Value == "" || at.node.Tag == "!!null" {
			continue
		}
		key := at.last()
		// The server writes log files.
		if !strings.HasSuffix(key, "_file") || strings.HasSuffix(key, "_log_file") || slices.Contains(at.path, "labels") || slices.Contains(at.path, "external_labels") {
			continue
		}
		p, _ := j.throughLink(join(dir, at.node.Value))
		if i, ok := j.paths[p]; ok {
			j.matched[i] = true
			if readAtUse(at.path) {
				j.rereads[i] = true
			} else {
				j.other[i] = true
			}
			continue
		}
		j.absent(file, at.node, p, effectOf(at.path))
	}
}

// effectOf is what happens without the file that the key at this path names; empty when it depends.
func effectOf(keys []string) string {
	switch key := keys[len(keys)-1]; {
	case loadedWith(keys) && (slices.Contains([]string{"ca_file", "cert_file", "key_file"}, key) || slices.Contains(keys, "google_iam")):
		return "without it the reload fails partway, and the server cannot start"
	case loadedWith(keys):
		return ""
	case inDiscovery(keys):
		return "without it no target is found"
	default:
		return "without it the job is not scraped"
	}
}

// ruleFiles judges rule files on all processors, except those whose verdict is known.
func (j *judge) ruleFiles(files []int, scheme model.ValidationScheme) {
	rj := &ruleJudge{parser: j.parser, scheme: scheme, server: j.server, offline: j.q.Offline}
	stale := j.q.Scheme != "" && j.q.Scheme != scheme.String()
	var todo []int
	for _, i := range files {
		if j.matched[i] && i != j.q.Main {
			continue
		}
		j.matched[i] = true
		switch {
		case j.q.Files[i].Size != validator.Known:
			todo = append(todo, i)
		case stale:
			j.answer.Need = append(j.answer.Need, i)
		}
	}
	// Verdicts are received in order, and each can be freed before the next: that of a bad file holds all of its nodes.
	verdicts := make([]chan verdict, min(runtime.GOMAXPROCS(0), len(todo)))
	var wg sync.WaitGroup
	for w := range verdicts {
		verdicts[w] = make(chan verdict)
		wg.Go(func() {
			for k := w; k < len(todo); k += len(verdicts) {
				verdicts[w] <- rj.file(j.q.Files[todo[k]].Content)
			}
		})
	}
	for k, i := range todo {
		v := <-verdicts[k%len(verdicts)]
		if v.broken != nil {
			j.broken(i, j.q.Files[i].Content, v.broken, ruleNames)
		} else if v.index != nil {
			j.reportAll(i, v.index, v.problems)
		} else {
			for _, p := range v.problems { // they already have a position, and quote no value
				j.report(i, p)
			}
		}
		j.answer.Rules = append(j.answer.Rules, validator.RuleFile{File: i, Groups: v.groups})
	}
	wg.Wait()
}

// scrapeFiles judges scrape_config_files and returns all jobs of the configuration.
func (j *judge) scrapeFiles(cfg *config.Config, ix *index, dir string, patterns []*yaml.Node) []job {
	var jobs []job
	from := map[string]string{}
	for _, c := range cfg.ScrapeConfigs {
		jobs = append(jobs, job{c, j.q.Main, ix})
		from[c.JobName] = "the main file"
	}
	files, _ := j.named(j.q.Main, patterns, dir, "scrape_config_files")
	for _, i := range files {
		f := j.q.Files[i]
		if f.Size == validator.Known {
			j.answer.Need = append(j.answer.Need, i)
			j.matched[i] = true
			continue
		}
		again := j.matched[i]
		j.matched[i] = true
		fix, err := parse(f.Content)
		if err != nil {
			j.broken(i, f.Content, err, configNames)
			continue
		}
		l := &scrapesLoader{server: j.server, global: cfg.GlobalConfig}
		scfgs, ps := l.judge(fix.text, fix)
		if !again {
			j.outline(fix)
			j.reads(i, fix, path.Dir(f.Path))
			j.secondDocument(i, f.Content, validator.RuleSecondDocument, "a file of scrape_config_files")
			ps = append(ps, tooNew(fix, firstInConfig, j.server)...)
		}
		for _, c := range scfgs {
			if first, ok := from[c.JobName]; ok {
				p := problem{
					severity: finding.Error, rule: validator.RuleDuplicateJob,
					message: fmt.Sprintf("scrape job %q already exists in %s", c.JobName, first), hint: "give each its own name",
					needles: []string{c.JobName}, under: "job_name"}
				if again && first == path.Base(f.Path) {
					p.message = "two patterns of scrape_config_files match this file, so each of its jobs exists twice"
					p.hint = "change the patterns so that only one of them matches it"
					ps = append(ps, p)
					break
				}
				ps = append(ps, p)
				continue
			}
			from[c.JobName] = path.Base(f.Path)
			jobs = append(jobs, job{c, i, fix})
		}
		j.reportAll(i, fix, ps)
	}
	return jobs
}
