package judge

import (
	"go.yaml.in/yaml/v3"

	"reloader/internal/yamlnode"
)

// namelessJobs are the scrape jobs of a file that have no name, or an empty one.
func namelessJobs(root *yaml.Node) map[*yaml.Node]bool {
	jobs := map[*yaml.Node]bool{}
	for _, job := range yamlnode.Items(child(root, "scrape_configs")) {
		if job = yamlnode.Resolve(job); job.Kind != yaml.MappingNode {
			continue
		}
		if name := yamlnode.Get(job, "job_name"); name == nil || name.Kind == yaml.ScalarNode && (name.Value == "" || name.Tag == "!!null") {
			jobs[job] = true
		}
	}
	return jobs
}

// recordNameless reports all jobs without a name, each once: the library stops at the first, and is asked again for each
// part of it.
func (s *isolator) recordNameless(p problem) {
	if s.saidNameless {
		return
	}
	s.saidNameless = true
	for _, job := range yamlnode.Items(child(s.index.root, "scrape_configs")) {
		if job = yamlnode.Resolve(job); !s.nameless[job] {
			continue
		}
		if len(s.found) > maxProblems {
			return // the search ends here
		}
		p.line, p.column = job.Line, job.Column
		for key := range yamlnode.Pairs(job) {
			if key.Value == "job_name" {
				p.line, p.column = key.Line, key.Column
			}
		}
		s.found = append(s.found, p)
	}
}

// blameNameless marks the jobs without a name in a part, and reports whether there is one: no part of it can be judged with the
// others.
func (s *isolator) blameNameless(u *unit, bad map[*unit]bool) bool {
	if len(s.nameless) == 0 {
		return false
	}
	if s.nameless[u.node] {
		u.leaves(bad)
		return true
	}
	hit := false
	for _, c := range u.children {
		hit = s.blameNameless(c, bad) || hit
	}
	return hit
}
