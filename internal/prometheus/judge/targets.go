package judge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
)

// targets judges what promtool judges beyond the library: certificate pairs, static targets, file_sd files.
func (j *judge) targets(cfg *config.Config, ix *index, jobs []job) {
	for _, jb := range jobs {
		check := func(groups []*targetgroup.Group) error { return checkScrape(groups, jb.ScrapeConfig) }
		j.pair(jb.file, jb.ix, jb.JobName, jb.HTTPClientConfig.TLSConfig)
		j.discoveries(jb.file, jb.ix, jb.JobName, jb.ServiceDiscoveryConfigs, check)
	}
	for _, am := range cfg.AlertingConfig.AlertmanagerConfigs {
		check := func(groups []*targetgroup.Group) error { return checkAlertmanager(groups, am) }
		j.discoveries(j.q.Main, ix, "alertmanagers", am.ServiceDiscoveryConfigs, check)
	}
}

func (j *judge) discoveries(in int, ix *index, owner string, configs discovery.Configs, check func([]*targetgroup.Group) error) {
	for _, c := range configs {
		switch c := c.(type) {
		case *kubernetes.SDConfig:
			j.pair(in, ix, owner, c.HTTPClientConfig.TLSConfig)
		case *file.SDConfig:
			for _, pattern := range c.Files {
				j.fileSD(in, ix, pattern, check)
			}
		case discovery.StaticConfig:
			if err := check(c); err != nil {
				j.reportAll(in, ix, []problem{targetProblem(err, owner)})
			}
		}
	}
}

// pair refuses a client certificate without its key, and the reverse.
func (j *judge) pair(in int, ix *index, owner string, tls commonconfig.TLSConfig) {
	message, needle := "", ""
	switch {
	case tls.CertFile != "" && tls.KeyFile == "":
		message, needle = "cert_file without key_file", tls.CertFile
	case tls.KeyFile != "" && tls.CertFile == "":
		message, needle = "key_file without cert_file", tls.KeyFile
	default:
		return
	}
	j.reportAll(in, ix, []problem{{mistake: mistake{
		severity: finding.Error, rule: validator.RuleValue, message: message, hint: "name both files",
	}, needles: []string{needle, owner}}})
}

func targetProblem(err error, owner string) problem {
	p := valueProblem(err.Error(), configNames)
	p.rule = validator.RuleTarget
	p.needles = append(p.needles, owner)
	return p
}

// fileSD judges the target files in view that a pattern means.
func (j *judge) fileSD(in int, ix *index, pattern string, check func([]*targetgroup.Group) error) {
	dir := path.Dir(j.q.Files[in].Path)
	node := &yaml.Node{Line: 1, Column: 1, Value: pattern}
	for _, at := range ix.places {
		if !at.isKey && len(at.path) > 1 && at.path[len(at.path)-1] == "files" && at.path[len(at.path)-2] == "file_sd_configs" && at.node.Kind == yaml.ScalarNode && at.node.Value == pattern {
			node = at.node
			break
		}
	}
	for _, i := range j.glob(in, node, join(dir, pattern)) {
		f := j.q.Files[i]
		j.matched[i] = true
		if f.Size == validator.Known {
			j.answer.Need = append(j.answer.Need, i)
			continue
		}
		groups, err := readTargets(f)
		if err == nil {
			err = check(groups)
		}
		if err != nil {
			j.targetFile(i, err)
		}
	}
}

func readTargets(f validator.File) ([]*targetgroup.Group, error) {
	var groups []*targetgroup.Group
	switch ext := strings.ToLower(path.Ext(f.Path)); ext {
	case ".json":
		if err := json.Unmarshal(f.Content, &groups); err != nil {
			return nil, err
		}
	case ".yml", ".yaml":
		if err := yaml2.UnmarshalStrict(f.Content, &groups); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("invalid file extension: %q", ext)
	}
	for i, g := range groups {
		if g == nil {
			return nil, fmt.Errorf("nil target group item found (index %d)", i)
		}
	}
	return groups, nil
}

// targetFile reports what is wrong with a target file, where that can be seen.
func (j *judge) targetFile(i int, err error) {
	content := j.q.Files[i].Content
	hint := `a list of {"targets": ["host:port"], "labels": {"name": "value"}}`
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line, column := lineOf(content, int(syntax.Offset))
		j.report(i, problem{mistake: mistake{
			line: line, column: column, severity: finding.Error, rule: validator.RuleFileSD, message: err.Error(), hint: hint,
		}})
		return
	}
	// JSON is YAML enough to find the place in.
	ix, perr := parse(content)
	if perr != nil {
		ix = &index{}
	}
	ps := problems(err, configNames)
	for k := range ps {
		ps[k].rule = validator.RuleFileSD
		ps[k].hint = orElse(ps[k].hint, hint)
	}
	j.reportAll(i, ix, ps)
}

func lineOf(b []byte, offset int) (line, column int) {
	before := b[:min(max(offset-1, 0), len(b))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}
