package judge

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/labels"
	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"

	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
)

const (
	// maxTargets bounds the targets of a job that are told one by one.
	maxTargets = 5000
	// maxJobLeaves bounds the digests of all jobs; of those beyond only the one of the whole job is told.
	maxJobLeaves = 100_000
)

// fileJobs fills in the jobs of scrape_config_files as the server prints them, and says whether that masks secrets.
func (j *judge) fileJobs(e *proof.Expected, global config.GlobalConfig, jobs []job) (secrets bool) {
	defer withFeatures(j.q.Features)()
	left := maxJobLeaves
	for from := 0; from < len(jobs); {
		file := jobs[from].file
		to := from + 1
		for to < len(jobs) && jobs[to].file == file {
			to++
		}
		if file != j.q.Main {
			written := parts(jobs[from].ix.root) // all jobs of a file are in one index
			judged := map[string]bool{}
			for _, jb := range jobs[from:to] {
				judged[jb.JobName] = true
			}
			for _, c := range j.printableJobs(file, global) {
				if !judged[c.JobName] {
					continue
				}
				fj, masks, ok := j.fileJob(c, written)
				if !ok {
					continue
				}
				if left -= len(fj.Fields) + len(fj.Leaves) + len(fj.Targets); left < 0 {
					fj.Fields, fj.Leaves, fj.Targets = nil, nil, nil
				}
				secrets = secrets || masks
				e.FileJobs = append(e.FileJobs, fj)
			}
		}
		from = to
	}
	return secrets
}

// printableJobs reads a file that was found valid, as the server has its jobs before it prints them.
func (j *judge) printableJobs(file int, global config.GlobalConfig) []*config.ScrapeConfig {
	var jobs config.ScrapeConfigs
	if yaml2.Unmarshal(j.q.Files[file].Content, &jobs) != nil {
		return nil
	}
	for _, c := range jobs.ScrapeConfigs {
		if c.Validate(global) != nil {
			return nil
		}
		c.SetDirectory(path.Dir(j.q.Files[file].Path))
	}
	return jobs.ScrapeConfigs
}

// fileJob is a job, of a file with these parts, as the server prints it.
func (j *judge) fileJob(c *config.ScrapeConfig, file map[string]*yaml.Node) (fj proof.FileJob, secrets, ok bool) {
	printed, err := yaml2.Marshal(c)
	if err != nil {
		return fj, false, false
	}
	text := proof.Normal(string(printed), nil)
	secrets = strings.Contains(text, masked)
	fj = proof.FileJob{Item: proof.Item{Kind: "scrape job", Name: c.JobName, Sum: proof.Sum(text)}}
	if sameVersion(j.q.Version) {
		fj.Fields = proof.Fields(text)
		return fj, secrets, true
	}
	var doc yaml.Node
	if yaml.Unmarshal(printed, &doc) != nil || len(doc.Content) == 0 {
		return fj, false, false
	}
	written := map[string]bool{}
	o := outliner{left: maxAliased}
	if source := file[fj.String()]; source != nil {
		o.written(source, "", written, 0)
	}
	for _, v := range values(doc.Content[0], "", nil) {
		fj.Leaves = append(fj.Leaves, proof.Leaf{Path: short(v.path), Value: short(v.text), Written: written[v.path]})
	}
	fj.Targets, fj.AllActive = staticTargets(c)
	return fj, secrets, true
}

// staticTargets are the targets of a job that has no others; all says that each of them is scraped.
func staticTargets(c *config.ScrapeConfig) (targets []uint64, all bool) {
	lb := labels.NewBuilder(labels.EmptyLabels())
	all = len(c.RelabelConfigs) == 0
	seen := map[uint64]bool{}
	for _, sd := range c.ServiceDiscoveryConfigs {
		static, ok := sd.(discovery.StaticConfig)
		if !ok {
			return nil, false
		}
		for _, g := range static {
			for _, t := range g.Targets {
				discovered(lb, c, t, g.Labels)
				m := lb.Labels().Map()
				for name := range m {
					// Labels that are gone after relabeling: two targets that only differ in these are one.
					all = all && (!strings.HasPrefix(name, model.ReservedLabelPrefix) || slices.Contains(populated, name) || strings.HasPrefix(name, model.ParamLabelPrefix))
				}
				if sum := proof.TargetSum(m); !seen[sum] {
					seen[sum] = true
					targets = append(targets, sum)
				}
			}
		}
	}
	if len(targets) > maxTargets {
		return nil, false
	}
	return targets, all
}

// populated are the reserved labels of every target.
var populated = []string{
	model.AddressLabel, model.MetricsPathLabel, model.SchemeLabel, model.ScrapeIntervalLabel, model.ScrapeTimeoutLabel,
	labelConvert, labelClassic, labelNative,
}

// compareJobs compares jobs of scrape_config_files, which the main file of the question holds as the server prints them.
func compareJobs(q *validator.Question, c *validator.Compared) {
	cfg, unknown, err := reread(string(q.Files[q.Main].Content), q)
	if err != nil {
		c.Failed = "Prometheus " + Library + ", which reloader compares with, cannot read it"
		return
	}
	left := map[string]bool{}
	for _, u := range unknown {
		left[u] = true
	}
	items := make(map[string]proof.Item, len(q.Compare.Items))
	for _, i := range q.Compare.Items {
		items[i.Name] = i
	}
	for _, job := range cfg.ScrapeConfigs {
		want, ok := items[job.JobName]
		printed, err := yaml2.Marshal(job)
		if !ok || err != nil {
			continue
		}
		if proof.Sum(proof.Normal(string(printed), nil)) == want.Sum {
			continue
		}
		var doc yaml.Node
		switch {
		case sameVersion(q.Version):
			c.Differences = append(c.Differences, want.String()+" differs")
		case len(want.Leaves) == 0, yaml.Unmarshal(printed, &doc) != nil, len(doc.Content) == 0:
			left[want.String()] = true
		default:
			if key, same := compareItem(want, values(doc.Content[0], "", nil), left); !same {
				c.Differences = append(c.Differences, want.String()+" differs"+key)
			}
		}
	}
	c.LeftOut = slices.Sorted(maps.Keys(left))
}
