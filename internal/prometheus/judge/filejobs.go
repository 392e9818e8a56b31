package judge

import (
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
	// maxTargets is how many targets of a job are listed; a job with more lists none.
	maxTargets = 5000
	// maxJobLeaves bounds the digests of all jobs. Jobs beyond it have only a digest of the whole job.
	maxJobLeaves = 100_000
)

// fileJobs fills in the jobs of scrape_config_files as the server prints them, and reports whether that masks secrets.
func (j *judge) fileJobs(e *proof.Expected, global config.GlobalConfig, jobs []job) (secrets bool) {
	defer withFeatures(j.q.Features)()
	left := maxJobLeaves
	for len(jobs) > 0 {
		file, written := jobs[0].file, parts(jobs[0].ix.root)
		judged := map[string]bool{}
		for len(jobs) > 0 && jobs[0].file == file {
			judged[jobs[0].JobName] = true
			jobs = jobs[1:]
		}
		if file == j.q.Main {
			continue
		}
		for _, c := range j.printableJobs(file, global) {
			fj, masks, ok := j.fileJob(c, written)
			if !ok || !judged[c.JobName] {
				continue
			}
			if left -= len(fj.Fields) + len(fj.Leaves) + len(fj.Targets); left < 0 {
				fj.Fields, fj.Leaves, fj.Targets = nil, nil, nil
			}
			secrets = secrets || masks
			e.FileJobs = append(e.FileJobs, fj)
		}
	}
	return secrets
}

// printableJobs reads the jobs of a valid file as the server holds them.
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

// fileJob is a job as the server prints it; file are the parts of its file.
func (j *judge) fileJob(c *config.ScrapeConfig, file map[string]*yaml.Node) (fj proof.FileJob, secrets, ok bool) {
	printed, err := yaml2.Marshal(c)
	if err != nil {
		return fj, false, false
	}
	text := proof.Normal(string(printed), nil)
	secrets = masks(text)
	fj = proof.FileJob{Item: proof.Item{Kind: "scrape job", Name: c.JobName, Sum: proof.Sum(text)}}
	if sameVersion(j.q.Version) {
		fj.Fields = proof.Fields(text)
		return fj, secrets, true
	}
	all, plain := plainSettings(string(printed))
	if !plain {
		root := top(string(printed))
		if root == nil {
			return fj, false, false
		}
		all = values(root, "", nil)
	}
	fj.Leaves = leaves(all, file[fj.String()])
	fj.Targets, fj.AllActive = staticTargets(c)
	return fj, secrets, true
}

// staticTargets are the targets of a job that has only static ones; all says that every one of them is scraped.
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
					// Other reserved labels are dropped after relabeling: targets that differ only in them become one.
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

// compareJobs compares jobs of scrape_config_files with those that the server printed (the question's main file).
func compareJobs(q *validator.Question, cfg *config.Config, left map[string]bool, c *validator.Compared) {
	items := make(map[string]proof.Item, len(q.Compare.Items))
	for _, i := range q.Compare.Items {
		items[i.Name] = i
	}
	for _, job := range cfg.ScrapeConfigs {
		want, ok := items[job.JobName]
		printed, err := yaml2.Marshal(job)
		if !ok || err != nil || proof.Sum(proof.Normal(string(printed), nil)) == want.Sum {
			continue
		}
		root := top(string(printed))
		switch {
		case sameVersion(q.Version):
			c.Differences = append(c.Differences, want.String()+" differs")
		case len(want.Leaves) == 0, root == nil:
			left[want.String()] = true
		default:
			if key, same := compareItem(want, values(root, "", nil), left); !same {
				c.Differences = append(c.Differences, want.String()+" differs"+key)
			}
		}
	}
}
